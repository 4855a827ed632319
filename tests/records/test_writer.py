"""Lines reach the disk whole and in order, and no disk makes a request wait."""

import errno
import os
import subprocess
import sys
import timeit
from collections import deque
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from router.clock import Clock
from router.records import Tally, read, segments
from router.records.writer import Keeping, Writer
from tests.records.made import NOON, Hands, written

LONG_AFTER_THE_TEST = 3600.0


def numbered(count: int) -> list[bytes]:
    return [b'{"n":%d}\n' % number for number in range(count)]


def numbers(folder: Path) -> list[int]:
    return [one["n"] for segment in segments(folder) for one in written(segment.path)]


def opened(folder: Path, hands: Hands | None = None, told: list[str] | None = None, **how: Any) -> Writer:
    tell = (told if told is not None else list[str]()).append
    keeping = Keeping(folder, **{"flush": LONG_AFTER_THE_TEST, **how})
    return Writer(keeping, (hands or Hands()).clock, tell)


def test_every_line_arrives_whole_and_in_order(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    for line in numbered(20_000):
        writer.append(line)
    writer.close()

    assert numbers(tmp_path) == list(range(20_000))
    assert writer.dropped == 0


def test_a_line_may_be_made_by_the_writing_thread(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.append_later(lambda: b'{"n":1}\n', 8)
    writer.close()

    assert numbers(tmp_path) == [1]


def test_a_line_that_cannot_be_made_costs_itself_and_is_told(tmp_path: Path) -> None:
    told = list[str]()
    writer = opened(tmp_path, told=told)
    writer.append_later(lambda: bytes(1 // 0), 8)
    writer.append_later(lambda: b'{"n":2}\n', 8)
    writer.close()

    assert (numbers(tmp_path), writer.dropped) == ([2], 1)
    assert "ZeroDivisionError" in told[0]


def test_the_next_segment_begins_when_one_is_full(tmp_path: Path) -> None:
    writer = opened(tmp_path, segment=100)
    for line in numbered(50):
        writer.append(line)
    writer.close()

    assert len(segments(tmp_path)) == 5
    assert all(segment.size <= 109 for segment in segments(tmp_path))
    assert numbers(tmp_path) == list(range(50))


def test_the_next_segment_begins_with_the_next_day(tmp_path: Path) -> None:
    hands = Hands()
    for wall, line in zip((NOON, NOON + 86400), numbered(2), strict=True):
        hands.wall = wall
        writer = opened(tmp_path, hands)
        writer.append(line)
        writer.close()

    assert [segment.day.day for segment in segments(tmp_path)] == [22, 23]


@pytest.mark.parametrize("after", [3600.0, 12 * 3600.0])
def test_a_segment_is_closed_after_an_hour_and_at_midnight(tmp_path: Path, after: float) -> None:
    hands = Hands()
    writer = opened(tmp_path, hands, flush=0.001)
    writer.append(b'{"n":0}\n')
    until(lambda: sum(one.size for one in segments(tmp_path)) > 0)
    hands.wall += after
    writer.append(b'{"n":1}\n')
    writer.close()

    assert len(segments(tmp_path)) == 2


def test_every_segment_begins_with_the_plan_in_force_and_the_last_ends_with_it(tmp_path: Path) -> None:
    writer = opened(tmp_path, segment=100)
    writer.head(lambda now: b'{"n":-1}\n' if now == NOON else b"")
    for line in numbered(20):
        writer.append(line)
    writer.close()

    files = [[one["n"] for one in written(segment.path)] for segment in segments(tmp_path)]
    assert [file[0] for file in files] == [-1] * len(files)
    assert files[-1][-1] == -1
    assert [n for n in numbers(tmp_path) if n >= 0] == list(range(20))


def test_old_days_go_when_the_server_starts(tmp_path: Path) -> None:
    hands = Hands(NOON - 40 * 86400)
    writer = opened(tmp_path, hands)
    writer.append(b'{"n":0}\n')
    writer.close()
    opened(tmp_path, Hands(), retention=30 * 86400.0).close()

    assert segments(tmp_path) == []


def test_a_disk_that_takes_nothing_costs_lines_and_no_waiting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = list[str]()
    writer = opened(tmp_path / "file" / "inside", told=told, flush=0.001, limit=1_000)
    lines = numbered(1_000)
    seconds = timeit.timeit(lambda: deque(map(writer.append, lines), maxlen=0), number=1)
    writer.close()

    assert seconds < 1
    assert writer.dropped == 1_000
    assert len(told) == 1
    assert "requests go on" in told[0]


class Disk:
    """A disk that is full at times, and takes half of what it is given first."""

    def __init__(self) -> None:
        self.full = Event()
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if not self.full.is_set():
            return self.write(descriptor, data)
        if len(data) > 20:
            return self.write(descriptor, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr("router.records.writer.os.write", disk)
    return disk


def test_what_waited_for_a_full_disk_is_written_when_there_is_room_again(tmp_path: Path, disk: Disk) -> None:
    told = list[str]()
    writer = opened(tmp_path, told=told, flush=0.001)
    disk.full.set()
    for line in numbered(10):
        writer.append(line)
    until(lambda: bool(told))
    disk.full.clear()
    until(lambda: len(told) == 2)
    writer.close()

    assert numbers(tmp_path) == list(range(10))
    assert writer.dropped == 0
    assert told[1] == "records: written again; 0 were dropped"


def test_half_a_line_is_taken_back_from_a_full_disk(tmp_path: Path, disk: Disk) -> None:
    writer = opened(tmp_path, flush=0.001, told=(told := list[str]()))
    writer.append(b'{"n":0}\n')
    until(lambda: sum(one.size for one in segments(tmp_path)) > 0)
    disk.full.set()
    writer.append(b'{"n":1,"long":"%s"}\n' % (b"x" * 100))
    until(lambda: bool(told))
    writer.close()

    assert numbers(tmp_path) == [0]
    assert writer.dropped == 1


def test_a_segment_that_somebody_deleted_is_begun_again(tmp_path: Path) -> None:
    writer = opened(tmp_path, flush=0.001)
    writer.append(b'{"n":0}\n')
    until(lambda: bool(segments(tmp_path)) and segments(tmp_path)[0].size > 0)
    segments(tmp_path)[0].path.unlink()
    writer.append(b'{"n":1}\n')
    writer.close()

    assert numbers(tmp_path) == [1]


def test_what_comes_after_closing_is_counted_as_dropped(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.close()
    writer.append(b"late\n")
    writer.append_later(lambda: b"later\n", 6)

    assert writer.dropped == 2


def test_what_one_writer_holds_another_does_not_touch(tmp_path: Path) -> None:
    writers = [Writer(Keeping(tmp_path), Clock(wall=lambda: NOON), print) for _ in range(2)]
    for line in numbered(100):
        for writer in writers:
            writer.append(line)
    for writer in writers:
        writer.close()

    assert len(segments(tmp_path)) == 2
    assert sorted(numbers(tmp_path)) == sorted([*range(100), *range(100)])


def until(true: Any) -> None:
    """Wait for the writing thread; a minute is forever."""
    patience = Event()
    for _ in range(60_000):
        if true():
            return
        patience.wait(0.001)
    raise AssertionError("it never came true")


_ENDLESS = """
import sys
from pathlib import Path
from router.clock import SYSTEM
from router.records.writer import Keeping, Writer
writer = Writer(Keeping(Path(sys.argv[1]), segment=100_000, flush=0.01), SYSTEM, print)
for number in range(10**9):
    writer.append(b'{"time":%d,"n":%d,"padding":"%s"}\\n' % (number, number, b"x" * 200))
    if number == 5_000:
        while sum(path.stat().st_size for path in Path(sys.argv[1]).rglob("*.jsonl")) < 50_000:
            pass  # until the other thread has had its turn
        print("written", flush=True)
"""


def test_a_process_that_is_killed_leaves_whole_lines_in_order_and_at_most_one_torn(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _ENDLESS, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()

    tally = Tally()
    found = [record["n"] for record in read(tmp_path, tally)]
    assert found == list(range(len(found)))
    assert len(found) > 100
    assert (tally.torn <= 1, tally.bad) == (True, 0)
