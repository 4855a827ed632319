"""`smallfirst demo`: the whole loop on this machine, with fakes in place of models."""

from pathlib import Path
from typing import Annotated

import typer

from router.cli.telling import Json, Refused, print_json

__all__ = ["demo"]


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the table instead of serving on.")] = False,
    as_json: Json = False,
    data: Annotated[Path | None, typer.Option(help="Outcome data (.jsonl, .jsonl.gz) instead of our requests.")] = None,
) -> None:
    """Show the whole loop: two fake models, a policy, real requests through the real proxy. No key, no network."""
    raise Refused("demo: not merged yet")


_ = print_json
