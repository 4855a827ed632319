"""Grades made elsewhere are written beside the records they are about."""

from pathlib import Path

import pytest

from router.clock import SYSTEM
from router.records import RecordsError
from router.records.grading import grades, write
from tests.records.made import kept, outcome, recorder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    taking = recorder(tmp_path / "kept")
    taking.outcome(outcome(0))
    taking.outcome(outcome(1))
    taking.close()
    return tmp_path / "kept"


def test_a_grade_knows_its_request(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "grades.jsonl"
    file.write_text('{"id": "req_0", "score": 1, "reference": 0}\n\n{"id": "req_9", "score": 0.5}\n')

    found, unknown = grades(file, folder)
    write(found, folder, SYSTEM)

    assert unknown == ["req_9"]
    (told,) = kept(folder, "feedback")
    assert (told["source"], told["score"], told["reference"]) == ("grader", 1.0, 0.0)
    assert (told["route"], told["start"], told["tier"], told["band"]) == ("auto", "tuned", "frontier", 2)


@pytest.mark.parametrize(
    "line",
    ["x", "[]", '{"score": 1}', '{"id": "a"}', '{"id": "a", "score": 2}', '{"id": "a", "score": 1, "source": "god"}'],
)
def test_a_line_that_is_no_grade_is_told_with_its_place(folder: Path, tmp_path: Path, line: str) -> None:
    file = tmp_path / "grades.jsonl"
    file.write_text(line)

    with pytest.raises(RecordsError, match=r"grades\.jsonl:1: each line is"):
        grades(file, folder)


def test_what_cannot_be_read_or_written_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="cannot be read"):
        grades(tmp_path / "none", folder)
    (tmp_path / "grades.jsonl").write_text('{"id": "req_0", "score": 1}')
    found, _ = grades(tmp_path / "grades.jsonl", folder)
    with pytest.raises(RecordsError, match="requests go on"):
        write(found, tmp_path / "grades.jsonl", SYSTEM)
