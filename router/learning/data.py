"""Outcome data: requests with what each tier's answer was worth."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from router.chat import ChatRequest

TOLERATED: Final = 0.01
"""The share of lines that may be wrong before a command stops: beyond it the file is not what its owner thinks."""

_EVERY = 1_000  # Rows between two words of progress.
_NAMED = 5  # Bad lines that an error names.


class DataError(ValueError):
    """Outcome data that cannot be used, and in one line why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request and its outcomes: the score of each tier, NaN where there is none, and what it cost."""

    id: str
    task: str | None
    request: ChatRequest
    scores: tuple[float, ...]
    costs: tuple[float, ...]
    escalated: tuple[float, ...] = ()
    """1 for each tier whose answer did not pass its checks, 0 for one that did, NaN where nobody said."""


@dataclass(slots=True)
class Tally:
    """How many lines were read, and which could not be."""

    lines: int = 0
    bad: list[str] = field(default_factory=list)
    bytes: int = 0
    """How much of the files was read, as they lie on the disk; about."""

    def check(self) -> None:
        """Raise DataError when more lines are bad than are tolerated."""
        if len(self.bad) > TOLERATED * self.lines:
            shown = "; ".join(self.bad[:_NAMED]) + (" …" if len(self.bad) > _NAMED else "")
            raise DataError(f"{len(self.bad):,} of {self.lines:,} lines are not outcome data: {shown}")


def rows(paths: Iterable[Path], tiers: Sequence[str], tally: Tally) -> Iterator[Row]:
    """Yield the rows of all files, one at a time; bad lines go to `tally`.

    Raises:
        DataError: a file cannot be read, or, at the end, too many lines were bad.
    """
    for path in paths:
        before = tally.bytes
        try:
            with path.open("rb") as file, _lines(file, path) as lines:
                for number, line in enumerate(lines, 1):
                    if number % _EVERY == 0:
                        tally.bytes = before + file.tell()
                    if not line.strip():
                        continue
                    tally.lines += 1
                    try:
                        yield _row(orjson.loads(line), tiers)
                    except (ValueError, KeyError, TypeError, AttributeError) as error:
                        tally.bad.append(f"{path.name}:{number}: {error}")
                tally.bytes = before + file.tell()
        except (OSError, EOFError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from error
    tally.check()


def sample(
    paths: Iterable[Path],
    tiers: Sequence[str],
    tally: Tally,
    *,
    most: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> list[Row]:
    """Return the rows of all files, or, when there are more than `most`, an even sample of them (Vitter's algorithm R).

    Raises:
        DataError: a file cannot be read, or too many lines were bad.
    """
    draw = np.random.default_rng(seed)
    kept: list[Row] = []
    for number, row in enumerate(rows(paths, tiers, tally)):
        if progress and number % _EVERY == 0:
            progress(number)
        if number < most:
            kept.append(row)
        elif (place := int(draw.integers(number + 1))) < most:
            kept[place] = row
    return kept


def scores(read: Sequence[Row]) -> NDArray[np.float64]:
    """Return the scores of rows, shape (rows, tiers)."""
    return np.array([row.scores for row in read], np.float64)


def _lines(file: IO[bytes], path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(file)) if path.suffix == ".gz" else file


def _row(value: dict[str, Any], tiers: Sequence[str]) -> Row:
    messages = value["messages"]
    if not isinstance(messages, list) or not messages:
        raise ValueError("`messages` is not a list with something in it")
    if not all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in messages):
        raise ValueError("a message has no role")
    outcomes = value["outcomes"]
    return Row(
        id=str(value.get("id", "")),
        task=value.get("task"),
        request=ChatRequest(
            body={key: item for key, item in value.items() if key != "outcomes"}, model="", stream=False
        ),
        scores=tuple(_number(outcomes.get(tier), "score", tier) for tier in tiers),
        costs=tuple(_number(outcomes.get(tier), "cost_usd", tier) for tier in tiers),
        escalated=tuple(_flag(outcomes.get(tier), "escalated", tier) for tier in tiers),
    )


def _flag(outcome: dict[str, Any] | None, name: str, tier: str) -> float:
    flag = None if outcome is None else outcome.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise ValueError(f"{name} of {tier} is {flag!r}, not true or false")
    return float("nan") if flag is None else float(flag)


def _number(outcome: dict[str, Any] | None, name: str, tier: str) -> float:
    number = None if outcome is None else outcome.get(name)
    if number is None:
        return float("nan")
    if not isinstance(number, (int, float)) or (name == "score" and not 0 <= number <= 1):
        raise ValueError(f"the {name} of {tier} is {number!r}, not a number{' from 0 to 1' if name == 'score' else ''}")
    return float(number)
