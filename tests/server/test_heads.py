"""A head that finds no end, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from router.demo.answers import Answer
from tests.proxy import proxy

LINE = b"x-filler: " + b"x" * 1014 + b"\r\n"


@asynccontextmanager
async def line_to(folder: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with proxy(folder, Answer(text="hi")) as served:
        address = urlsplit(served.base_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        yield reader, writer
        writer.close()


async def test_a_large_head_is_read(tmp_path: Path) -> None:
    async with line_to(tmp_path) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: proxy\r\n" + LINE * 60 + b"\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("filler", [LINE, b"x" * 1024], ids=["many headers", "one header"])
async def test_a_head_without_an_end_is_refused_before_it_fills_the_memory(tmp_path: Path, filler: bytes) -> None:
    async with line_to(tmp_path) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: proxy\r\nx-a: b" + filler * 66)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 ")
        assert orjson.loads(body)["error"]["code"] == "request_head_too_large"


async def test_requests_that_follow_each_other_are_not_added_up(tmp_path: Path) -> None:
    async with line_to(tmp_path) as (reader, writer):
        for _ in range(3):
            body = b'{"model": "auto", "messages": [{"role": "user", "content": "%b"}]}' % (b"x" * 100_000)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: proxy\r\n" + LINE * 30)
            writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
            await reader.readexactly(int(length.split()[1]))
