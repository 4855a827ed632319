"""What Prometheus and Grafana are asked, and every way they can fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from router.loop.remote import Annotation, Grafana, Point, Prometheus, Remote
from router.web import Unreachable


@dataclass
class Server:
    """A server that gives every request the same bytes."""

    url: str = ""
    heard: list[bytes] = field(default_factory=list)

    def remote(self, **more: object) -> Remote:
        return Remote(self.url, **more)  # type: ignore[arg-type]


def page(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@asynccontextmanager
async def serving(answer: bytes | None) -> AsyncIterator[Server]:
    """Answer like this; None: never."""
    server, silent = Server(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        server.heard.append(head + await reader.readexactly(length))
        if answer is None:
            await silent.wait()
        else:
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        silent.set()
        listening.close()
        await listening.wait_closed()


VECTOR = page(
    b'{"status":"success","data":{"resultType":"vector","result":['
    b'{"metric":{"route":"auto"},"value":[1.5,"7"]},{"metric":{"route":"other"},"value":[1.5,"NaN"]}]}}'
)


async def test_a_query_gives_numbers_with_their_labels() -> None:
    async with serving(VECTOR) as server:
        assert await Prometheus(server.remote(token="secret")).query("up", 12.5) == [Point({"route": "auto"}, 7.0)]
    assert b"authorization: Bearer secret" in server.heard[0]
    assert server.heard[0].startswith(b"POST /api/v1/query ")
    assert server.heard[0].endswith(b"query=up&time=12.500")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (page(b"<html>"), "something else than Prometheus does; is it the right address"),
        (page(b"no such thing", "404 Not Found"), "answers 404, not 200: no such thing"),
        (page(b"{}"), "something else than Prometheus"),
        (page(b'{"data":{"resultType":"matrix","result":[]}}'), "answers a matrix"),
        (page(b'{"data":{"resultType":"vector","result":[{"metric":{},"value":["x"]}]}}'), "something else"),
        (b"nonsense", "cannot be reached"),
        (b"", "cannot be reached"),
    ],
)
async def test_whatever_goes_wrong_is_one_error_with_one_sentence(answer: bytes, told: str) -> None:
    async with serving(answer) as server:
        with pytest.raises(Unreachable, match=told):
            await Prometheus(server.remote()).query("up", 0)


async def test_a_server_that_never_answers_is_given_up() -> None:
    async with serving(None) as server:
        with pytest.raises(Unreachable, match="cannot be reached: ReadTimeout"):
            await Prometheus(server.remote(timeout=0.05)).query("up", 0)


async def test_a_move_is_noted_on_dashboards() -> None:
    async with serving(page(b"{}")) as server:
        await Grafana(server.remote()).annotate(Annotation("0.3 → 0.35", ("smallfirst", "auto"), 2.0))
    assert b'"time":2000' in server.heard[0]
    assert b'"tags":["smallfirst","auto"]' in server.heard[0]


async def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="No such file"):
        await Prometheus(Remote("https://127.0.0.1", ca=tmp_path / "ca.pem")).query("up", 0)


def test_a_token_does_not_show() -> None:
    assert "secret" not in repr(Remote("http://g", token="secret"))
