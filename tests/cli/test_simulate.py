"""`smallfirst simulate`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from router.simulation import scenarios
from tests.cli.calling import Called

Smallfirst = Callable[..., Called]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stories of a few windows."""
    told = {name: replace(each, calm=8, windows=6) for name, each in scenarios.SCENARIOS.items()}
    monkeypatch.setattr(scenarios, "SCENARIOS", told)


def test_every_story_is_told_in_words(smallfirst: Smallfirst) -> None:
    called = smallfirst("simulate", "--seeds", "1")
    assert called.code == 0
    assert [line.split(":")[0] for line in called.out.splitlines() if line[:1].strip()] == list(scenarios.SCENARIOS)


def test_one_story_as_json_and_as_a_picture(smallfirst: Smallfirst, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    called = smallfirst("simulate", "--scenario", "degraded", "--seeds", "2", "--json", "--plot", str(out))
    (found,) = called.document["scenarios"]
    assert (found["scenario"], found["runs"], found["windows"]) == ("degraded", 2, 14)
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_story_nobody_knows_is_refused(smallfirst: Smallfirst) -> None:
    called = smallfirst("simulate", "--scenario", "degradde")
    assert called.code == 2
    assert "no story 'degradde'; there are stationary" in called.err


def test_a_picture_that_cannot_be_written_is_told(smallfirst: Smallfirst, tmp_path: Path) -> None:
    called = smallfirst("simulate", "--scenario", "price", "--seeds", "1", "--plot", str(tmp_path / "no" / "out.png"))
    assert called.code == 2
    assert "--plot" in called.err
