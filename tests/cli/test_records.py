"""`smallfirst records`."""

import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from router.outcome import Evidence
from router.records import Feedback, segments
from tests.cli.calling import Called
from tests.plans import TWO_TIERS, plan
from tests.records.made import outcome, recorder

Smallfirst = Callable[..., Called]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    taking = recorder(tmp_path / "kept", "full")
    taking.serve(plan())
    for number in range(20):
        taking.outcome(outcome(number))
        taking.evidence(Evidence(f"req_{number}", "auto", "s1", 2, "frontier", 1.0, source="judge"))
    taking.feedback(Feedback("req_3", 1.0))
    taking.feedback(Feedback("req_4", 0.0))
    taking.close()
    return tmp_path / "kept"


def test_ls_lists_days(smallfirst: Smallfirst, folder: Path) -> None:
    day = segments(folder)[0].day.isoformat()

    told = smallfirst("records", "ls", "--records", str(folder))
    document = smallfirst("records", "ls", "--records", str(folder), "--json").document

    assert told.out.startswith(day)
    assert "20 outcome" in told.out
    assert (document["days"][day]["lines"], document["days"][day]["feedback"]) == (44, 2)


def test_a_policy_says_where_they_are(smallfirst: Smallfirst, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(TWO_TIERS + "records: {path: kept}\n")
    (tmp_path / "none.yaml").write_text(TWO_TIERS)

    assert "20 outcome" in smallfirst("records", "ls", "--policy", str(tmp_path / "policy.yaml")).out
    assert "keeps no records" in smallfirst("records", "ls", "--policy", str(tmp_path / "none.yaml")).err
    assert smallfirst("records", "ls", "--policy", str(folder / "nowhere.yaml")).code == 2
    assert "--records" in smallfirst("records", "ls").err


def test_show_tells_everything_about_one_request(smallfirst: Smallfirst, folder: Path) -> None:
    told = smallfirst("records", "show", "req_3", "--records", str(folder))

    assert [orjson.loads(line)["kind"] for line in told.out.splitlines()] == ["outcome", "evidence", "feedback"]
    nobody = smallfirst("records", "show", "req_99", "--records", str(folder))
    assert (nobody.code, nobody.out) == (1, "")


def test_export_hands_them_on(smallfirst: Smallfirst, folder: Path, tmp_path: Path) -> None:
    with segments(folder)[0].path.open("ab") as file:
        file.write(b'{"kind"')

    out = tmp_path / "all.jsonl"
    told = smallfirst("records", "export", "--records", str(folder), "--out", str(out), "--since", "7d")
    data = smallfirst(
        "records", "export", "--records", str(folder), "--outcomes", "quality", "--out", str(tmp_path / "d.jsonl")
    )

    assert "1 torn and 0 bad lines were left out" in told.err
    assert out.read_bytes().count(b"\n") == 44
    assert "20 rows" in data.out


def test_parquet_without_its_extra_says_what_to_install(
    smallfirst: Smallfirst, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)

    told = smallfirst("records", "export", "--records", str(folder), "--parquet", "--out", str(tmp_path / "t"))

    assert told.code == 2
    assert "pip install 'smallfirst[records]'" in told.err


def test_compact_makes_one_file_of_a_day(smallfirst: Smallfirst, folder: Path) -> None:
    assert smallfirst("records", "compact", "--records", str(folder)).out == ""
    assert "1 files" in smallfirst("records", "compact", "--records", str(folder), "--today").out
    assert "20 outcome" in smallfirst("records", "ls", "--records", str(folder)).out


def test_agreement_compares_judges_with_people(smallfirst: Smallfirst, folder: Path) -> None:
    told = smallfirst("records", "agreement", "--records", str(folder))
    document = smallfirst("records", "agreement", "--records", str(folder), "--json").document

    assert told.out.startswith("auto: 50.0% [")
    assert (document["auto"]["n"], document["auto"]["judge_kinder"]) == (2, 1)


@pytest.mark.parametrize("since", ["yesterday", "-3d"])
def test_a_time_nobody_understands_is_refused(smallfirst: Smallfirst, folder: Path, since: str) -> None:
    told = smallfirst("records", "agreement", "--records", str(folder), f"--since={since}")

    assert told.code == 2
    assert "7d" in told.err


def test_a_folder_that_is_not_there_is_told(smallfirst: Smallfirst, tmp_path: Path) -> None:
    told = smallfirst("records", "show", "x", "--records", str(tmp_path / "none"))

    assert (told.code, "no such file or folder" in told.err) == (2, True)


def test_grades_made_elsewhere_are_added(smallfirst: Smallfirst, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "grades.jsonl").write_text('{"id": "req_5", "score": 1}\n{"id": "req_99", "score": 0}\n')

    told = smallfirst("records", "grade", "--file", str(tmp_path / "grades.jsonl"), "--records", str(folder))

    assert (told.code, told.out) == (1, "1 grades\n")
    assert "req_99" in told.err
    assert '"grader"' in smallfirst("records", "show", "req_5", "--records", str(folder)).out
