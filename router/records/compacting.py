"""A day's many segments as one, compressed: fewer and smaller files for whoever keeps them long.

Nothing is lost or doubled whenever it is interrupted. First a list says which segments become part of which file; then
that file is written under a hidden name, made safe on the disk and given its name; only then are the segments deleted,
and the list last. Until then readers leave out what is both listed and there (`superseded`).
"""

import fcntl
import gzip
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from router.records.segments import HIDDEN, Segment, segments

__all__ = ["compact", "superseded"]

_LIST = ".becoming-{name}.json"
_SUFFIX = ".jsonl.gz"


def compact(folder: Path, *, before: date, token: bytes) -> list[tuple[date, int, int, int]]:
    """Make one segment of all those of each day before `before`.

    Segments that a process is still writing are left alone, and so are days of one compressed segment. Lines that
    a crash has torn are left out.

    Args:
        folder: the folder of records.
        before: days from this one on are left alone.
        token: a few random bytes, for names.

    Returns:
        For each day made smaller: the day, how many segments it had, their bytes, and the bytes they take now.
    """
    _finish(folder)
    done = []
    for day, found in groupby(segments(folder), key=lambda segment: segment.day):
        of_day = list(found)
        if day < before and not (len(of_day) == 1 and of_day[0].path.name.endswith(_SUFFIX)):
            closed = [one for one in of_day if not _being_written(one.path)]
            if closed:
                done.append((day, len(closed), sum(one.size for one in closed), _merge(closed, token)))
    return done


def superseded(folder: Path) -> frozenset[Path]:
    """The segments that became part of another one and are to be deleted."""
    return frozenset(path for becoming, into, parts in _lists(folder) if into.exists() for path in parts)


def _merge(parts: list[Segment], token: bytes) -> int:
    inside = parts[0].path.parent
    into = inside / f"compacted-{token.hex()}{_SUFFIX}"
    becoming = inside / _LIST.format(name=into.name)
    _safely(becoming, [orjson.dumps({"into": into.name, "parts": [one.path.name for one in parts]})])
    draft = inside / f"{HIDDEN}{into.name}"
    with draft.open("wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
            for line in _whole_lines(parts):
                packed.write(line)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(into)
    _finish(inside.parent)
    return into.stat().st_size


def _whole_lines(parts: Iterable[Segment]) -> Iterator[bytes]:
    for part in parts:
        with gzip.open(part.path) if part.path.suffix == ".gz" else part.path.open("rb") as file:
            for line in file:
                with suppress(orjson.JSONDecodeError):
                    if orjson.loads(line):
                        yield line if line.endswith(b"\n") else line + b"\n"


def _finish(folder: Path) -> None:
    """Delete what became part of something else; forget what was never finished."""
    for becoming, into, parts in _lists(folder):
        if into.exists():
            for path in parts:
                path.unlink(missing_ok=True)
        else:
            (into.parent / f"{HIDDEN}{into.name}").unlink(missing_ok=True)
        becoming.unlink(missing_ok=True)


def _lists(folder: Path) -> Iterator[tuple[Path, Path, list[Path]]]:
    """Every list of segments that become part of another: the list, that other, and the segments."""
    for becoming in folder.glob(f"date=*/{_LIST.format(name='*')}"):
        try:
            said: dict[str, Any] = orjson.loads(becoming.read_bytes())
            yield becoming, becoming.parent / said["into"], [becoming.parent / name for name in said["parts"]]
        except (OSError, orjson.JSONDecodeError, KeyError):
            continue


def _safely(path: Path, lines: Iterable[bytes]) -> None:
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _being_written(path: Path) -> bool:
    """Whether the process that writes a segment is still at it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return True  # gone meanwhile, or not ours
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
