"""The command line as a whole: its commands, its exit codes, and how a mistake is told.

Exit codes: 0 done, 1 a check did not hold (JSON is printed all the same), 2 the call or an input is wrong.
`--json` prints one JSON document on stdout and nothing else; what a command has to say besides goes to stderr.
"""

import os
import sys
from typing import Annotated

import typer

from router import __version__
from router.cli import (
    cache,
    check,
    check_answer,
    demo,
    explain,
    keys,
    learning,
    limits,
    records,
    replay,
    savings,
    serve,
    simulate,
    thresholds,
    top,
)
from router.cli.telling import Refused

__all__ = ["app", "main"]

app = typer.Typer(
    name="smallfirst",
    help="Easy requests to a small fine-tuned model, hard ones to a large prompted one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(demo.demo)
app.command()(check.check)
app.command("check-answer")(check_answer.check_answer)
app.command()(explain.explain)
app.command()(top.top)
app.command()(thresholds.thresholds)
app.command()(limits.limits)
app.command()(simulate.simulate)
app.command()(learning.train)
app.command()(learning.score)
app.command("eval")(learning.evaluate)
app.command()(learning.calibrate)
app.command()(replay.replay)
app.command()(savings.savings)
app.add_typer(keys.app, name="keys")
app.add_typer(cache.app, name="cache")
app.add_typer(records.app, name="records")


@app.callback(invoke_without_command=True)
def _version(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False
) -> None:
    if version:
        sys.stdout.write(f"smallfirst {__version__}\n")
        raise typer.Exit


def main() -> None:
    """Run the command line; what a person got wrong is told in one line, without a traceback."""
    try:
        app()
    except Refused as refused:
        if isinstance(refused.__cause__, BrokenPipeError):  # `| head` has read enough; nothing is left to flush into it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        sys.stderr.write(f"smallfirst: {refused}\n")
        sys.exit(2)
