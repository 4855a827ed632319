"""A raw HTTP/1.1 server that misbehaves as its path says, and notes when each connection went away."""

import asyncio
import contextlib
import gzip
import time
from collections.abc import Awaitable, Callable

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = b"5\r\nhello\r\n"


class GoneError(Exception):
    """Close this connection now."""


class Faulty:
    """The server: its connections, requests and moments of disconnect."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int, int]] = []
        self.heads: list[bytes] = []
        self.left: dict[int, float] = {}
        self.connections = 0
        self.sent = 0

    async def start(self) -> "Faulty":
        """Listen on any free port of the loopback."""
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def url(self, path: str) -> str:
        """The address of a behaviour."""
        return f"http://127.0.0.1:{self.port}/{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests on one connection until somebody has enough."""
        self.connections += 1
        number, count = self.connections, 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                count += 1
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if lengths:
                    await reader.readexactly(int(lengths[0].split(b":")[1]))
                path = head.split(b" ")[1].decode().strip("/")
                self.heads.append(head)
                self.requests.append((path, number, count))
                await BEHAVIOURS[path](self, reader, writer, count)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, GoneError):
            pass
        finally:
            self.left[number] = time.perf_counter()
            with contextlib.suppress(Exception):
                writer.close()

    async def noticed(self, number: int, since: float, seconds: float = 1.0) -> str:
        """How long after a moment did connection `number` go away?"""
        end = time.perf_counter() + seconds
        while number not in self.left and time.perf_counter() < end:
            await asyncio.sleep(0.002)
        return f"{1e3 * (self.left[number] - since):.1f} ms" if number in self.left else f"not within {seconds:.0f} s"


Behaviour = Callable[[Faulty, asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Register a behaviour under its name."""
    BEHAVIOURS[function.__name__] = function
    return function


def answer(writer: asyncio.StreamWriter, body: bytes, extra: bytes = b"") -> None:
    """Write a good answer."""
    writer.write(
        b"HTTP/1.1 200 OK\r\nX-Twice: a\r\nX-TWICE: b\r\n%sContent-Length: %d\r\n\r\n%s" % (extra, len(body), body)
    )


@behaviour
async def good(_server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Answer well."""
    answer(writer, b'{"a":1}')


@behaviour
async def gzipped(_server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Answer compressed, asked or not."""
    answer(writer, gzip.compress(b'{"a":1}'), b"Content-Encoding: gzip\r\n")


@behaviour
async def redirect(_server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Send elsewhere."""
    writer.write(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n")


@behaviour
async def hang(_server: Faulty, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _count: int) -> None:
    """Say nothing until the other side leaves."""
    await reader.read(1)
    raise GoneError


@behaviour
async def hang_in_body(_s: Faulty, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Begin a stream and say no more."""
    writer.write(CHUNKED + HELLO)
    await reader.read(1)
    raise GoneError


@behaviour
async def ticking(_server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Stream the time, five times."""
    writer.write(CHUNKED)
    for _ in range(5):
        tick = b"%.6f\n" % time.perf_counter()
        writer.write(b"%x\r\n%s\r\n" % (len(tick), tick))
        await writer.drain()
        await asyncio.sleep(0.05)
    writer.write(b"0\r\n\r\n")


@behaviour
async def flood(server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Stream without end."""
    writer.write(CHUNKED)
    while True:
        writer.write(b"2710\r\n" + bytes(10_000) + b"\r\n")
        server.sent += 10_000
        await writer.drain()
        await asyncio.sleep(0)


@behaviour
async def reset_before_headers(
    _server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int
) -> None:
    """Read the request, then reset."""
    writer.transport.abort()
    raise GoneError


@behaviour
async def reset_when_reused(
    _server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int
) -> None:
    """Answer the first request of a connection, reset at the second."""
    if count > 1:
        writer.transport.abort()
        raise GoneError
    answer(writer, b"{}")


@behaviour
async def closes_when_idle(
    _server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int
) -> None:
    """Answer, and close the kept connection soon after without having said so."""
    answer(writer, b"{}")
    await writer.drain()
    await asyncio.sleep(0.01)
    raise GoneError


@behaviour
async def reset_in_body(_s: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Begin a stream, then reset."""
    writer.write(CHUNKED + HELLO)
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    raise GoneError


@behaviour
async def cut_in_body(
    _server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int
) -> None:
    """Begin a stream, then close without its end."""
    writer.write(CHUNKED + HELLO)
    await writer.drain()
    await asyncio.sleep(0.05)
    raise GoneError


@behaviour
async def short_body(_server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Promise 100 bytes, send five."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
    await writer.drain()
    await asyncio.sleep(0.05)
    raise GoneError


@behaviour
async def not_http(_server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Answer something that is not HTTP."""
    writer.write(b"I am not HTTP at all\r\n\r\n")
    await writer.drain()
    raise GoneError


@behaviour
async def bad_chunk(_server: Faulty, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _count: int) -> None:
    """Send a chunk size that is no number."""
    writer.write(CHUNKED + b"ZZ\r\nhello\r\n")
    await writer.drain()
    raise GoneError
