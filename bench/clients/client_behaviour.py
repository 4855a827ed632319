"""How an HTTP client behaves where it hurts a proxy: cancellation, early closing, errors, stale connections, defaults.

Usage: ``python client_behaviour.py pyreqwest|pyqwest|aiohttp|wire``; prints one line per question.
"""

import asyncio
import math
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from faulty import Faulty

GZIP = b"\x1f\x8b"
Stream = Callable[[str], AbstractAsyncContextManager[AsyncIterator[bytes]]]


@dataclass(frozen=True, slots=True)
class Limits:
    """The timeouts of a client, in seconds."""

    connect: float | None = None
    read: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """What we ask of every library: a whole answer, a stream, the end."""

    post: Callable[[str], Awaitable[tuple[int, list[tuple[str, str]], Any]]]
    stream: Stream
    close: Callable[[], Awaitable[None]]


class Chunks:
    """The chunks of a stream as bytes; unlike a generator it survives a cancelled wait."""

    def __init__(self, read: Callable[[], Awaitable[Any]]) -> None:
        self.read = read

    def __aiter__(self) -> "Chunks":
        """Iterate over itself."""
        return self

    async def __anext__(self) -> bytes:
        """Wait for the next chunk; None or StopAsyncIteration end the stream."""
        chunk = await self.read()
        if chunk is None:
            raise StopAsyncIteration
        return bytes(chunk)


async def _more(answer: Any) -> bytes | None:
    return await answer.more(math.inf) or None


def pyreqwest(limits: Limits, *, proxy_like: bool = True) -> Client:
    """Make a pyreqwest client; `proxy_like` switches off what a proxy does not want."""
    from pyreqwest.client import ClientBuilder

    builder = ClientBuilder()
    if proxy_like:
        builder = builder.no_proxy().follow_redirects(False).gzip(False).brotli(False).zstd(False).deflate(False)
    if limits.connect:
        builder = builder.connect_timeout(timedelta(seconds=limits.connect))
    if limits.read:
        builder = builder.read_timeout(timedelta(seconds=limits.read))
    if limits.total:
        builder = builder.timeout(timedelta(seconds=limits.total))
    client = builder.build()

    async def post(url: str) -> tuple[int, list[tuple[str, str]], Any]:
        response = await client.post(url).body_bytes(b"{}").build().send()
        return response.status, list(response.headers.items()), await response.bytes()

    @asynccontextmanager
    async def stream(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        request = client.post(url).body_bytes(b"{}").streamed_read_buffer_limit(0).build_streamed()
        async with request as response:
            yield Chunks(response.body_reader.read_chunk)

    return Client(post, stream, client.close)


def pyqwest(limits: Limits, *, proxy_like: bool = True) -> Client:
    """Make a pyqwest client."""
    import pyqwest as library

    more = not proxy_like
    transport = library.HTTPTransport(
        connect_timeout=limits.connect,
        read_timeout=limits.read,
        timeout=limits.total,
        enable_gzip=more,
        enable_brotli=more,
        enable_zstd=more,
        follow_redirects=more,
    )
    client = library.Client(transport)

    async def post(url: str) -> tuple[int, list[tuple[str, str]], Any]:
        response = await client.post(url, content=b"{}")
        return response.status, list(response.headers.items()), response.content

    @asynccontextmanager
    async def stream(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with client.stream("POST", url, content=b"{}") as response:
            yield Chunks(aiter(response.content).__anext__)

    return Client(post, stream, transport.aclose)


def aiohttp(limits: Limits, *, proxy_like: bool = True) -> Client:
    """Make an aiohttp session."""
    import aiohttp as library

    timeout = library.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.read)
    session = library.ClientSession(timeout=timeout, auto_decompress=not proxy_like)

    async def post(url: str) -> tuple[int, list[tuple[str, str]], Any]:
        async with session.post(url, data=b"{}", allow_redirects=not proxy_like) as response:
            return response.status, list(response.headers.items()), await response.read()

    @asynccontextmanager
    async def stream(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with session.post(url, data=b"{}", allow_redirects=not proxy_like) as response:
            yield response.content.iter_any()

    return Client(post, stream, session.close)


def wire(limits: Limits, *, proxy_like: bool = True) -> Client:  # noqa: ARG001  # it behaves like that anyway
    """Make our own client, one per address; its caller times out, so we do that for it here."""
    from router.upstream.wire import Wire

    wires: dict[str, Wire] = {}

    def client(url: str) -> Wire:
        return wires.setdefault(url, Wire(url, headers={}, connect_timeout=limits.connect or 3600))

    async def post(url: str) -> tuple[int, list[tuple[str, str]], Any]:
        async with asyncio.timeout(limits.total or limits.read):
            answer = await client(url).whole(b"{}")
        return answer.status, list(answer.headers.items()), answer.content

    @asynccontextmanager
    async def stream(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with asyncio.timeout(limits.total or limits.read):
            answer = await client(url).streamed(b"{}")
            try:
                yield Chunks(lambda: _more(answer))
            finally:
                await answer.aclose()

    async def close() -> None:
        for each in wires.values():
            await each.aclose()

    return Client(post, stream, close)


LIBRARIES = {"pyreqwest": pyreqwest, "pyqwest": pyqwest, "aiohttp": aiohttp, "wire": wire}


async def consume(stream: Stream, url: str) -> list[bytes]:
    """Read a stream to its end."""
    async with stream(url) as chunks:
        return [chunk async for chunk in chunks]


async def outcome(work: Awaitable[Any]) -> str:
    """What happened, in one line."""
    started = time.perf_counter()
    try:
        result = await asyncio.wait_for(asyncio.ensure_future(work), 5)
    except Exception as error:
        ancestors = [c.__name__ for c in type(error).__mro__[1:] if c.__name__ not in ("object", "BaseException")]
        text = str(getattr(error, "details", "") or error)[-110:]
        took = f"{1e3 * (time.perf_counter() - started):.0f} ms"
        return f"{type(error).__name__} < {' < '.join(ancestors)}; …{text} ({took})"
    return f"no error: {str(result)[:80]}"


async def cancelled(server: Faulty, work: Awaitable[Any]) -> str:
    """Cancel a task that waits for the server; when does the server notice?"""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0.1)
    number, moment = server.requests[-1][1], time.perf_counter()
    task.cancel()
    await asyncio.wait([task])
    return await server.noticed(number, moment)


async def closed_early(server: Faulty, client: Client) -> str:
    """Leave a stream after its first chunk; when does the server notice?"""
    async with client.stream(server.url("hang_in_body")) as chunks:
        await anext(chunks)
        number, moment = server.requests[-1][1], time.perf_counter()
    return await server.noticed(number, moment)


async def delays(server: Faulty, client: Client) -> str:
    """How long after the server's flush does each chunk arrive?"""
    async with client.stream(server.url("ticking")) as chunks:
        late = [1e3 * (time.perf_counter() - float(chunk.split()[0])) async for chunk in chunks]
    return " ".join(f"{each:.2f}" for each in late) + " ms"


async def backpressure(server: Faulty, client: Client) -> str:
    """Does a stream nobody reads stop the server?"""
    async with client.stream(server.url("flood")):
        await asyncio.sleep(0.3)
        first = server.sent
        await asyncio.sleep(0.3)
        return f"{first} bytes, then {server.sent - first} more"


async def idle_timeouts(server: Faulty, client: Client) -> str:
    """Can a chunk be waited for again after a timeout of our own?"""
    seen = []
    async with client.stream(server.url("ticking")) as chunks:
        while True:
            try:
                seen.append(len(await asyncio.wait_for(anext(chunks), 0.02)))
            except TimeoutError:
                seen.append(0)
            except StopAsyncIteration:
                return f"{sum(map(bool, seen))} chunks of 5 over {seen.count(0)} timeouts"
            except Exception as error:
                return f"refused: {error!r}"


async def stale(server: Faulty, client: Client, pause: float) -> str:
    """Use a pool whose server closes idle connections, 40 times."""
    failed, before = [], len(server.requests)
    for _ in range(40):
        try:
            await client.post(server.url("closes_when_idle"))
        except Exception as error:
            failed.append(type(error).__name__)
        await asyncio.sleep(pause)
    return f"{len(failed)} of 40 failed {sorted(set(failed))}, the server read {len(server.requests) - before}"


def full_backlog() -> tuple[list[socket.socket], str]:
    """A port that accepts no more connections: connecting to it hangs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    sockets = [listener]
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        sockets.append(filler)
    return sockets, f"http://127.0.0.1:{listener.getsockname()[1]}/"


def threads() -> list[str]:
    """The names of this process's threads."""
    return [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]


async def defaults(server: Faulty, make: Callable[..., Client]) -> None:
    """What does the library do unasked, and what when told to behave like a proxy?"""
    for proxy_like in (False, True):
        client = make(Limits(), proxy_like=proxy_like)
        kind = "as a proxy wants it" if proxy_like else "by default"
        status, headers, body = await client.post(server.url("good"))
        print(f"{kind}: request head {server.heads[-1]!r}")
        print(f"{kind}: body is {type(body).__name__}, headers {headers}")
        _, headers, body = await client.post(server.url("gzipped"))
        kept = bytes(body).startswith(GZIP)
        print(f"{kind}: gzip {'kept' if kept else 'decompressed'}, {dict(headers)}")
        status, _, _ = await client.post(server.url("redirect"))
        print(f"{kind}: redirect {'kept' if status == 307 else f'followed to {status}'}")
        await client.close()
    os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = "http://127.0.0.1:1"
    for proxy_like in (False, True):
        client = make(Limits(), proxy_like=proxy_like)
        print(f"HTTP_PROXY set, {proxy_like=}:", await outcome(client.post(server.url("good"))))
        await client.close()
    del os.environ["HTTP_PROXY"], os.environ["http_proxy"]


async def errors(server: Faulty, make: Callable[..., Client]) -> None:
    """Which exception for which failure?"""
    client = make(Limits())
    print("refused:", await outcome(client.post("http://127.0.0.1:1/")))
    print("no such name:", await outcome(client.post("http://nope.invalid/")))
    sockets, address = full_backlog()
    impatient, reading, total = make(Limits(connect=0.3)), make(Limits(read=0.3)), make(Limits(total=0.3))
    print("connect timeout:", await outcome(impatient.post(address)))
    for filler in sockets:
        filler.close()
    for path in ("reset_before_headers", "not_http", "reset_in_body", "cut_in_body", "short_body", "bad_chunk"):
        print(f"{path}, whole:", await outcome(client.post(server.url(path))))
        print(f"{path}, stream:", await outcome(consume(client.stream, server.url(path))))
    print("read timeout before headers:", await outcome(reading.post(server.url("hang"))))
    print("read timeout in a stream:", await outcome(consume(reading.stream, server.url("hang_in_body"))))
    print("total timeout before headers:", await outcome(total.post(server.url("hang"))))
    print("total timeout in a stream:", await outcome(consume(total.stream, server.url("hang_in_body"))))
    for each in (client, impatient, reading, total):
        await each.close()
    print("after close:", await outcome(client.post(server.url("good"))))


async def main(library: str) -> None:
    """Ask everything."""
    server, make = await Faulty().start(), LIBRARIES[library]
    print(f"## {library}")
    await defaults(server, make)
    client = make(Limits())
    print("threads:", threads())
    print("cancelled before headers, whole:", await cancelled(server, client.post(server.url("hang"))))
    print("cancelled before headers, stream:", await cancelled(server, consume(client.stream, server.url("hang"))))
    print("cancelled in the body, whole:", await cancelled(server, client.post(server.url("hang_in_body"))))
    print("cancelled in the body, stream:", await cancelled(server, consume(client.stream, server.url("hang_in_body"))))
    print("stream left early:", await closed_early(server, client))
    print("delay of chunks:", await delays(server, client))
    print("a stream nobody reads:", await backpressure(server, client))
    print("waiting again after a timeout:", await idle_timeouts(server, client))
    print("idle connections closed by the server:", await stale(server, client, 0.03))
    print("the same, closed while we write:", await stale(server, client, 0))
    await client.close()
    client = make(Limits())
    await client.post(server.url("reset_when_reused"))
    before = len(server.requests)
    print(
        "reset after a reused connection took the request:", await outcome(client.post(server.url("reset_when_reused")))
    )
    print("   requests the server read for it:", len(server.requests) - before)
    await client.close()
    await errors(server, make)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
