"""How a request comes in and its answer goes out: what uvicorn does for every method and path, with less for a POST.

Uvicorn makes an event and a timer for every request, looks for bad characters in each header by itself, and writes head
and body one after the other. For a POST to a plain path, which is nearly all that comes, a body is handed over as it
came here, one timer serves a connection for good, and an answer's head is checked as one and leaves with the first of
its body in one write. Everything else, and what a connection is, stays uvicorn's.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from router.alarm import Alarm

__all__ = ["LEAVING", "Brisk"]

LEAVING = "smallfirst.leaving"
"""An extension of ASGI: takes what is called, once, when the client has left before it was answered.

Whoever waits for `http.disconnect` instead pays for a coroutine and a future with every request, to hear nothing.
"""


_NUL = b"\0"[0]
"""A number: whoever looks for bytes in bytes raises an error first, and drops it, which takes ten times as long."""


class _Exchange(RequestResponseCycle):
    """One POST and its answer; what may not be sent is uvicorn's to say."""

    def __init__(self, connection: "Brisk", *, keep_alive: bool) -> None:  # without uvicorn's, which makes an event
        self.scope = connection.scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.access_log = False
        self.default_headers = connection.server_state.default_headers
        self.on_response = connection.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = connection.expect_100_continue
        self.disconnected = False
        self.body = b""  # type: ignore[assignment]  # what is added to nothing is not copied
        self.more_body = True
        self.response_started = self.response_complete = False
        self.chunked_encoding = None
        self.expected_content_length = 0
        self._head = b""
        self._news = False
        self._reader: asyncio.Future[None] | None = None

    @property
    @override
    def message_event(self) -> "_Exchange":  # type: ignore[override]
        """What uvicorn calls `set` of, when something has come."""
        return self

    def set(self) -> None:
        """There is more of the body, or nobody to answer any more: wake who waits for that."""
        self._news = True
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    @override
    async def receive(self) -> Any:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self._news or self.disconnected or self.response_complete):
            self.flow.resume_reading()
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        self._news = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = self.body, b""  # type: ignore[assignment]
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    @override
    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self._begin(message["status"], [*self.default_headers, *message["headers"]])
        elif kind == "http.response.body" and self.response_started and not self.response_complete:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))
        else:
            await super().send(message)

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Make the head ready, and send it with the first of the body.

        Raises:
            RuntimeError: a header's name or value cannot be sent.
        """
        lines = _lines(headers)
        if (length := dict(headers).get(b"content-length")) is not None:
            self.expected_content_length = int(length)
            self.chunked_encoding = False
        if not self.keep_alive:
            lines += b"connection: close\r\n"
        if self.chunked_encoding is None and status not in {204, 304}:
            self.chunked_encoding = True
            lines += b"transfer-encoding: chunked\r\n"
        self.response_started = True
        self.waiting_for_100_continue = False
        self._head = b"%b%b\r\n" % (STATUS_LINE[status], lines)

    def _go_on(self, body: bytes, *, more: bool) -> None:
        """Send some of the body, and what is still to go before it.

        Raises:
            RuntimeError: it is longer or, at its end, shorter than was said.
        """
        head, self._head = self._head, b""
        if self.chunked_encoding:
            last = b"" if more else b"0\r\n\r\n"
            self.transport.write(b"%b%x\r\n%b\r\n%b" % (head, len(body), body, last) if body else head + last)
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (self.expected_content_length and not more):
                raise RuntimeError("the body is not as long as its content-length says")
            self.transport.write(head + body)
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()


@lru_cache(256)
def _plain(url: bytes) -> str | None:
    """A path that says what it means; None where something in it has to be understood first."""
    plain = url.startswith(b"/") and not any(mark in url for mark in b"?%#")
    return url.decode("ascii") if plain else None


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """A head's lines; what could end one early, and so begin another, is refused for all of them at once."""
    lines = b"\r\n".join([*map(b": ".join, headers), b""])
    if not lines.count(b"\r") == lines.count(b"\n") == len(headers) or _NUL in lines:
        raise RuntimeError("a header has a name or a value that cannot be sent")
    return lines


class Brisk(HttpToolsProtocol):
    """Uvicorn's protocol, with its own way for a POST, and one timer for all the times that a connection is idle."""

    _gone: Callable[[], None] | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._idle = Alarm(self.timeout_keep_alive_handler)
        self._extensions: Any = {LEAVING: self._leaving}

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._idle.stop()
        self._extensions[LEAVING] = _gone_already  # or requests, which hold them, and this would hold on to each other
        gone, self._gone = self._gone, None
        if gone is not None:
            gone()

    def _leaving(self, left: Callable[[], None]) -> None:
        """Call `left` if the client leaves before the request that is under way is answered."""
        self._gone = left
        if not self.transport.is_closing():
            self.flow.resume_reading()  # a large body has stopped it, and who does not read does not see who leaves

    @override
    def _unset_keepalive_if_required(self) -> None:
        self._idle.off()

    @override
    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._gone = None
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle.set(self.loop.time() + self.timeout_keep_alive)

    @override
    def on_headers_complete(self) -> None:
        parser, url = self.parser, self.url
        self.scope["extensions"] = self._extensions
        if parser.get_method() != b"POST" or parser.should_upgrade() or (path := _plain(url)) is None:
            super().on_headers_complete()
            return
        version = parser.get_http_version()
        self.scope.update(
            {"method": "POST", "http_version": version, "path": path, "raw_path": url, "query_string": b""}
        )
        before: RequestResponseCycle | None = self.cycle
        self.cycle = _Exchange(self, keep_alive=version != "1.0" and parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:  # its client did not wait for the answer to the one before
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))


def _gone_already(left: Callable[[], None]) -> None:
    left()
