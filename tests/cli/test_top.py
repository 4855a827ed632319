"""`smallfirst top`, on a server that says what it is told to say."""

import asyncio
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from rich.console import Console
from rich.live import Live
from typing_extensions import override

from router.cli.top import _watch
from tests.cli.calling import Called
from tests.top.told import AFTER, BEFORE

Smallfirst = Callable[..., Called]


@contextmanager
def telling(texts: Sequence[str]) -> Iterator[str]:
    """Serve /metrics: these texts in turn, the last one ever after."""
    left = list(texts)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = (left.pop(0) if len(left) > 1 else left[0]).encode()
            self.send_response(200 if self.path == "/metrics" and text else 503)
            self.end_headers()
            self.wfile.write(text)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("spelling", ["{}", "{}/", "{}/v1", "{}/metrics"])
def test_one_screen_since_it_started(smallfirst: Smallfirst, spelling: str) -> None:
    with telling([BEFORE]) as url:
        told = smallfirst("top", "--once", "--url", spelling.format(url))

    assert told.code == 0
    assert "103 requests since it started" in told.out


def test_the_same_as_json(smallfirst: Smallfirst) -> None:
    with telling([BEFORE]) as url:
        document = smallfirst("top", "--json", "--url", url.removeprefix("http://")).document

    assert document["requests"] == 103
    assert document["routes"][0]["tiers"] == {"frontier": 40, "tuned": 60}
    assert document["objectives"][1] == {
        "route": "auto", "objective": "quality", "promised": 0.95, "measured": 0.91, "violated": True,
    }  # fmt: skip


def test_a_server_that_is_not_there_is_told_in_one_line(smallfirst: Smallfirst) -> None:
    with telling([BEFORE]) as url:
        pass
    told = smallfirst("top", "--url", url)

    assert told.code == 2
    assert "--url says where the server is" in told.err
    assert told.err.count("\n") == 1


def test_somebody_else_s_metrics_are_refused(smallfirst: Smallfirst) -> None:
    with telling(["process_cpu_seconds_total 1\n"]) as url:
        assert "is not smallfirst's" in smallfirst("top", "--once", "--url", url).err


class Screen(Live):
    """A screen that is looked at: the test ends when it has seen enough."""

    def __init__(self, enough: int) -> None:
        self.shown: list[str] = []
        self.enough = enough
        super().__init__(console=Console(file=io.StringIO(), width=150))

    @override
    def update(self, renderable: object, *, refresh: bool = False) -> None:
        console = Console(file=io.StringIO(), width=150)
        console.print(renderable)
        assert isinstance(console.file, io.StringIO)
        self.shown.append(console.file.getvalue())
        if len(self.shown) == self.enough:
            raise asyncio.CancelledError


async def test_it_shows_the_last_minute_and_waits_for_a_server_that_is_away() -> None:
    live = Screen(3)
    with telling([BEFORE, "", AFTER]) as url, pytest.raises(asyncio.CancelledError):
        await _watch(url, 0.01, 60.0, live)

    first, away, last = live.shown
    assert "103 requests since it started" in first
    assert "waiting for it" in away
    assert "120 requests in the last" in last
