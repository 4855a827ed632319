"""`smallfirst replay`."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calling import Called
from tests.hindsight.lines import recorded
from tests.hindsight.test_replay import world
from tests.records.made import NOON

Smallfirst = Callable[..., Called]


@pytest.fixture
def records(tmp_path: Path) -> Path:
    feedback = {"kind": "feedback", "time": NOON, "id": "r0", "source": "feedback", "score": 1.0}
    recorded(tmp_path / "records", [*world(1, 500, explores=0.0, graded=0.2), feedback])
    return tmp_path / "records"


def test_what_is_known_is_told_with_intervals_and_what_is_not_is_unknown(
    smallfirst: Smallfirst, policy: Path, records: Path
) -> None:
    told = smallfirst("replay", "--policy", str(policy), "--records", str(records))

    assert told.code == 0
    assert "tuned below 0.300" in told.out
    assert "unknown" in told.out
    assert "start at tuned" in told.out
    assert "start at tuned   no evidence" in told.out
    thresholds = [line.split()[0] for line in told.out.splitlines() if line.startswith("      0.")]
    assert len(thresholds) == len(set(thresholds)) > 15
    assert "quality was scored by: feedback 1, grader" in told.out
    assert "people who give feedback are no random sample" in told.out


def test_as_a_document_and_a_picture(smallfirst: Smallfirst, policy: Path, records: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    call = ("replay", "--policy", str(policy), "--records", str(records), "--json", "--plot", str(out))

    document = smallfirst(*call).document

    assert document["routes"]["auto"]["requests"] == 500
    assert out.exists()


def test_a_route_without_records_is_told(smallfirst: Smallfirst, policy: Path, records: Path) -> None:
    told = smallfirst("replay", "--policy", str(policy), "--records", str(records), "--route", "other")

    assert (told.code, told.out) == (2, "")
    assert "no recorded requests of route 'other'" in told.err


def test_a_picture_without_its_extra_says_what_to_install(
    smallfirst: Smallfirst, policy: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    told = smallfirst("replay", "--policy", str(policy), "--records", str(records), "--plot", "out.png")

    assert told.code == 2
    assert "pip install 'smallfirst[train]'" in told.err
