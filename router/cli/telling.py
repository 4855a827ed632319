"""How commands speak: one JSON document on stdout, words on stderr, and one clear line when something is wrong."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from router.settings import Settings, SettingsError

__all__ = ["Json", "PolicyPath", "Refused", "print_json", "read_settings"]

PolicyPath = Annotated[
    Path, typer.Option("--policy", metavar="P", help="The policy: a YAML file, or a folder of them.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


class Refused(Exception):
    """The call or an input is wrong: exit code 2, and these words."""


def read_settings() -> Settings:
    """Read the environment, or refuse with every fault of it."""
    try:
        return Settings.read()
    except SettingsError as error:
        raise Refused(str(error)) from error


def print_json(document: object) -> None:
    """Print the one document that `--json` promises."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2))
    sys.stdout.buffer.flush()
