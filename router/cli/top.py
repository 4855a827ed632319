"""`smallfirst top`: what a running server is doing, in the terminal."""

import asyncio
import contextlib
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.telling import Json, Refused, print_json
from router.clock import SYSTEM

if TYPE_CHECKING:
    from rich.live import Live

    from router.top.reading import Reading

__all__ = ["top"]


def top(
    *,
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8080",
    once: Annotated[bool, typer.Option("--once", help="One screen, of everything since it started.")] = False,
    as_json: Json = False,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    window: Annotated[float, typer.Option(min=1, help="How many seconds each screen is about.")] = 60.0,
) -> None:
    """Show what a running server does, until Ctrl-C.

    Traffic, tiers, cost, escalations, thresholds, objectives and upstreams.
    """
    from router.web import Unreachable

    try:
        asyncio.run(_once(_address(url), as_json=as_json) if once or as_json else _live(_address(url), every, window))
    except Unreachable as error:
        raise Refused(f"{error}; --url says where the server is") from error
    except KeyboardInterrupt:
        pass


def _address(url: str) -> str:
    """Take what people have at hand: with or without `http://`, with the `/v1` of a base_url or the `/metrics`."""
    url = url.rstrip("/").removesuffix("/metrics").removesuffix("/v1")
    return url if "://" in url else f"http://{url}"


async def _read(url: str) -> "Reading":
    from router.top.reading import Reading
    from router.web import Unreachable, get

    reading = Reading.of((await get(f"{url}/metrics")).decode(errors="replace"))
    if not reading.has("router_inflight"):
        raise Unreachable(f"{url}/metrics is not smallfirst's")
    return reading


async def _once(url: str, *, as_json: bool) -> None:
    from rich.console import Console

    from router.top.glance import glance
    from router.top.screen import screen

    seen = glance(await _read(url))
    if as_json:
        print_json(asdict(seen))
    else:
        console = Console()
        console.print(screen(seen, url, console.width))


async def _live(url: str, every: float, window: float) -> None:
    from rich.live import Live

    with Live(screen=True, auto_refresh=False) as live, contextlib.suppress(asyncio.CancelledError):
        await _watch(url, every, window, live)


async def _watch(url: str, every: float, window: float, live: "Live") -> None:
    """Draw what the last `window` seconds brought, as far as we have seen them; a server that is away may come back."""
    from rich.text import Text

    from router.top.glance import glance
    from router.top.screen import screen
    from router.web import Unreachable

    readings: deque[tuple[float, Reading]] = deque()
    while True:
        try:
            reading, now = await _read(url), SYSTEM.now()
        except Unreachable as error:
            if not readings:
                raise
            live.update(Text(f"{error}\n\nwaiting for it; Ctrl-C ends this", style="red"), refresh=True)
        else:
            earlier = readings[0] if readings else (now, None)
            seen = glance(reading, earlier[1], now - earlier[0])
            live.update(screen(seen, url, live.console.width), refresh=True)
            readings.append((now, reading))
            while now - readings[0][0] > window:
                readings.popleft()
        await asyncio.sleep(every)
