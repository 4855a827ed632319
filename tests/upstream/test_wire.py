"""Requests over real sockets, on both event loops: what is sent, which connection takes it, and who notices what."""

import asyncio
import gzip
import json
import socket
import ssl
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.lowlevel
import pytest
import trustme

from router import __version__
from router.upstream.client import Transport, TransportError
from router.upstream.connect import Endpoints
from router.upstream.connection import Connection
from router.upstream.wire import Wire, trust
from tests.upstream.pieces import pieces
from tests.upstream.scripted import Guest, Scripted, scripted

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"content-length: 2\r\n\r\n{}"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell what was received")


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@asynccontextmanager
async def wired(url: str, **options: Any) -> AsyncIterator[Wire]:
    wire = Wire(url, **{"headers": {}, "connect_timeout": 5, **options})
    try:
        yield wire
    finally:
        await wire.aclose()


async def served(wire: Wire, server: Scripted, answer: bytes = PLAIN) -> Guest:
    """Open a connection, and let it serve one request."""
    call = asyncio.create_task(wire.whole(b"{}"))
    guest = await server.guest()
    await guest.request()
    await guest.say(answer)
    await call
    return guest


async def stream_of(wire: Wire, server: Scripted) -> tuple[Any, Guest]:
    """Open a stream of which only the head is here."""
    call = asyncio.create_task(wire.streamed(b"{}"))
    guest = await server.guest()
    await guest.request()
    await guest.say(CHUNKED)
    return await call, guest


async def turn() -> None:
    """Let the event loop go round once."""
    once = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(once.set_result, None)
    await once


async def failure(call: "asyncio.Task[Any]") -> TransportError:
    with pytest.raises(TransportError) as caught:
        await call
    return caught.value


# --------------------------------------------------------------------------------------------------------- what is sent


async def test_a_request_says_who_asks_and_for_what() -> None:
    async with scripted() as server, wired(server.url, headers={"Authorization": "Bearer sk-1"}) as wire:
        guest = await served(wire, server)
        line, *headers = guest.head.strip().split("\r\n")
        assert line == "POST /v1/chat/completions HTTP/1.1"
        assert dict(header.split(": ") for header in headers) == {
            "host": f"127.0.0.1:{server.port}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "user-agent": f"smallfirst/{__version__}",
            "authorization": "Bearer sk-1",
            "content-length": "2",
        }


async def test_headers_of_the_operator_win() -> None:
    async with scripted() as server, wired(server.url, headers={"User-Agent": "ours", "Accept": "*/*"}) as wire:
        guest = await served(wire, server)
        assert "user-agent: ours\r\n" in guest.head
        assert guest.head.count("accept:") == 1


async def test_a_path_keeps_its_query_and_is_made_safe() -> None:
    async with scripted() as server:
        async with wired(f"http://127.0.0.1:{server.port}/a b/ü%20?api-version=1&x=é") as wire:
            guest = await served(wire, server)
        assert guest.head.startswith("POST /a%20b/%C3%BC%20?api-version=1&x=%C3%A9 HTTP/1.1\r\n")
        async with wired(f"http://127.0.0.1:{server.port}") as wire:
            guest = await served(wire, server)
        assert guest.head.startswith("POST / HTTP/1.1\r\n")


@pytest.mark.parametrize("size", [0, 1000, 100_000, 5_000_000])
async def test_a_body_of_any_size_arrives(size: int) -> None:
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.whole(b"a" * size))
        guest = await server.guest()
        assert await guest.request() == b"a" * size
        await guest.say(PLAIN)
        assert (await call).status == 200


@pytest.mark.parametrize(
    "url",
    ["ftp://host/", "127.0.0.1:80/x", "http:///v1", "http://me:secret@host/", "http://host:99999/", "http://a..b/"],
)
def test_an_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Wire(url, headers={}, connect_timeout=1)


@pytest.mark.parametrize(
    "headers", [{"x\r\ny": "1"}, {"x": "1\r\ny: 2"}, {"x": "ü"}, {"": "1"}, {"x y": "1"}, {"Content-Length": "5"}]
)
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        Wire("http://127.0.0.1/", headers=headers, connect_timeout=1)


def test_it_is_a_transport() -> None:
    transport: Transport = Endpoints("http://127.0.0.1/v1", headers={}, connect_timeout=1)
    assert isinstance(transport, Wire)


# ------------------------------------------------------------------------------------------------------ what comes back


async def test_a_whole_answer_has_status_headers_and_content() -> None:
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        await guest.request()
        await guest.say(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 1\r\ncontent-length: 4\r\n\r\n")
        await guest.say(b"wait")
        answer = await call
        assert (answer.status, answer.headers["retry-after"], answer.content) == (429, "1", b"wait")


async def test_a_stream_is_given_as_it_comes() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        assert (stream.status, stream.headers) == (200, {"transfer-encoding": "chunked"})
        chunks = pieces(stream)
        for word in (b"one", b"two"):
            await guest.say(b"3\r\n", word, b"\r\n")
            assert await anext(chunks) == word
        await guest.say(b"0\r\n\r\n")
        assert await anext(chunks, None) is None
        assert await anext(chunks, None) is None
        await stream.aclose()


async def test_events_that_arrive_together_are_given_together() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        await guest.say(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        assert [chunk async for chunk in pieces(stream)] == [b"onetwo"]


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_an_answer_compressed_against_our_wish_is_readable(pack: Callable[[bytes], bytes]) -> None:
    body = json.dumps({"answer": "yes " * 300_000}).encode()
    packed = pack(body)
    coding = b"gzip" if packed[:2] == b"\x1f\x8b" else b"deflate"
    head = OK + b"content-encoding: %b\r\ncontent-length: %d\r\n\r\n" % (coding, len(packed))
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        await guest.request()
        await guest.say(head, packed)
        answer = await call
        assert (answer.content, answer.headers) == (body, {})
        streaming = asyncio.create_task(wire.streamed(b"{}"))
        await guest.request()
        await guest.say(head, packed)
        came = [piece async for piece in pieces(await streaming)]
        assert b"".join(came) == body
        assert max(map(len, came)) <= 256 * 1024


@pytest.mark.parametrize("coding", [b"br", b"gzip"])
async def test_an_answer_that_cannot_be_unpacked_is_malformed(coding: bytes) -> None:
    answer = OK + b"content-encoding: %b\r\ncontent-length: 5\r\n\r\nhello" % coding
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        await guest.request()
        await guest.say(answer)
        assert (await failure(call)).kind == "malformed"

        async def read() -> None:
            async for _ in pieces(await wire.streamed(b"{}")):
                pass

        reading = asyncio.create_task(read())
        await guest.request()
        await guest.say(answer)
        assert (await failure(reading)).kind == "malformed"


async def test_a_compressed_answer_may_not_grow_beyond_bounds() -> None:
    packed = gzip.compress(b"\0" * 1_000_001)
    async with scripted() as server, wired(server.url, largest=1_000_000) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        await guest.request()
        await guest.say(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed), packed)
        assert (await failure(call)).kind == "malformed"


async def test_an_answer_may_come_before_the_request_is_sent() -> None:
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.whole(b"a" * 50_000_000))
        guest = await server.guest()
        await guest.reader.readuntil(b"\r\n\r\n")
        await guest.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        answer = await call
        assert (answer.status, answer.content) == (413, b"no")
        await guest.gone()


# ---------------------------------------------------------------------------------------------------------- connections


async def test_one_connection_serves_one_request_after_another() -> None:
    async with scripted() as server, wired(server.url) as wire:
        guest = await served(wire, server)
        for _ in range(20):
            call = asyncio.create_task(wire.whole(b"{}"))
            await guest.request()
            await guest.say(PLAIN)
            await call
            streaming = asyncio.create_task(wire.streamed(b"{}"))
            await guest.request()
            await guest.say(CHUNKED, b"1\r\nx\r\n0\r\n\r\n")
            assert [chunk async for chunk in pieces(await streaming)] == [b"x"]
        assert len(server.guests) == 1


async def test_the_connection_used_last_is_used_next() -> None:
    async with scripted() as server, wired(server.url) as wire:
        calls, guests = [], []
        for _ in range(3):
            calls.append(asyncio.create_task(wire.whole(b"{}")))
            guests.append(await server.guest())
            await guests[-1].request()
        for number in (0, 2, 1):
            await guests[number].say(PLAIN)
            await calls[number]
        call = asyncio.create_task(wire.whole(b"{}"))
        await guests[1].request()
        await guests[1].say(PLAIN)
        await call


async def test_two_hundred_requests_at_once_have_a_connection_each_and_leave_them_to_the_next() -> None:
    async with scripted() as server, wired(server.url) as wire:

        async def serve(guest: Guest) -> None:
            while True:
                body = await guest.request()
                await guest.say(OK + b"content-length: %d\r\n\r\n" % len(body), body)

        async def reception() -> None:
            async with asyncio.TaskGroup() as group:
                while True:
                    group.create_task(serve(await server.guest()))

        task = asyncio.create_task(reception())
        for _ in range(3):
            answers = await asyncio.gather(*(wire.whole(b"%d" % number) for number in range(200)))
            assert [answer.content for answer in answers] == [b"%d" % number for number in range(200)]
        assert len(server.guests) == 200
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"connection: close\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        PLAIN + b"surplus",
        PLAIN + PLAIN,
    ],
    ids=["close", "old", "surplus", "twice"],
)
async def test_a_connection_that_cannot_serve_again_is_closed(answer: bytes) -> None:
    async with scripted() as server, wired(server.url) as wire:
        guest = await served(wire, server, answer)
        await guest.gone()
        await served(wire, server)


async def test_an_answer_may_last_as_long_as_its_connection() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, reader = asyncio.create_task(wire.streamed(b"{}")), None
        guest = await server.guest()
        await guest.request()
        await guest.say(OK, b"\r\n", b"hello")
        reader = pieces(await stream)
        assert await anext(reader) == b"hello"
        guest.close()
        assert await anext(reader, None) is None


async def test_a_connection_that_nobody_needs_is_closed_after_a_while() -> None:
    async with scripted() as server, wired(server.url, keep_idle=0.05) as wire:
        first = await served(wire, server)
        await first.gone()
        second = await served(wire, server)
        await second.gone()


async def test_a_connection_in_use_is_kept_while_others_are_closed() -> None:
    async with scripted() as server, wired(server.url, keep_idle=0.05) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        used = await server.guest()
        await used.request()
        idle = await served(wire, server)
        await used.say(PLAIN)
        await call
        gone = asyncio.create_task(idle.gone())
        while not gone.done():
            call = asyncio.create_task(wire.whole(b"{}"))
            await used.request()
            await used.say(PLAIN)
            await call
        await used.gone()
        assert len(server.guests) == 2


async def test_a_connection_the_server_closed_meanwhile_is_not_used() -> None:
    async with scripted() as server, wired(server.url) as wire:
        guest = await served(wire, server)
        guest.close()
        await guest.gone()
        await served(wire, server)
        assert len(server.guests) == 2


async def test_closing_closes_idle_connections_and_those_at_work() -> None:
    async with scripted() as server, wired(server.url) as wire:
        busy = asyncio.create_task(wire.whole(b"{}"))
        first = await server.guest()
        await first.request()
        second = await served(wire, server)
        await wire.aclose()
        assert (await failure(busy)).kind == "reset"
        await first.gone()
        await second.gone()
        await served(wire, server)


def test_one_event_loop_after_another_can_use_it() -> None:
    async def first() -> tuple[Wire, int]:
        async with scripted() as server:
            wire = Wire(server.url, headers={}, connect_timeout=5)
            await served(wire, server, OK + b"connection: close\r\ncontent-length: 0\r\n\r\n")
            await wire.aclose()
            return wire, server.port

    async def then(wire: Wire, port: int) -> None:
        async with scripted(port=port) as server:
            await served(wire, server)
            await wire.aclose()

    wire, port = asyncio.run(first())
    for _ in range(2):
        asyncio.run(then(wire, port))
    asyncio.run(wire.aclose())


# ----------------------------------------------------------------------------------------------------------- sent again


@needs_linux
@pytest.mark.parametrize("size", [2, 100_000, 5_000_000])
async def test_a_request_that_crosses_the_close_of_an_idle_connection_is_sent_again(size: int) -> None:
    async with scripted() as server, wired(server.url) as wire:
        guest = await served(wire, server)

        async def serve() -> bytes:
            fresh = await server.guest()
            body = await fresh.request()
            await fresh.say(PLAIN)
            return body

        serving = asyncio.create_task(serve())
        await turn()
        guest.hang_up()
        assert (await wire.whole(b"a" * size)).status == 200  # written before the event loop can know
        assert await serving == b"a" * size
        assert len(server.guests) == 2


@needs_linux
async def test_it_is_sent_again_once_and_not_on_what_was_idle_for_longer() -> None:
    async with scripted() as server, wired(server.url) as wire:
        calls = [asyncio.create_task(wire.whole(b"{}")) for _ in range(3)]
        guests = [await server.guest() for _ in calls]
        for guest in guests:
            await guest.request()
            await guest.say(PLAIN)
        await asyncio.gather(*calls)

        async def hang_up_too() -> None:
            fresh = await server.guest()
            await fresh.request()
            fresh.close()

        closing = asyncio.create_task(hang_up_too())
        await turn()
        for guest in guests:
            guest.hang_up()
        with pytest.raises(TransportError) as caught:
            await wire.streamed(b"{}")
        assert caught.value.kind == "reset"
        await closing
        assert len(server.guests) == 4


@pytest.mark.parametrize("said", [b"", b"H"])
@pytest.mark.parametrize("end", [Guest.close, Guest.reset])
async def test_a_request_that_was_received_is_never_sent_again(said: bytes, end: Callable[[Guest], None]) -> None:
    async with scripted() as server, wired(server.url) as wire:
        guest = await served(wire, server)
        call = asyncio.create_task(wire.whole(b"{}"))
        await guest.request()
        await guest.say(said)
        end(guest)
        assert (await failure(call)).kind == "reset"
        assert len(server.guests) == 1


async def test_a_fresh_connection_that_ends_at_once_is_a_failure() -> None:
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        guest.reset()
        assert (await failure(call)).kind == "reset"
        assert len(server.guests) == 1


# -------------------------------------------------------------------------------------------------------- leaving early


@pytest.mark.parametrize("said", [b"", OK, OK + b"content-length: 5\r\n\r\nhell"], ids=["asked", "head", "body"])
async def test_an_upstream_notices_that_a_whole_answer_is_not_wanted_any_more(said: bytes) -> None:
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        await guest.request()
        await guest.say(said)
        call.cancel()
        await guest.gone()
        assert call.cancelled()


async def test_an_upstream_notices_that_a_stream_is_not_wanted_before_it_began() -> None:
    async with scripted() as server, wired(server.url) as wire:
        call = asyncio.create_task(wire.streamed(b"{}"))
        guest = await server.guest()
        await guest.request()
        call.cancel()
        await guest.gone()


async def test_an_upstream_notices_a_timeout_in_the_middle_of_a_stream() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(pieces(stream))
        await guest.gone()
        with pytest.raises(TransportError, match="left before its end"):
            await anext(pieces(stream))
        await stream.aclose()


async def test_a_stream_with_nothing_more_in_time_says_so_and_its_upstream_notices() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        await guest.say(b"1\r\nx\r\n")
        assert await stream.more(10.0) == b"x"
        with pytest.raises(TransportError) as caught:
            await stream.more(0.01)
        assert caught.value.kind == "timeout"
        await guest.gone()
        with pytest.raises(TransportError, match="left before its end"):
            await stream.more(10.0)


async def test_an_upstream_notices_that_a_stream_was_closed() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        await guest.say(b"1\r\nx\r\n")
        assert await anext(pieces(stream)) == b"x"
        await stream.aclose()
        await guest.gone()
        await stream.aclose()
        with pytest.raises(TransportError, match="left before its end"):
            await anext(pieces(stream))


async def test_a_stream_closed_after_its_end_leaves_its_connection() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        await guest.say(b"1\r\nx\r\n0\r\n\r\n")
        assert await anext(pieces(stream)) == b"x"
        await stream.aclose()
        await stream.aclose()
        call = asyncio.create_task(wire.whole(b"{}"))
        await guest.request()
        await guest.say(PLAIN)
        await call
        assert len(server.guests) == 1


async def test_a_stream_that_breaks_says_so_once_what_came_was_read() -> None:
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        await guest.say(b"1\r\nx\r\n")
        assert await anext(pieces(stream)) == b"x"
        guest.reset()
        with pytest.raises(TransportError) as caught:
            await anext(pieces(stream))
        assert caught.value.kind == "reset"
        await stream.aclose()


async def test_an_upstream_has_to_wait_for_a_slow_reader() -> None:
    piece = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    async with scripted() as server, wired(server.url) as wire:
        stream, guest = await stream_of(wire, server)
        guest.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)

        async def send(count: int) -> None:
            for _ in range(count):
                await guest.say(piece)
            await guest.say(b"0\r\n\r\n")

        sending = asyncio.create_task(send(1000))
        while not stream._connection._paused:
            await turn()
        assert 256 * 1024 < stream._connection._queued < 1024 * 1024
        assert not sending.done()  # 64 MB do not fit into the buffers of two sockets and a connection
        read = 0
        async for chunk in pieces(stream):
            read += len(chunk)
        await sending
        assert read == 1000 * 65536


# ----------------------------------------------------------------------------------------------------------- connecting


async def test_a_refused_connection_is_a_failure_to_connect() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        async with wired(f"http://127.0.0.1:{bound.getsockname()[1]}/") as wire:
            for ask in (wire.whole, wire.streamed):
                with pytest.raises(TransportError, match="could not be reached") as caught:
                    await ask(b"{}")
                assert caught.value.kind == "connect"


async def test_a_server_that_does_not_finish_its_greeting_is_a_failure_to_connect() -> None:
    async with scripted() as server, wired(f"https://127.0.0.1:{server.port}/", connect_timeout=0.05) as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        error = await failure(call)
        assert (error.kind, str(error)) == (
            "connect",
            f"127.0.0.1:{server.port} could not be reached within 0.05 s",
        )
        await guest.gone()


async def test_a_server_notices_that_a_greeting_is_not_wanted_any_more() -> None:
    async with scripted() as server, wired(f"https://127.0.0.1:{server.port}/") as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        await guest.reader.readexactly(5)
        call.cancel()
        await guest.gone()


def ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not ipv6(), reason="this machine has no IPv6")
async def test_an_address_may_be_ipv6() -> None:
    async with scripted(host="::1") as server, wired(f"http://[::1]:{server.port}/") as wire:
        guest = await served(wire, server)
        assert f"host: [::1]:{server.port}\r\n" in guest.head


# ------------------------------------------------------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = trust()
    authority.configure_trust(context)
    return context


def identity(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def test_a_trusted_server_is_asked_in_private(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    names: list[str | None] = []
    tls = identity(authority, "localhost")
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    async with scripted(tls=tls) as server, wired(f"https://localhost:{server.port}/v1", tls=trusting) as wire:
        guest = await served(wire, server)
        assert names == ["localhost"]
        assert guest.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        streaming = asyncio.create_task(wire.streamed(b"{}"))
        await guest.request()
        await guest.say(CHUNKED, b"1\r\nx\r\n")
        stream = await streaming
        assert await anext(pieces(stream)) == b"x"
        await stream.aclose()
        await guest.gone()


@needs_linux
async def test_a_request_that_crosses_a_farewell_in_tls_is_sent_again(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    tls = identity(authority, "127.0.0.1")
    async with scripted(tls=tls) as server, wired(f"https://127.0.0.1:{server.port}/v1", tls=trusting) as wire:
        guest = await served(wire, server)

        async def serve() -> None:
            fresh = await server.guest()
            await fresh.request()
            await fresh.say(PLAIN)

        serving = asyncio.create_task(serve())
        await turn()
        guest.close()
        assert (await wire.whole(b"{}")).status == 200
        await serving
        assert len(server.guests) == 2


async def test_a_large_answer_comes_through_tls(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    body = b"a" * 5_000_000
    tls = identity(authority, "127.0.0.1")
    async with scripted(tls=tls) as server, wired(f"https://127.0.0.1:{server.port}/v1", tls=trusting) as wire:
        await served(wire, server, OK + b"content-length: 5000000\r\n\r\n" + body)
        guest = server.guests[0]
        streaming = asyncio.create_task(wire.streamed(b"b" * 1_000_000))
        assert await guest.request() == b"b" * 1_000_000
        sending = asyncio.create_task(guest.say(OK + b"content-length: 5000000\r\n\r\n" + body))
        assert b"".join([chunk async for chunk in pieces(await streaming)]) == body
        await sending


@pytest.mark.parametrize("name", ["localhost", "other.example"])
async def test_a_server_that_is_not_who_it_should_be_is_not_asked(
    name: str, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    """Its name is right and nobody vouches for it; or somebody does, for another name."""
    tls = identity(authority, name)
    context = trust() if name == "localhost" else trusting
    async with scripted(tls=tls) as server, wired(f"https://localhost:{server.port}/", tls=context) as wire:
        with pytest.raises(TransportError, match="certificate") as caught:
            await wire.whole(b"{}")
        assert caught.value.kind == "connect"


async def test_a_server_without_tls_is_not_asked() -> None:
    async with scripted() as server, wired(f"https://127.0.0.1:{server.port}/") as wire:
        call = asyncio.create_task(wire.whole(b"{}"))
        guest = await server.guest()
        await guest.say(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        assert (await failure(call)).kind == "connect"


def test_a_machine_without_authorities_trusts_those_of_certifi(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert len(trust().get_ca_certs()) > 50


async def test_a_call_cancelled_at_any_moment_leaves_nothing_that_closing_would_wait_for() -> None:
    async with scripted() as server:
        wire = Wire(server.url, headers={}, connect_timeout=5)
        for moment in range(40):
            call = asyncio.create_task(wire.whole(b"{}"))
            for _ in range(moment):
                await anyio.lowlevel.checkpoint()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

        async with asyncio.timeout(5):
            await wire.aclose()


async def test_a_connection_that_is_made_just_too_late_is_nothing_that_closing_would_wait_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, limit, limits = Connection.connection_made, asyncio.timeout_at, list[asyncio.Timeout]()

    def noted(when: float) -> asyncio.Timeout:
        limits.append(limit(when))
        return limits[-1]

    def too_late(connection: Connection, transport: asyncio.BaseTransport) -> None:
        made(connection, transport)
        limits[-1].reschedule(0.0)

    monkeypatch.setattr(asyncio, "timeout_at", noted)
    monkeypatch.setattr(Connection, "connection_made", too_late)
    async with scripted() as server:
        wire = Wire(server.url, headers={}, connect_timeout=5)
        with pytest.raises(TransportError) as caught:
            await wire.whole(b"{}")
        assert caught.value.kind == "connect"

        async with asyncio.timeout(5):
            await wire.aclose()
