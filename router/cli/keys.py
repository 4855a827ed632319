"""`smallfirst keys`: clients' API keys."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from router import keys
from router.cli.telling import Refused
from router.clock import SYSTEM

__all__ = ["app"]

app = typer.Typer(help="Clients' API keys, of which only hashes are stored.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Option(help="Whose key it is; shown in logs.")],
    file: Annotated[Path, typer.Option(help="The keys file; made when missing.")],
    label: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, for rules; may be given again.")] = None,
) -> None:
    """Make a key, keep its hash in the file, and print the key.

    Once, alone, on stdout.
    """
    labels = dict(_label(text) for text in label or ())
    key = keys.mint(SYSTEM.token(32))
    try:
        keys.add(file, name, key, labels=labels, now=SYSTEM.wall())
    except (keys.KeysError, OSError) as error:
        raise Refused(str(error)) from error
    sys.stdout.write(f"{key}\n")


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise Refused(f"--label takes NAME=VALUE, not '{text}'")
    return name, value


@app.callback()
def _keys() -> None:
    """Hold the one command there is, so that it keeps its name."""
