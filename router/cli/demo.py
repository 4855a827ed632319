"""`smallfirst demo`: the whole loop on this machine, with fakes in place of models."""

import asyncio
import contextlib
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from router.cli.telling import Json, Refused, print_json
from router.server.service import CannotServe

__all__ = ["demo"]


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the table instead of serving on.")] = False,
    as_json: Json = False,
    data: Annotated[
        Path | None, typer.Option(help="Outcome data (.jsonl, .jsonl.gz) instead of the requests that ship.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the proxy listens; 0 takes a free port.")] = 0,
) -> None:
    """Show the whole loop: two fake models, a policy, real requests through the real proxy. No key, no network."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(_demo(data, port, once=once, as_json=as_json))


async def _demo(data: Path | None, port: int, *, once: bool, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from router.demo.show import staged
    from router.demo.table import print_report
    from router.demo.workload import BUNDLED, load

    try:
        rows = load(data or BUNDLED)
    except (OSError, ValueError) as error:
        raise Refused(f"--data: {error}") from error
    aside = Console(stderr=True)
    try:
        async with staged(rows, port) as stage:
            with Progress(console=aside, transient=True, disable=not aside.is_terminal) as progress:
                bar = progress.add_task(f"{len(rows)} requests", total=len(rows))
                report = await stage.play(rows, lambda: progress.advance(bar))
            if as_json:
                print_json(asdict(report))
            else:
                print_report(report, Console(), stage.base_url)
            if not once:
                aside.print(f"\nserving on at {stage.base_url} until Ctrl-C")
                await _told_to_stop()
    except CannotServe as error:
        raise Refused(str(error)) from error


async def _told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    told = asyncio.Event()
    for sent in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sent, told.set)
    await told.wait()
