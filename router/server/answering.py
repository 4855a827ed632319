"""How an answer goes out: its head is checked as one, and leaves with the first of its body in one write.

Uvicorn looks for bad characters in every header by itself and writes head and body one after the other: for the dozen
headers of ours that is 15 microseconds a request, more than reading and parsing it takes.
"""

from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

__all__ = ["Brisk"]


class _Answer(RequestResponseCycle):
    """One answer to a POST; what it may not do is uvicorn's to say."""

    _head = b""

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
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.transport.write(b"%b%b%b" % (head, chunk, b"" if more else b"0\r\n\r\n"))
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


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """A head's lines; what could end one early, and so begin another, is refused for all of them at once."""
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    if not lines.count(b"\r") == lines.count(b"\n") == len(headers) or b"\0" in lines:
        raise RuntimeError("a header has a name or a value that cannot be sent")
    return lines


class Brisk(HttpToolsProtocol):
    """Uvicorn's protocol, with answers to POST that leave at once."""

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["method"] == "POST":
            cycle.__class__ = _Answer  # uvicorn makes its cycles itself
        super()._start_asgi_task(cycle, app)
