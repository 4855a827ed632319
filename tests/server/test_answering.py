"""Answers on a real socket: head and body in one piece, and nothing that an application could smuggle into a head."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import uvicorn

from router.server.answering import Brisk
from router.server.chat import Message, Receive, Scope, Send

HEAD = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n"
OK: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-one", b"1"), (b"content-length", b"5")]}


@asynccontextmanager
async def answering(*messages: Message) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A server that sends these, whatever is asked, and a line to it."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http=Brisk, lifespan="off", log_level="critical", server_header=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                yield reader, writer
            finally:
                writer.close()
                server.should_exit = True
                await task


def body(text: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": more}


async def test_head_and_body_come_in_one_piece() -> None:
    async with answering(OK, body(b"hello")) as (reader, writer):
        writer.write(HEAD + b"\r\n")
        lines = (await reader.read(4096)).split(b"\r\n")
        assert lines[0] == b"HTTP/1.1 200 OK"
        assert lines[1].startswith(b"date: ")
        assert lines[2:] == [b"x-one: 1", b"content-length: 5", b"", b"hello"]


async def test_a_connection_serves_again() -> None:
    async with answering(OK, body(b"hello")) as (reader, writer):
        for _ in range(3):
            writer.write(HEAD + b"\r\n")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "request_head", [HEAD + b"connection: close\r\n\r\n", HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n"]
)
async def test_who_wants_the_connection_closed_is_told_that_it_is(request_head: bytes) -> None:
    async with answering(OK, body(b"hello")) as (reader, writer):
        writer.write(request_head)
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
        assert head.endswith(b"connection: close")
        assert rest == b"hello"


async def test_what_has_no_length_comes_in_chunks() -> None:
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}
    async with answering(start, body(b"hel", more=True), body(b"", more=True), body(b"lo")) as (reader, writer):
        writer.write(HEAD + b"\r\n")
        head, _, rest = (await reader.readuntil(b"0\r\n\r\n")).partition(b"\r\n\r\n")
        assert head.endswith(b"transfer-encoding: chunked")
        assert rest == b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "header", [(b"x-one", b"1\r\nx-two: 2"), (b"x-one\r\nx-two", b"2"), (b"x-one", b"1\n"), (b"x-one", b"\0")]
)
async def test_no_header_becomes_two(header: tuple[bytes, bytes]) -> None:
    start: Message = {"type": "http.response.start", "status": 200, "headers": [header]}
    async with answering(start, body(b"hello")) as (reader, writer):
        writer.write(HEAD + b"\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 500 Internal Server Error\r\n"


@pytest.mark.parametrize("bodies", [[body(b"hello, you")], [body(b"he")], [body(b"he", more=True), body(b"l")]])
async def test_a_body_that_is_not_as_long_as_was_said_ends_the_connection(bodies: Sequence[Message]) -> None:
    async with answering(OK, *bodies) as (reader, writer):
        writer.write(HEAD + b"\r\n")
        assert b"hello, you" not in await reader.read()
        assert reader.at_eof()


async def test_what_the_protocol_forbids_is_uvicorns_to_say() -> None:
    async with answering(body(b"hello")) as (reader, writer):
        writer.write(HEAD + b"\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 500 Internal Server Error\r\n"


async def test_an_answer_to_anything_but_a_post_is_uvicorns_own() -> None:
    async with answering(OK, body(b"hello")) as (reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\n")
