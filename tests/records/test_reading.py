"""What crashes leave is skipped and counted; the rest is read."""

from pathlib import Path

import pytest

from router.records import RecordsError, Tally, read
from router.records.segments import name_of
from tests.records.made import NOON

DAY = 86400.0


def made(folder: Path, text: str, now: float = NOON) -> Path:
    path = folder / name_of(now, "0a", 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_torn_last_line_is_skipped_and_counted(tmp_path: Path) -> None:
    made(tmp_path, '{"time":1,"n":1}\n{"time":2,"n":2}\n{"time":3,"n"')
    tally = Tally()

    assert [one["n"] for one in read(tmp_path, tally)] == [1, 2]
    assert (tally.lines, tally.torn, tally.bad) == (3, 1, 0)
    assert tally.places == ["date=2026-11-22/120000-0a-0.jsonl:3"]


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    made(tmp_path, '{"time":1,"n":1}')

    assert [one["n"] for one in read(tmp_path, Tally())] == [1]


@pytest.mark.parametrize("line", ["nonsense", "[]", "3", '{"n":1}', "\x00\x00", ""])
def test_what_is_no_record_is_skipped_and_counted(tmp_path: Path, line: str) -> None:
    made(tmp_path, line + '\n{"time":1,"n":1}\n')
    tally = Tally()

    assert [one["n"] for one in read(tmp_path, tally)] == [1]
    assert (tally.torn, tally.bad) == (0, 1)


def test_older_records_are_left_out_and_older_days_not_opened(tmp_path: Path) -> None:
    made(tmp_path, "unreadable", NOON - 3 * DAY)
    made(tmp_path, f'{{"time":{NOON - DAY},"n":1}}\n{{"time":{NOON},"n":2}}\n')
    tally = Tally()

    assert [one["n"] for one in read(tmp_path, tally, since=NOON - 60)] == [2]
    assert tally.bad == 0


def test_lines_nobody_wants_are_not_parsed(tmp_path: Path) -> None:
    made(tmp_path, '{"time":1,"id":"a"}\nnonsense\n{"time":2,"id":"b"}\n')
    tally = Tally()

    assert [one["id"] for one in read(tmp_path, tally, want=lambda line: b'"b"' in line)] == ["b"]
    assert (tally.lines, tally.bad) == (3, 0)


def test_one_file_can_be_read_alone(tmp_path: Path) -> None:
    path = made(tmp_path, '{"time":1,"n":1}\n')

    assert [one["n"] for one in read(path, Tally())] == [1]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="no such file or folder"):
        list(read(tmp_path / "none", Tally()))
