"""`smallfirst demo`: the whole loop on this machine, with fakes in place of models."""

import asyncio
import contextlib
import io
import signal
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
import uvloop

from router.cli.telling import Json, Refused, print_json
from router.server.service import CannotServe

if TYPE_CHECKING:
    from router.demo.workload import Row

__all__ = ["demo"]


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the table instead of serving on.")] = False,
    as_json: Json = False,
    data: Annotated[
        Path | None, typer.Option(help="Outcome data (.jsonl, .jsonl.gz) instead of the requests that ship.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the proxy listens; 0 takes a free port.")] = 0,
    breaks: Annotated[
        Literal["tuned"] | None,
        typer.Option("--break", help="Break the small model meanwhile, beside a twin whose threshold is fixed."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="out.png", help="With --break: draw what happened.")] = None,
) -> None:
    """Show the whole loop on fakes: no key, no network.

    Two fake models, a policy, and real requests through the real proxy.
    """
    if plot is not None and breaks is None:
        raise Refused("--plot draws what --break tuned shows; give both")
    if plot is not None and not plot.parent.is_dir():
        raise Refused(f"--plot: there is no folder {plot.parent}")
    if plot is not None and find_spec("matplotlib") is None:
        raise Refused("--plot needs matplotlib: pip install 'smallfirst[train]'")
    rows = _rows(data)
    _run(_demo(rows, port, once=once, as_json=as_json) if breaks is None else _break(rows, plot, as_json=as_json))


def _rows(data: Path | None) -> "tuple[Row, ...]":
    from router.demo.workload import BUNDLED, load

    try:
        return load(data or BUNDLED)
    except (OSError, ValueError) as error:
        raise Refused(f"--data: {error}") from error


def _run(show: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(KeyboardInterrupt):
        try:
            runner.run(show)
        except CannotServe as error:
            raise Refused(str(error)) from error


async def _demo(rows: "Sequence[Row]", port: int, *, once: bool, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from router.demo.show import staged
    from router.demo.table import print_report

    aside = Console(stderr=True)
    async with staged(rows, port) as stage:
        with Progress(console=aside, transient=True, disable=not aside.is_terminal) as progress:
            bar = progress.add_task(f"{len(rows)} requests", total=len(rows))
            report = await stage.play(rows, lambda: progress.advance(bar))
        if as_json:
            print_json(asdict(report))
        else:
            print_report(report, Console(), stage.base_url)
        if not once:
            aside.print(f"\nit goes on serving at {stage.base_url} until Ctrl-C")
            await _told_to_stop()


async def _break(rows: "Sequence[Row]", plot: Path | None, *, as_json: bool) -> None:
    """Tell each round as it happens: on stdout, or on stderr where stdout belongs to a document."""
    from rich.console import Console

    from router.demo.plot import plot as draw
    from router.demo.twins import twinned
    from router.demo.twins_table import line, print_chronicle

    if any(row.expected is None for row in rows):
        raise Refused("--break needs rows whose answers can be graded: give each a rule in `expected`")
    aside, said = sys.stderr if as_json else sys.stdout, io.StringIO()
    try:
        with contextlib.redirect_stderr(said):  # two servers at once would say the same of one route
            async with twinned(rows) as twins:
                chronicle = await twins.play(rows, told=lambda event: print(line(event), file=aside, flush=True))
    except BaseException:
        sys.stderr.write(said.getvalue())
        raise
    if as_json:
        print_json(asdict(chronicle))
    else:
        print_chronicle(chronicle, Console())
    if plot is not None:
        try:
            draw(chronicle, plot)
        except (OSError, ValueError) as error:
            raise Refused(f"--plot: {error}") from error


async def _told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    told = asyncio.Event()
    for sent in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sent, told.set)
    await told.wait()
