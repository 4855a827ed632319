"""Fewer files, the same records, whatever interrupts."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from router.records import Keeping, Tally, read, segments
from router.records import compacting as module
from router.records.compacting import compact, superseded
from router.records.segments import day_of, name_of
from router.records.writer import Writer
from tests.records.made import NOON, Hands

TODAY = day_of(NOON)
YESTERDAY = NOON - 86400


def made(folder: Path, count: int = 3, now: float = YESTERDAY) -> None:
    for number in range(count):
        path = folder / name_of(now, "0a", number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"time":{now},"n":{number}}}\n' * 10)


def numbers(folder: Path) -> list[int]:
    return sorted(one["n"] for one in read(folder, Tally()))


def test_a_days_segments_become_one(tmp_path: Path) -> None:
    made(tmp_path)
    before = numbers(tmp_path)

    ((day, count, size, now),) = compact(tmp_path, before=TODAY, token=b"\x01")

    (one,) = segments(tmp_path)
    assert (day.day, count, now) == (21, 3, one.size)
    assert one.path.name == "compacted-01.jsonl.gz"
    assert size > now
    assert numbers(tmp_path) == before
    assert [path.name for path in one.path.parent.iterdir()] == [one.path.name]


def test_it_is_made_once(tmp_path: Path) -> None:
    made(tmp_path)
    compact(tmp_path, before=TODAY, token=b"\x01")

    assert compact(tmp_path, before=TODAY, token=b"\x02") == []


def test_what_comes_later_is_added(tmp_path: Path) -> None:
    made(tmp_path)
    compact(tmp_path, before=TODAY, token=b"\x01")
    made(tmp_path, 1)
    compact(tmp_path, before=TODAY, token=b"\x02")

    assert len(segments(tmp_path)) == 1
    assert len(numbers(tmp_path)) == 40


def test_today_is_left_alone(tmp_path: Path) -> None:
    made(tmp_path, now=NOON)

    assert compact(tmp_path, before=TODAY, token=b"\x01") == []


def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    writer = Writer(Keeping(tmp_path, flush=0.001), Hands(YESTERDAY).clock, print)
    writer.append(b'{"time":1,"n":0}\n')
    while not segments(tmp_path):
        writer.append(b'{"time":1,"n":0}\n')
    try:
        assert compact(tmp_path, before=TODAY, token=b"\x01") == []
    finally:
        writer.close()
    assert len(compact(tmp_path, before=TODAY, token=b"\x01")) == 1


def test_a_torn_line_ends_here(tmp_path: Path) -> None:
    made(tmp_path, 1)
    with segments(tmp_path)[0].path.open("ab") as file:
        file.write(b'{"time":1,"n"')
    compact(tmp_path, before=TODAY, token=b"\x01")

    tally = Tally()
    assert len(list(read(tmp_path, tally))) == 10
    assert (tally.torn, tally.bad) == (0, 0)


@pytest.mark.parametrize("at", ["the file", "its name", "deleting"])
def test_nothing_is_lost_or_doubled_wherever_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    made(tmp_path)
    before = numbers(tmp_path)

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if at == "the file":
            patched.setattr(gzip.GzipFile, "write", interrupted)
        elif at == "its name":
            patched.setattr("router.records.compacting.os.fsync", _once(os.fsync, interrupted))
        else:
            patched.setattr(module, "_finish", _once(module._finish, interrupted))
        with pytest.raises(KeyboardInterrupt):
            compact(tmp_path, before=TODAY, token=b"\x01")

    assert numbers(tmp_path) == before
    assert bool(superseded(tmp_path)) == (at == "deleting")
    compact(tmp_path, before=TODAY, token=b"\x02")
    assert numbers(tmp_path) == before
    assert len(list(segments(tmp_path)[0].path.parent.iterdir())) == 1


def _once(first: Any, then: Any) -> Any:
    """Do as ever the first time, and something else the second."""
    left = [first]

    def do(*given: Any) -> Any:
        return (left.pop() if left else then)(*given)

    return do
