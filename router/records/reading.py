"""Every line of a folder of records, those that cannot be read skipped and counted.

A crash may tear the last line of a segment; nobody appends to it again, so nothing but that line is lost.
"""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import orjson

from router.records.compacting import superseded
from router.records.segments import Segment, day_of, segments

__all__ = ["RecordsError", "Tally", "lines", "read"]


class RecordsError(ValueError):
    """Records that cannot be used, and in one line why."""


@dataclass(slots=True)
class Tally:
    """How many lines were read, and which were not."""

    lines: int = 0
    torn: int = 0
    """Last lines of a segment that a crash cut short."""
    bad: int = 0
    """Other lines that are not records."""
    places: list[str] = field(default_factory=list)
    """Where the first few of them stand."""

    def wrong(self, path: Path, number: int, *, torn: bool) -> None:
        """Count a line that is no record."""
        if torn:
            self.torn += 1
        else:
            self.bad += 1
        if len(self.places) < 5:
            self.places.append(f"{path.parent.name}/{path.name}:{number}")


def read(
    source: Path, tally: Tally, *, since: float = 0.0, want: Callable[[bytes], bool] = lambda _line: True
) -> Iterator[dict[str, Any]]:
    """Yield the records under a folder, or in one file, that were made at `since` (seconds since 1970) or later.

    Args:
        source: the folder of `records.path`, or one segment.
        tally: counts what was read, and what could not be.
        since: older records are left out.
        want: a quick look at a raw line, for who needs few of them.

    Raises:
        RecordsError: there is no such folder or file, or it cannot be read.
    """
    for segment in _chosen(source, since):
        for number, raw in lines(segment.path):
            tally.lines += 1
            if not want(raw):
                continue
            try:
                record = orjson.loads(raw)
                made = record["time"]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                tally.wrong(segment.path, number, torn=not raw.endswith(b"\n"))
                continue
            if made >= since:
                yield record


def _chosen(source: Path, since: float) -> list[Segment]:
    """The segments that may hold records of that time: what is timed then was not written before."""
    if source.is_file():
        return [Segment(source, day_of(0), source.stat().st_size)]
    if not source.is_dir():
        raise RecordsError(f"{source}: no such file or folder")
    gone = superseded(source)
    return [one for one in segments(source) if one.day >= day_of(since) and one.path not in gone]


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield a segment's lines with their numbers.

    Raises:
        RecordsError: it cannot be read.
    """
    try:
        with _open(path) as file:
            yield from enumerate(file, 1)
    except FileNotFoundError:  # swept away, or made part of another meanwhile
        return
    except (OSError, EOFError) as error:
        raise RecordsError(f"{path}: cannot be read: {error}") from error


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
