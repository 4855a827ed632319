"""Files by day, as tools that read tables expect them, and gone when they are old enough."""

from pathlib import Path

from router.records.segments import day_of, name_of, next_day, segments, sweep
from tests.records.made import NOON

DAY = 86400.0


def made(folder: Path, now: float, number: int = 0) -> Path:
    path = folder / name_of(now, "0a", number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n")
    return path


def test_a_segment_is_named_after_its_day_its_time_and_its_writer(tmp_path: Path) -> None:
    assert name_of(NOON, "0a1b2c3d", 3) == "date=2026-11-22/120000-0a1b2c3d-3.jsonl"
    path = made(tmp_path, NOON)

    (found,) = segments(tmp_path)

    assert (found.path, found.day, found.size, found.writer) == (path, day_of(NOON), 3, "0a")


def test_segments_come_in_order_of_time(tmp_path: Path) -> None:
    late, early, middle = made(tmp_path, NOON + DAY), made(tmp_path, NOON), made(tmp_path, NOON + 60)

    assert [one.path for one in segments(tmp_path)] == [early, middle, late]


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    path = made(tmp_path, NOON - 90 * DAY)
    strangers = [path.with_name("notes.txt"), path.with_name("_SUCCESS"), tmp_path / "date=today" / "a.jsonl"]
    for stranger in strangers:
        stranger.parent.mkdir(exist_ok=True)
        stranger.write_text("mine")
    (tmp_path / "date=2026-13-45").mkdir()

    assert sweep(tmp_path, retention=DAY, now=NOON) == 1
    assert [stranger.exists() for stranger in strangers] == [True] * 3
    assert not path.exists()


def test_a_day_is_kept_until_its_last_line_is_old_enough(tmp_path: Path) -> None:
    old, edge = made(tmp_path, NOON - 31 * DAY), made(tmp_path, NOON - 30 * DAY)

    sweep(tmp_path, retention=30 * DAY, now=NOON)

    assert (old.parent.exists(), edge.exists()) == (False, True)


def test_a_folder_that_is_not_there_has_no_segments(tmp_path: Path) -> None:
    assert segments(tmp_path / "none") == []
    assert sweep(tmp_path / "none", retention=DAY, now=NOON) == 0


def test_a_day_ends_at_midnight_in_utc() -> None:
    assert next_day(NOON) - NOON == DAY / 2
