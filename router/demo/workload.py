"""The requests of a demo run: the bundled workload, or anybody's outcome data.

The bundled `workload.jsonl` was written for this project, questions and answers alike. Its two sets of answers are
*examples of what a small tuned and a large prompted model typically get right and wrong*, not recordings of any model;
their scores are computed from the answers by `router.demo.grading`.
"""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

__all__ = ["BUNDLED", "Recorded", "Row", "load"]

BUNDLED = Path(__file__).with_name("workload.jsonl")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one tier said to a request, as far as it is known, and how good that was (0 to 1)."""

    score: float
    answer: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One request with what every tier made of it; one line of outcome data."""

    id: str
    task: str
    messages: tuple[Mapping[str, Any], ...]
    outcomes: Mapping[str, Recorded]
    request: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request: tools, a response format, a temperature."""
    expected: Mapping[str, Any] | None = None
    """The grading rule, where the answers are graded by `router.demo.grading`."""


def load(path: Path = BUNDLED) -> tuple[Row, ...]:
    """Read outcome data, one JSON object a line, gzipped when the name ends in `.gz`.

    Raises ValueError with the file and the line of the first row that is not outcome data, or for a file without rows.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        rows = tuple(_rows(path, lines))
    if not rows:
        raise ValueError(f"{path}: no rows; outcome data has one JSON object per line")
    return rows


def _rows(path: Path, lines: Iterable[bytes]) -> Iterable[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _row(orjson.loads(line), number)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"{path}:{number}: not a row of outcome data: {what}") from error


def _row(data: Mapping[str, Any], number: int) -> Row:
    messages = tuple(data["messages"])
    if not messages or not all(isinstance(message, Mapping) and "role" in message for message in messages):
        raise ValueError("'messages' must be a list of messages, and not empty")
    outcomes = {tier: _recorded(outcome) for tier, outcome in data["outcomes"].items() if not _unscored(outcome)}
    return Row(
        id=str(data.get("id", number)),
        task=str(data.get("task", "")),
        messages=messages,
        outcomes=outcomes,
        request=data.get("request", {}),
        expected=data.get("expected"),
    )


def _unscored(data: Mapping[str, Any]) -> bool:
    """Whether all that is known of an answer is that it was escalated, or was not."""
    return "score" not in data and "escalated" in data


def _recorded(data: Mapping[str, Any]) -> Recorded:
    score = float(data["score"])
    if not 0 <= score <= 1:
        raise ValueError(f"a score lies between 0 and 1, not {score:g}")
    return Recorded(score=score, answer=data.get("answer"), tool_calls=tuple(data.get("tool_calls", ())))
