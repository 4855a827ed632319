"""`smallfirst train`, `score`, `eval` and `calibrate`: from outcomes to a threshold with a guarantee."""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from router.cli.telling import Json, Refused, print_json, read_settings
from router.clock import SYSTEM

__all__ = ["calibrate", "evaluate", "score", "train"]

ModelName = Annotated[str, typer.Option("--model", metavar="M", help="A model file, or `builtin`.")]
Data = Annotated[list[Path], typer.Option("--data", metavar="F", help="Outcome data, .jsonl or .jsonl.gz; repeatable.")]
Tiers = Annotated[str, typer.Option(metavar="A,B", help="The tiers in the data, cheapest first.")]
OwnTiers = Annotated[
    str | None,
    typer.Option("--tiers", metavar="A,B", help="The tiers, cheapest first; omitted: those of the model file."),
]
_BAR = 40  # Characters of a bar that shows progress.

Seed = Annotated[int, typer.Option(help="Of everything that is drawn: the same seed gives the same result.")]


def train(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="M", help="The model file to write.")],
    *,
    tiers: Tiers = "tuned,frontier",
    policy: Annotated[
        Path | None,
        typer.Option(metavar="P", help="The policy whose tiers gave the answers: the model remembers them."),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Learn from outcomes which requests are difficult.

    Outcomes say what each tier's answers were worth.
    """
    with _told():
        from router.learning import train as training

        today = datetime.fromtimestamp(SYSTEM.wall(), UTC).date()
        how = training.How(seed=seed, progress=_progress(), origins=_origins(policy, _names(tiers)))
        facts = training.train(data, out, _names(tiers), today=today, how=how)
    if json:
        print_json({"model": str(out), **facts})
        return
    sys.stdout.write(
        f"{out}: {facts['rows']:,} rows, {facts['bad_lines']:,} bad lines\n{_figures(facts)}\n(on held-out folds)\n"
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model is asked about which outcomes."""

    model: ModelName
    data: Data
    tiers: OwnTiers = None
    seed: Seed = 0
    json: Json = False

    @property
    def names(self) -> tuple[str, ...] | None:
        """The tiers that were named, when they were."""
        return _names(self.tiers) if self.tiers else None


def spelled_out(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has the fields of its first parameter, a dataclass, as options of its own."""
    first, *others = inspect.signature(command).parameters.values()
    fields = inspect.signature(first.annotation).parameters
    options = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in (*fields.values(), *others)]

    @wraps(command)
    def run(**given: Any) -> None:
        asked = first.annotation(**{name: given.pop(name) for name in fields})
        command(asked, **given)

    run.__dict__["__signature__"] = inspect.Signature(options)
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run


def score(model: ModelName, data: Data, *, tiers: OwnTiers = None) -> None:
    """Print what a model says about requests: one JSON line each."""
    with _told():
        from router.learning import data as outcomes
        from router.learning import score as scoring

        opened = scoring.opened(model, _names(tiers) if tiers else None)
        for line in scoring.lines(opened, outcomes.rows(data, (), outcomes.Tally())):
            sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


@spelled_out
def evaluate(
    asked: Asked,
    *,
    plot: Annotated[Path | None, typer.Option(metavar="out.png", help="Draw the cost-quality curve.")] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also: how far do changes that should not matter move difficulty?")
    ] = False,
) -> None:
    """Judge a model on outcomes, beside chance and prompt length.

    And beside the best that was possible.
    """
    with _told():
        from router.learning import evaluate as evaluation
        from router.learning.plot import plot as draw
        from router.learning.robustness import robustness as shaken

        opened, seen = _judged(asked)
        found = evaluation.evaluate(seen, opened.tiers, seed=asked.seed)
        if robustness:
            found["robustness"] = shaken(opened, seen.rows, seed=asked.seed)
        if plot:
            draw(found, plot)
    if asked.json:
        print_json(found)
        return
    sys.stdout.write(f"{_figures(found)}\n")
    for name, moved in found.get("robustness", {}).items():
        sys.stdout.write(f"{name:30} moved {moved['moved']:.2f} sd   flipped {moved['flipped']:.1%}\n")


@spelled_out
def calibrate(
    asked: Asked,
    floor: Annotated[float, typer.Option(help="Share of the last tier's quality that must be kept.", min=0.01, max=1)],
    *,
    confidence: Annotated[float, typer.Option(help="How sure it must be.", min=0.5, max=0.9999)] = 0.95,
    out: Annotated[Path | None, typer.Option(metavar="C", help="Write what `calibration: C` names.")] = None,
) -> None:
    """Find the cheapest threshold that provably keeps a floor.

    The floor is under quality. Exit code 1 when there is no such threshold.
    """
    with _told():
        from router.learning import calibrate as calibration

        today = datetime.fromtimestamp(SYSTEM.wall(), UTC).date()
        opened, seen = _judged(asked)
        found = calibration.run(opened, seen, floor=floor, confidence=confidence, today=today, seed=asked.seed)
        if out:
            calibration.write(found, out)
    if asked.json:
        print_json(found)
    else:
        sys.stdout.write(_guarantee(found))
    if not found["threshold"]:
        raise typer.Exit(1)


def _judged(asked: Asked) -> Any:
    from router.learning import data as outcomes
    from router.learning import score as scoring

    opened = scoring.opened(asked.model, asked.names)
    tally = outcomes.Tally()
    rows = list(outcomes.rows(asked.data, opened.tiers, tally))
    if tally.bad:
        sys.stderr.write(f"smallfirst: {len(tally.bad)} bad lines left out, the first: {tally.bad[0]}\n")
    return opened, scoring.judged(opened, rows)


def _origins(path: Path | None, tiers: tuple[str, ...]) -> Any:
    """Return whose answers the tiers of a policy give; nothing without a policy."""
    from router.difficulty import origins
    from router.policy import PolicyError, load

    if path is None:
        return {}
    try:
        policy = load(path, read_settings().environment)
    except PolicyError as error:
        raise Refused(str(error.faults[0])) from error
    if missing := [name for name in tiers if name not in policy.tiers]:
        raise Refused(f"{path}: no tier '{missing[0]}', which --tiers names; it has {', '.join(policy.tiers)}")
    return origins(policy, tiers)


def _names(tiers: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in tiers.split(","))
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        raise Refused(f"--tiers takes at least two different names, cheapest first, not '{tiers}'")
    return names


@contextmanager
def _told() -> Iterator[None]:
    """Turn what may be wrong with the input, or with the installation, into one clear line."""
    from router.difficulty import ModelError
    from router.learning.data import DataError

    try:
        yield
    except (ModelError, DataError, OSError) as error:
        raise Refused(" ".join(str(error).split())) from error
    except ModuleNotFoundError as error:
        raise Refused(f"this command needs {error.name}: pip install 'smallfirst[train]'") from error


def _progress() -> Any:
    """Return what shows progress: a bar on a terminal's stderr, and nothing elsewhere."""
    from router.learning.train import quiet

    if not sys.stderr.isatty():
        return quiet

    def show(what: str, done: int, total: int) -> None:
        share = done / total if total else 1.0
        filled = int(share * _BAR)
        sys.stderr.write(f"\r{what:8} [{'#' * filled}{'.' * (_BAR - filled)}] {share:4.0%}")
        if done >= total:
            sys.stderr.write("\n")

    return show


def _figures(found: dict[str, Any]) -> str:
    """Return the figures that matter, in words."""
    at, beside = found["intervals"], found["baselines"]
    apgr = f"APGR {_number(found['apgr'])} {_range(at['apgr'])}"
    others = f"random 0.5   length {_number(beside['length'])}   oracle {_number(beside['oracle'])}"
    calls = [f"{name.upper()} {_number(found[name])} {_range(at[name])}" for name in ("cpt50", "cpt80", "auc")]
    ece = f"ECE {found['ece']:.3f} (a perfect model: up to {found['ece_when_perfect']:.3f})"
    return f"n {found['n']:,}\n{apgr}   {others}\n{'   '.join(calls)}\n{ece}\n{found['verdict']}"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _range(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"[{interval[0]:.3f}, {interval[1]:.3f}]"


def _guarantee(found: dict[str, Any]) -> str:
    """Return a calibration in words, with the absolute share and dollars beside the ratio."""
    quality, sure = found["quality"], f"{found['confidence']:.0%}"
    if not found["threshold"]:
        return (
            f"no threshold keeps {found['floor']:.0%} with {sure} confidence on {found['n']:,} rows: last tier only\n"
        )
    told = (
        f"threshold {found['threshold']:.4f}: {found['tuned_share']:.1%} of requests start at {found['tiers'][0]}\n"
        f"quality {quality['served']:.3f} of {quality['frontier']:.3f}; at least {quality['lower_bound']:.1%} of the"
        f" last tier's with {sure} confidence (n = {found['n']:,})\n"
    )
    if cost := found["cost_usd"]:
        told += f"per 1,000 requests: ${cost['served']:.2f} instead of ${cost['frontier']:.2f}\n"
    return told
