"""What counts as an answer, told as the bytes that come in: no socket, and every way to cut them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from router.upstream.client import TransportError
from router.upstream.connection import Connection, UndeliveredError

OK = b"HTTP/1.1 200 OK\r\n"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: "
LARGEST = 100_000


@dataclass
class Paper(asyncio.Transport):
    """The network, on paper: what was written, and whether anybody still listens."""

    written: list[bytes] = field(default_factory=list)
    unsent: int = 0
    closed: bool = False
    reading: bool = True

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.written.extend(bytes(data) for data in list_of_data)

    @override
    def is_closing(self) -> bool:
        return self.closed

    @override
    def abort(self) -> None:
        self.closed = True

    @override
    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    @override
    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    @override
    def get_write_buffer_size(self) -> int:
        return self.unsent

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def connected() -> tuple[Connection, Paper]:
    connection, paper = Connection("upstream:1", set()), Paper()
    connection.connection_made(paper)
    return connection, paper


async def start(connection: Connection, *, whole: bool, body: bytes = b"{}") -> "asyncio.Task[None]":
    """Ask, and come back as soon as the request is written."""
    task = asyncio.create_task(connection.ask(HEAD, body, largest=LARGEST if whole else None))
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn
    return task


async def failure(task: "asyncio.Task[None]") -> TransportError:
    """What a request came to."""
    async with asyncio.timeout(5):
        with pytest.raises(TransportError, match="upstream:1") as caught:
            await task
    return caught.value


async def whole(connection: Connection, parts: Sequence[bytes], *, ends: bool = False) -> bytes:
    task = await start(connection, whole=True)
    for part in parts:
        connection.data_received(part)
    if ends:
        connection.eof_received()
        connection.connection_lost(None)
    async with asyncio.timeout(1):
        await task
    return connection.take()


async def streamed(connection: Connection, parts: Sequence[bytes], *, ends: bool = False) -> bytes:
    """Read a stream as it comes: after every part, everything that is there."""
    task, body = await start(connection, whole=False), b""
    for part in parts:
        connection.data_received(part)
        body += connection.take()
    if ends:
        connection.eof_received()
        connection.connection_lost(None)
    async with asyncio.timeout(1):
        await task
        while piece := await connection.piece():
            body += piece
    return body


def bytewise(raw: bytes) -> list[bytes]:
    return [raw[at : at + 1] for at in range(len(raw))]


# -------------------------------------------------------------------------------------------------------------- answers

ANSWERS = {
    "a length": (OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "chunks": (OK + b"transfer-encoding: Chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", 200, b"hello", True),
    "trailers": (
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nstatus: late\r\n\r\n",
        200,
        b"hello",
        True,
    ),
    "nothing": (OK + b"content-length: 0\r\n\r\n", 200, b"", True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n", 304, b"", True),
    "a redirect": (b"HTTP/1.1 307 Away\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", 307, b"", True),
    "announced": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" + OK + b"content-length: 1\r\n\r\nx",
        200,
        b"x",
        True,
    ),
    "no reason phrase": (b"HTTP/1.1 503\r\ncontent-length: 1\r\n\r\nx", 503, b"x", True),
    "says it closes": (OK + b"connection: close\r\ncontent-length: 1\r\n\r\nx", 200, b"x", False),
    "an old server": (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, b"x", False),
    "an old server that stays": (
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx",
        200,
        b"x",
        True,
    ),
    "one byte too many": (OK + b"content-length: 1\r\n\r\nxy", 200, b"x", False),
    "closes, and goes on": (OK + b"connection: close\r\ncontent-length: 1\r\n\r\nxy", 200, b"x", False),
    "two answers": (OK + b"content-length: 1\r\n\r\nx" + OK + b"content-length: 1\r\n\r\ny", 200, b"x", False),
}


@pytest.mark.parametrize("cut", [lambda raw: [raw], bytewise], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("read", [whole, streamed])
@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_understood(name: str, read: Any, cut: Any) -> None:
    raw, status, body, again = ANSWERS[name]
    connection, paper = connected()
    assert await read(connection, cut(raw)) == body
    assert connection.status == status
    assert connection.rest() is again
    assert paper.closed is not again


@pytest.mark.parametrize("read", [whole, streamed])
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"])
async def test_an_answer_of_unsaid_length_ends_with_its_connection(head: bytes, read: Any) -> None:
    connection, _ = connected()
    assert await read(connection, [head, b"hel", b"lo"], ends=True) == b"hello"
    assert not connection.rest()


async def test_headers_that_are_read_are_in_lower_case_and_repeated_ones_joined() -> None:
    connection, _ = connected()
    head = b"Retry-After: 1\r\nContent-Encoding:\r\nretry-after:  2 \r\nCONTENT-TYPE: \xe4\r\ncontent-length: 0\r\n"
    await whole(connection, [OK + head + b"Server: who\r\n\r\n"])
    assert connection.headers == {
        "retry-after": "1, 2",
        "content-encoding": "",
        "content-type": "ä",
        "content-length": "0",
    }


async def test_announcements_and_trailers_leave_no_headers_behind() -> None:
    connection, _ = connected()
    await whole(connection, [ANSWERS["announced"][0]])
    assert connection.headers == {"content-length": "1"}
    await whole(connection, [ANSWERS["trailers"][0]])
    assert connection.headers == {"transfer-encoding": "chunked"}


@pytest.mark.parametrize("read", [whole, streamed])
async def test_wherever_an_answer_is_cut_in_two_it_stays_the_same(read: Any) -> None:
    for name in ("a length", "chunks", "trailers", "announced", "two answers"):
        raw, status, body, again = ANSWERS[name]
        for at in range(len(raw)):
            connection, _ = connected()
            assert await read(connection, [raw[:at], raw[at:]] if at else [raw]) == body
            assert (connection.status, connection.rest()) == (status, again)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """One answer as bytes, and its body."""
    body = draw(st.binary(max_size=200))
    early = draw(st.sampled_from([b"", b"HTTP/1.1 102 Processing\r\n\r\n", b"\r\n"]))
    if not draw(st.booleans()):
        return early + OK + b"content-length: %d\r\n\r\n" % len(body) + body, body
    edges = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=5))})
    chunks = [body[a:b] for a, b in pairwise(edges)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    trailer = draw(st.sampled_from([b"", b"x-checksum: 1\r\nx-late: 2\r\n"]))
    return early + OK + b"transfer-encoding: chunked\r\n\r\n" + coded + b"0\r\n" + trailer + b"\r\n", body


@given(st.lists(st.tuples(answers(), st.lists(st.integers(1, 300), max_size=6), st.booleans()), min_size=1, max_size=4))
async def test_one_connection_serves_many_requests_however_the_bytes_arrive(
    served: list[tuple[tuple[bytes, bytes], list[int], bool]],
) -> None:
    connection, _ = connected()
    for (raw, body), cuts, streams in served:
        edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
        parts = [raw[a:b] for a, b in pairwise(edges)]
        assert await (streamed if streams else whole)(connection, parts) == body
        assert connection.rest()


# ------------------------------------------------------------------------------------------------------------- failures

NOT_ANSWERS = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhello",
    "no chunk size": OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello",
    "a wrong chunk size": OK + b"transfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
    "two lengths": OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc",
    "a length and chunks": OK + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "a negative length": OK + b"content-length: -1\r\n\r\n",
    "a strange coding": OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "only line feeds": OK + b"content-length: 2\n\nab",
    "one huge header": OK + b"x: " + b"a" * 65536 + b"\r\ncontent-length: 1\r\n\r\nx",
    "many small headers": OK + b"x: aaaaaaaaaaaaaaaa\r\n" * 4000 + b"content-length: 1\r\n\r\nx",
    "a head without end": OK + b"x: " + b"a" * 65536,
    "announcements without end": b"HTTP/1.1 102 Processing\r\n\r\n" * 3000,
    "a trailer without end": OK + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx: " + b"a" * 250_000,
    "larger than it may be": OK + b"content-length: 100001\r\n\r\n" + b"a" * 100_001,
}


@pytest.mark.parametrize("size", [1_000, 100_000])
@pytest.mark.parametrize("name", NOT_ANSWERS)
async def test_what_is_no_answer_is_malformed(name: str, size: int) -> None:
    raw, (connection, paper) = NOT_ANSWERS[name], connected()
    task = await start(connection, whole=True)
    for at in range(0, len(raw), size):
        if not paper.closed:
            connection.data_received(raw[at : at + size])
    assert (await failure(task)).kind == "malformed"
    assert paper.closed


async def test_a_head_of_sixty_kilobytes_is_an_answer() -> None:
    connection, _ = connected()
    body = b"a" * 90_000
    head = OK + b"x: " + b"a" * 60_000 + b"\r\ncontent-length: 90000\r\n\r\n"
    assert await whole(connection, [head + body]) == body


CUT_SHORT = {
    "in the head": OK + b"content-le",
    "before the body": OK + b"content-length: 5\r\n\r\n",
    "in the body": OK + b"content-length: 5\r\n\r\nhell",
    "between chunks": OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n",
    "before the last line": OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n",
    "after an announcement": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("broken", [None, ConnectionResetError("by peer")], ids=["closed", "reset"])
@pytest.mark.parametrize("name", CUT_SHORT)
async def test_an_answer_cut_short_is_a_reset(name: str, broken: Exception | None) -> None:
    connection, paper = connected()
    task = await start(connection, whole=True)
    connection.data_received(CUT_SHORT[name])
    if broken is None:
        connection.eof_received()
    connection.connection_lost(broken)
    error = await failure(task)
    assert error.kind == "reset"
    assert not isinstance(error, UndeliveredError)
    assert paper.closed


async def test_an_answer_of_unsaid_length_that_is_torn_off_is_a_reset() -> None:
    connection, _ = connected()
    task = await start(connection, whole=True)
    connection.data_received(OK + b"\r\nhel")
    connection.connection_lost(ConnectionResetError())
    assert (await failure(task)).kind == "reset"


async def test_a_connection_closed_before_the_request_was_sent_says_so() -> None:
    connection, paper = connected()
    task = await start(connection, whole=False)
    paper.unsent = 1
    connection.eof_received()
    error = await failure(task)
    assert isinstance(error, UndeliveredError)
    assert error.kind == "reset"


@pytest.mark.parametrize("unsent", [0, 1])
async def test_a_connection_that_broke_says_nothing_about_the_request(unsent: int) -> None:
    connection, paper = connected()
    task = await start(connection, whole=False)
    paper.unsent = unsent
    connection.connection_lost(ConnectionResetError())
    assert not isinstance(await failure(task), UndeliveredError)


async def test_what_came_of_a_stream_before_it_broke_is_read_first() -> None:
    connection, _ = connected()
    task = await start(connection, whole=False)
    connection.data_received(OK + b"content-length: 9\r\n\r\nhel")
    connection.data_received(b"lo")
    connection.connection_lost(ConnectionResetError())
    await task
    assert await connection.piece() == b"hello"
    for _ in range(2):
        with pytest.raises(TransportError):
            await connection.piece()


@pytest.mark.parametrize("arrived", [b"", OK, OK + b"content-length: 5\r\n\r\nhell"])
async def test_a_cancelled_request_closes_its_connection(arrived: bytes) -> None:
    connection, paper = connected()
    task = await start(connection, whole=True)
    if arrived:
        connection.data_received(arrived)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    assert paper.closed


async def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    connection, paper = connected()
    await whole(connection, [ANSWERS["a length"][0]])
    assert connection.rest()
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert paper.closed
    assert not connection.usable


async def test_bytes_after_the_end_close_a_connection_whose_stream_is_still_being_read() -> None:
    connection, paper = connected()
    task = await start(connection, whole=False)
    connection.data_received(ANSWERS["a length"][0])
    connection.data_received(b"surplus")
    await task
    assert paper.closed
    assert await connection.piece() == b"hello"
    assert not connection.rest()


# -------------------------------------------------------------------------------------------------- sending and waiting


async def test_a_request_is_written_at_once() -> None:
    connection, paper = connected()
    task = await start(connection, whole=True, body=b'{"a": 1}')
    assert paper.written == [HEAD + b'8\r\n\r\n{"a": 1}']
    connection.data_received(ANSWERS["nothing"][0])
    await task


async def test_a_large_request_is_not_copied() -> None:
    connection, paper = connected()
    body = b"a" * 100_000
    task = await start(connection, whole=True, body=body)
    assert paper.written == [HEAD + b"100000\r\n\r\n", body]
    connection.data_received(ANSWERS["nothing"][0])
    await task


async def test_an_answer_that_came_before_the_request_was_sent_is_good_but_the_connection_is_not() -> None:
    connection, paper = connected()
    paper.unsent = 1
    assert await whole(connection, [b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno"]) == b"no"
    assert not connection.rest()
    assert paper.closed


async def test_a_slow_reader_of_a_stream_stops_the_connection_and_a_quick_one_starts_it_again() -> None:
    connection, paper = connected()
    task = await start(connection, whole=False)
    connection.data_received(OK + b"content-length: 1000000\r\n\r\n" + b"a" * 200_000)
    await task
    stood = [not paper.reading]
    connection.data_received(b"a" * 100_000)
    stood.append(not paper.reading)
    assert len(await connection.piece()) == 300_000
    stood.append(not paper.reading)
    assert stood == [False, True, False]


async def test_a_stream_that_has_arrived_does_not_stop_its_connection() -> None:
    connection, paper = connected()
    task = await start(connection, whole=False)
    connection.data_received(OK + b"content-length: 300000\r\n\r\n" + b"a" * 300_000)
    await task
    assert paper.reading
    assert connection.rest()


async def test_a_stream_that_is_let_go_while_it_stood_still_is_closed() -> None:
    connection, paper = connected()
    task = await start(connection, whole=False)
    connection.data_received(OK + b"content-length: 1000000\r\n\r\n" + b"a" * 300_000)
    await task
    assert not connection.rest()
    assert paper.closed


async def test_what_one_read_brought_is_taken_at_once() -> None:
    connection, _ = connected()
    task = await start(connection, whole=False)
    connection.data_received(OK + b"transfer-encoding: chunked\r\n\r\n")
    await task
    reader = asyncio.create_task(connection.piece())
    connection.data_received(b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n")
    assert await reader == b"abc"
    reader = asyncio.create_task(connection.piece())
    connection.data_received(b"1\r\n")
    connection.data_received(b"d\r\n0\r\n\r\n")
    assert await reader == b"d"
    assert await connection.piece() == b""
