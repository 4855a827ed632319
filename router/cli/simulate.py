"""`smallfirst simulate`: control in made-up worlds where the truth is known."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from router.cli.telling import Json, Refused, print_json

__all__ = ["simulate"]

_MOST_FALSE = 0.05


def simulate(
    *,
    scenario: Annotated[list[str] | None, typer.Option(help="Which story; repeatable. [default: all]")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many worlds of each story.")] = 5,
    full: Annotated[bool, typer.Option("--full", help="400 worlds of 1,000 windows without any change.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="out.png", help="Draw one world of each story.")] = None,
    json: Json = False,
) -> None:
    """Let control hold objectives in worlds that change.

    Traffic, models, prices and upstreams do. Exit code 1 if it breaks a promise.
    """
    from router.simulation.report import lines, report
    from router.simulation.run import run
    from router.simulation.scenarios import SCENARIOS

    names = ["stationary"] if full else scenario or list(SCENARIOS)
    if unknown := [name for name in names if name not in SCENARIOS]:
        raise Refused(f"--scenario: no story '{unknown[0]}'; there are {', '.join(SCENARIOS)}")
    found: list[dict[str, Any]] = []
    shown = {}
    for name in names:
        runs = []
        for seed in range(400 if full else seeds):
            runs.append(run(SCENARIOS[name], seed))
            _progress(name, seed + 1, 400 if full else seeds)
        shown[name] = runs[0]
        found.append(report(name, runs))
        if not json:
            sys.stdout.write(lines(found[-1]))
            sys.stdout.flush()
    if json:
        print_json({"scenarios": found})
    if plot:
        _draw(shown, plot)
    still = [each for each in found if each["scenario"] == "stationary"]
    if any(each["runs_with_a_false_move"] > _allowed(each["runs"]) for each in still):
        raise typer.Exit(1)


def _allowed(runs: int) -> float:
    """Of so many runs, how many may see a move that breaks the floor: one in twenty, and two standard errors."""
    return runs * _MOST_FALSE + 2 * float((runs * _MOST_FALSE * (1 - _MOST_FALSE)) ** 0.5)


def _draw(shown: dict[str, Any], out: Path) -> None:
    try:
        from router.learning.timeline import timeline

        timeline(shown, out)
    except ModuleNotFoundError as error:
        raise Refused(f"--plot needs {error.name}: pip install 'smallfirst[train]'") from error
    except (OSError, ValueError) as error:
        raise Refused(f"--plot: {error}") from error


def _progress(name: str, done: int, total: int) -> None:
    """Show how far it is on a terminal's stderr, and nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{name} {done:,}/{total:,} " + ("\n" if done == total else ""))
