"""A mock deployment: the same answer to everybody, at once or at the pace that the prompt asks for.

It is no model and reads no prompt, except for a pace written as ``#mock:FIRST_MS,TOKENS,EVERY_MS#``: how long until
the first token, how many there are, how long from each to the next. The role comes together with the first token, or,
with ``,early`` before the last ``#``, at once. Alone, as a process: ``python -m bench.upstream
PORT [CERTIFICATE]``, with TLS where a file with a certificate and its key is named.
"""

import asyncio
import re
import ssl
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any, Self, cast

import orjson
import uvloop
from typing_extensions import override

__all__ = ["EVENTS", "PIECE", "Upstream", "serve"]

_COMMON: dict[str, Any] = {"id": "chatcmpl-mock", "created": 1, "model": "mock"}
_USAGE = {"prompt_tokens": 200, "completion_tokens": 30, "total_tokens": 230}
_TOKENS = 30
EVENTS = _TOKENS + 4
"""Of a stream whose prompt asks for nothing: a role, tokens, a finish reason, usage, `[DONE]`."""
PIECE = " word"
_MESSAGE = {"role": "assistant", "content": PIECE * _TOKENS, "refusal": None}
_CHOICE = {"index": 0, "message": _MESSAGE, "logprobs": None, "finish_reason": "stop"}
_BODY = orjson.dumps({**_COMMON, "object": "chat.completion", "choices": [_CHOICE], "usage": _USAGE})
_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
_SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
_PACE = re.compile(rb"#mock:(\d+),(\d+),(\d+)(,early)?#")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _event(data: bytes) -> bytes:
    """One event, in a chunk of its own."""
    return b"%x\r\ndata: %b\n\n\r\n" % (len(data) + 8, data)


def _token(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return _event(orjson.dumps({**_COMMON, "object": "chat.completion.chunk", "choices": [choice]}))


_ROLE, _WORD = _token({"role": "assistant", "content": ""}), _token({"content": PIECE})
_LAST = (
    _token({}, "stop") + _event(orjson.dumps({**_COMMON, "choices": [], "usage": _USAGE})) + _event(b"[DONE]") + _END
)
_BURST = _SSE + _ROLE + _WORD * _TOKENS + _LAST


@dataclass(slots=True)
class _Seen:
    """What a mock deployment in this process can be asked for."""

    streaming: int = 0
    sent: int = 0


class _Talk(asyncio.Protocol):
    """One connection; requests come one after the other, as proxies send them."""

    __slots__ = ("_came", "_need", "_parts", "_seen", "_streaming", "_transport", "_writable")

    def __init__(self, seen: _Seen) -> None:
        self._seen = seen

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parts: list[bytes] = []
        self._came = self._need = 0
        self._streaming: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    @override
    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._came += len(data)
        if not self._need:
            whole = b"".join(self._parts)
            head, found, _ = whole.partition(b"\r\n\r\n")
            if not found:
                return
            length = _LENGTH.search(head)
            self._need = len(head) + 4 + (int(length[1]) if length else 0)
            self._parts = [whole]
        if self._came >= self._need:
            request = b"".join(self._parts)
            self._parts, self._came, self._need = [], 0, 0
            self._answer(request)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._streaming is not None:
            self._streaming.cancel()

    @override
    def pause_writing(self) -> None:
        self._writable.clear()

    @override
    def resume_writing(self) -> None:
        self._writable.set()

    def _answer(self, request: bytes) -> None:
        pace = _PACE.search(request)
        if b'"stream":true' not in request:
            if pace is None or pace[1] == b"0":
                self._transport.write(_JSON)
            else:
                asyncio.get_running_loop().call_later(int(pace[1]) / 1000, self._transport.write, _JSON)
        elif pace is None:
            self._transport.write(_BURST)
        else:
            first, tokens, every = map(int, pace.groups()[:3])
            talking = self._stream(first / 1000, tokens, every / 1000, early=pace[4] is not None)
            self._streaming = asyncio.get_running_loop().create_task(talking)

    async def _stream(self, first: float, tokens: int, every: float, *, early: bool) -> None:
        """Each token in a write of its own; a reader that takes its time is waited for."""
        self._seen.streaming += 1
        try:
            if early:
                self._transport.write(_SSE + _ROLE)
            await asyncio.sleep(first)
            if not early:
                self._transport.write(_SSE + _ROLE)
            for number in range(tokens):
                if number:
                    await asyncio.sleep(every)
                await self._writable.wait()
                self._transport.write(_WORD)
                self._seen.sent += len(_WORD)
            self._transport.write(_LAST)
        finally:
            self._seen.streaming -= 1


async def serve(port: int = 0, tls: ssl.SSLContext | None = None, seen: _Seen | None = None) -> asyncio.Server:
    """Listen on 127.0.0.1."""
    noted = seen or _Seen()
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Talk(noted), "127.0.0.1", port, backlog=4096, ssl=tls)


class Upstream:
    """A mock deployment in a thread of its own, for a process that measures another of its threads."""

    def __init__(self) -> None:
        self._thread = Thread(target=lambda: uvloop.run(self._serve()), name="mock-upstream", daemon=True)
        self._listening = Future[asyncio.AbstractEventLoop]()
        self._over = asyncio.Event()
        self._seen = _Seen()
        self.base_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop = self._listening.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    @property
    def streaming(self) -> int:
        """How many streams are being sent."""
        return self._seen.streaming

    @property
    def sent(self) -> int:
        """Bytes of tokens that were sent, or wait for a reader."""
        return self._seen.sent

    async def _serve(self) -> None:
        server = await serve(seen=self._seen)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._listening.set_result(asyncio.get_running_loop())
        await self._over.wait()
        server.close()


async def _main(port: int, certificate: str | None) -> None:
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    async with await serve(port, tls) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
