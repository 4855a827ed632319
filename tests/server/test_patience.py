"""Clients that take their time, over a real socket: with their request, and with their answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from router.demo.answers import Answer
from router.server.patience import Patient
from tests.proxy import Proxy, proxy

BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: proxy\r\ncontent-length: %d\r\n\r\n" % len(BODY)
SOON = 0.05


@asynccontextmanager
async def line_to(
    folder: Path, answer: str = "hi"
) -> AsyncIterator[tuple[Proxy, asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(20), proxy(folder, Answer(text=answer)) as served:
        address = urlsplit(served.base_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        yield served, reader, writer
        writer.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patient, "patience", SOON)


async def is_late(reader: asyncio.StreamReader) -> bool:
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    return bool(orjson.loads(body)["error"]["code"] == "request_timeout")


@pytest.mark.usefixtures("hurried")
async def test_who_says_nothing_is_hung_up_on(tmp_path: Path) -> None:
    async with line_to(tmp_path) as (_, reader, _writer):
        assert await reader.read() == b""


@pytest.mark.usefixtures("hurried")
async def test_a_head_that_does_not_arrive_is_not_waited_for(tmp_path: Path) -> None:
    async with line_to(tmp_path) as (_, reader, writer):
        writer.write(HEAD[:30])
        assert await is_late(reader)


@pytest.mark.usefixtures("hurried")
async def test_a_body_that_does_not_arrive_is_not_waited_for_and_its_client_has_left(tmp_path: Path) -> None:
    async with line_to(tmp_path) as (served, reader, writer):
        writer.write(HEAD + BODY[:30])
        assert await is_late(reader)
        assert served.counted("router_client_disconnects_total") == 1
        assert served.service.inflight == 0


@pytest.mark.usefixtures("hurried")
async def test_the_second_head_of_a_connection_is_waited_for_no_longer_than_the_first(tmp_path: Path) -> None:
    async with line_to(tmp_path) as (_, reader, writer):
        writer.write(HEAD + BODY)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
        await reader.readexactly(int(length.split()[1]))
        writer.write(HEAD[:30])
        assert await is_late(reader)


async def test_a_request_that_keeps_coming_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte is worth a second more here; the timer has rung before the rest is sent."""
    rung = asyncio.Event()
    late = Patient._late

    def ring(self: Patient) -> None:
        late(self)
        rung.set()

    monkeypatch.setattr(Patient, "patience", SOON)
    monkeypatch.setattr(Patient, "rate", 1.0)
    monkeypatch.setattr(Patient, "_late", ring)
    async with line_to(tmp_path) as (_, reader, writer):
        writer.write(HEAD + BODY[:30])
        await rung.wait()
        writer.write(BODY[30:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_who_asks_to_be_connected_through_is_refused_and_nothing_breaks(tmp_path: Path) -> None:
    async with line_to(tmp_path) as (served, reader, writer):  # what breaks on the loop breaks the test
        writer.write(b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        assert served.service.inflight == 0


@pytest.mark.usefixtures("hurried")
async def test_whole_requests_may_be_answered_for_as_long_as_it_takes(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with asyncio.timeout(20), proxy(tmp_path, Answer(text="hi", gates={0: gate})) as served:
        address = urlsplit(served.base_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        other, silent = await asyncio.open_connection(address.hostname, address.port)
        writer.write(HEAD + BODY)
        assert await other.read() == b""  # the time is over by now
        silent.close()
        gate.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()


@pytest.mark.usefixtures("hurried")
async def test_an_answer_that_nobody_takes_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[Patient] = []
    gone = asyncio.Event()
    before = Patient.connection_lost

    def count(self: Patient, exc: Exception | None) -> None:
        before(self, exc)
        if self._got:  # of all connections the one that asked
            lost.append(self)
            gone.set()

    monkeypatch.setattr(Patient, "connection_lost", count)
    async with line_to(tmp_path, "x" * 16_000_000) as (_, _reader, writer):
        writer.write(HEAD + BODY)
        await gone.wait()
    assert len(lost) == 1
