"""Grades that were made elsewhere, written beside the records they are about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import orjson

from router.clock import Clock
from router.records.line import Feedback, Source, of_feedback
from router.records.reading import RecordsError, Tally, read
from router.records.writer import Keeping, Writer

__all__ = ["grades", "write"]

_FOREVER: Final = 3650 * 86400.0
"""Retention: whoever writes grades deletes nothing."""


def grades(file: Path, folder: Path) -> tuple[list[Feedback], list[str]]:
    """Read grades; return those of requests that are recorded, and the ids of the others.

    Raises:
        RecordsError: the file cannot be read, or a line is no grade.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise RecordsError(f"{file}: cannot be read: {error.strerror}") from error
    found = [_grade(line, f"{file}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    wanted = {grade.id for grade in found}
    records = read(folder, Tally(), want=lambda line: b'"kind":"outcome"' in line)
    known = {record["id"]: record for record in records if record["id"] in wanted}
    unknown = [grade.id for grade in found if grade.id not in known]
    return [_placed(grade, known[grade.id]) for grade in found if grade.id in known], unknown


def write(found: Sequence[Feedback], folder: Path, clock: Clock) -> None:
    """Write grades into a segment of their own.

    Raises:
        RecordsError: the disk does not take them.
    """
    told: list[str] = []
    writer = Writer(Keeping(folder, _FOREVER, limit=2**40), clock, told.append)
    for one in found:
        writer.append(of_feedback(one, now=clock.wall(), correction=one.correction))
    writer.close(patience=600.0)
    if writer.dropped:
        raise RecordsError(told[0] if told else f"{folder}: cannot be written")


def _grade(line: bytes, place: str) -> Feedback:
    try:
        said = orjson.loads(line)
        source = said.get("source", "grader")
        if source not in get_args(Source):
            raise ValueError(f"source is one of {', '.join(get_args(Source))}")  # noqa: TRY301
        reference = said.get("reference")
        return Feedback(
            str(said["id"]),
            _share(said["score"]),
            source,
            correction=said.get("correction"),
            reference=None if reference is None else _share(reference),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = 'each line is {"id": …, "score": 0..1} with source, reference or correction if you like'
        raise RecordsError(f"{place}: {told} ({error})") from error


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is not from 0 to 1")
    return float(value)


def _placed(grade: Feedback, record: Mapping[str, Any]) -> Feedback:
    """A grade with what is known about its request."""
    return Feedback(
        grade.id,
        grade.score,
        grade.source,
        grade.tenant,
        grade.correction,
        grade.reference,
        route=record["route"],
        start=record["start"],
        tier=record["tier"],
        band=record["band"],
    )
