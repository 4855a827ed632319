"""Servers of the control plane: what they answer, and every way they can fail."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from router.web import Annotation, Grafana, Point, Prometheus, Remote, WebError


@dataclass
class Server:
    """A server that gives every request the same bytes."""

    url: str = ""
    heard: list[bytes] = field(default_factory=list)

    def remote(self, **more: object) -> Remote:
        return Remote("Prometheus", self.url, **more)  # type: ignore[arg-type]


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
    async with serving(VECTOR) as server, Prometheus(server.remote(token="secret")) as prometheus:
        assert await prometheus.query("up", 12.5) == [Point({"route": "auto"}, 7.0)]
    assert b"authorization: Bearer secret" in server.heard[0]
    assert server.heard[0].startswith(b"POST /api/v1/query ")
    assert server.heard[0].endswith(b"query=up&time=12.500")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (page(b"<html>"), "did not answer in JSON; is it the right address"),
        (page(b"no  such\nthing", "404 Not Found"), "answered 404: no such thing"),
        (page(b"{}"), "something else than a result"),
        (page(b'{"data":{"resultType":"matrix","result":[]}}'), "answered a matrix"),
        (page(b'{"data":{"resultType":"vector","result":[{"metric":{},"value":["x"]}]}}'), "something else"),
        (b"nonsense", "Prometheus at http://127.0.0.1"),
        (b"", "Prometheus at http://127.0.0.1"),
    ],
)
async def test_whatever_goes_wrong_is_one_error_with_one_sentence(answer: bytes, told: str) -> None:
    async with serving(answer) as server, Prometheus(server.remote()) as prometheus:
        with pytest.raises(WebError, match=told):
            await prometheus.query("up", 0)


async def test_a_server_that_never_answers_is_given_up() -> None:
    async with serving(None) as server, Prometheus(server.remote(timeout=0.05)) as prometheus:
        with pytest.raises(WebError, match=r"did not answer in 0\.05 s"):
            await prometheus.query("up", 0)


async def test_a_move_is_noted_on_dashboards() -> None:
    async with serving(page(b"{}")) as server, Grafana(server.remote()) as grafana:
        await grafana.annotate(Annotation("0.3 → 0.35", ("smallfirst", "auto"), 2.0))
    assert b'"time":2000' in server.heard[0]
    assert b'"tags":["smallfirst","auto"]' in server.heard[0]


def test_certificates_that_cannot_be_read_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(WebError, match="No such file"):
        Prometheus(Remote("Prometheus", "https://127.0.0.1", ca=tmp_path / "ca.pem"))


def test_a_token_does_not_show() -> None:
    shows: Callable[[object], str] = repr
    assert "secret" not in shows(Remote("Grafana", "http://g", token="secret"))
