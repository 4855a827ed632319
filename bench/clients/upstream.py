"""A small fake upstream for `run.py`: the same answer to everybody, as JSON or as a stream of 30 tokens.

It is a fake: it reads no prompt except for a pace written as ``#mock:FIRST_MS,TOKENS,EVERY_MS#``.
"""

import asyncio
import re
import sys
from typing import Any

import httptools
import orjson
import uvloop
from typing_extensions import override

USAGE = {"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200}
COMMON: dict[str, Any] = {"id": "chatcmpl-fake", "created": 1, "model": "mock"}
TEXT = "The quick brown fox jumps over the lazy dog. " * 8
CHOICE = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
BODY = orjson.dumps({**COMMON, "object": "chat.completion", "choices": [CHOICE], "usage": USAGE})
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PACE = re.compile(rb"#mock:(\d+),(\d+),(\d+)#")


def event(data: bytes) -> bytes:
    """One event in a chunk of its own."""
    return b"%x\r\ndata: %s\n\n\r\n" % (len(data) + 8, data)


def token(delta: dict[str, str], reason: str | None = None) -> bytes:
    """One chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return event(orjson.dumps({**COMMON, "object": "chat.completion.chunk", "choices": [choice]}))


FIRST, TOKEN = token({"role": "assistant", "content": ""}), token({"content": " token"})
LAST = token({}, "stop") + event(orjson.dumps({**COMMON, "choices": [], "usage": USAGE})) + event(b"[DONE]")


class Upstream(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and start parsing."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's transports are not asyncio.Transport
        self.parser, self.body = httptools.HttpRequestParser(self), b""
        self.task: asyncio.Task[None] | None = None

    @override
    def data_received(self, data: bytes) -> None:
        """Parse."""
        self.parser.feed_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Stop streaming to somebody who left."""
        if self.task:
            self.task.cancel()

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Answer."""
        body, self.body = self.body, b""
        if b'"stream":true' in body:
            self.task = asyncio.get_running_loop().create_task(self.stream(body))
        else:
            self.transport.write(JSON)

    async def stream(self, body: bytes) -> None:
        """Stream at the pace the prompt asks for; every token is a write of its own."""
        found = PACE.search(body)
        first, tokens, every = map(int, found.groups()) if found else (0, 30, 0)
        await asyncio.sleep(first / 1000)
        self.transport.write(SSE + FIRST)
        for _ in range(tokens):
            await asyncio.sleep(every / 1000)
            self.transport.write(TOKEN)
        self.transport.write(LAST + b"0\r\n\r\n")


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
