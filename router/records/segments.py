"""Which files hold records, and which are old enough to go.

Under the folder of records there is one folder a day, `date=2026-11-22/`, as Spark, Trino and DuckDB expect of a table
that is partitioned by date: the day (UTC) on which its lines were written. A segment is one file of one process,
`031502-9f86d081-0.jsonl`: when it was begun, who writes it, and which of theirs it is. It is only ever appended to, by
that process, which holds a lock on it meanwhile. What `compact` makes of a day's segments is called `compacted-…`.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

__all__ = ["HIDDEN", "Segment", "day_of", "name_of", "segments", "sweep"]

HIDDEN: Final = "."
"""Files that begin with this are being made; tools that read tables leave them out too."""

_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
_SEGMENT = re.compile(r"(?:\d{6}-[0-9a-f]+-\d+|compacted-[0-9a-f]+)\.jsonl(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of records."""

    path: Path
    day: date
    """On which its lines were written, in UTC."""
    size: int
    """Bytes."""

    @property
    def writer(self) -> str:
        """What its process is called in the names of its segments; of a compacted one, `compacted`."""
        parts = self.path.name.split("-")
        return parts[0] if parts[0] == "compacted" else parts[1]


def day_of(now: float) -> date:
    """The day of a moment in seconds since 1970, in UTC."""
    return datetime.fromtimestamp(now, UTC).date()


def name_of(now: float, writer: str, number: int) -> str:
    """Where a segment that is begun now goes, relative to the folder of records."""
    begun = datetime.fromtimestamp(now, UTC)
    return f"date={begun:%Y-%m-%d}/{begun:%H%M%S}-{writer}-{number}.jsonl"


def segments(folder: Path) -> list[Segment]:
    """Every segment under a folder, in order of time; files that are not ours are left out."""
    return sorted(_found(folder), key=lambda segment: (segment.day, segment.path.name))


def _found(folder: Path) -> Iterator[Segment]:
    for inside in folder.glob("date=*"):
        if (dated := _DAY.fullmatch(inside.name)) is None:
            continue
        with suppress(OSError, ValueError):  # swept away meanwhile, or no day of any calendar
            day = date.fromisoformat(dated[1])
            for path in inside.iterdir():
                if _SEGMENT.fullmatch(path.name):
                    yield Segment(path, day, path.stat().st_size)


def sweep(folder: Path, *, retention: float, now: float) -> int:
    """Delete the segments of days that ended longer ago than `retention` seconds; return how many went.

    Several processes may do so at once. Other files are never touched.
    """
    gone = 0
    last = day_of(now - retention)
    for segment in segments(folder):
        if segment.day >= last:
            break
        with suppress(OSError):
            segment.path.unlink()
            gone += 1
        with suppress(OSError):  # not empty yet, or not ours to remove
            segment.path.parent.rmdir()
    return gone


def next_day(now: float) -> float:
    """When the day of this moment ends, in seconds since 1970."""
    after = datetime.combine(day_of(now) + timedelta(days=1), datetime.min.time(), UTC)
    return after.timestamp()
