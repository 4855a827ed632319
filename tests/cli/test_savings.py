"""`smallfirst savings`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calling import Called
from tests.hindsight.lines import answered, aside, recorded
from tests.plans import TWO_TIERS

Smallfirst = Callable[..., Called]


@pytest.fixture
def records(tmp_path: Path) -> Path:
    traffic = [answered(number, "tuned" if number % 2 else "frontier", 0.001) for number in range(60)]
    odd = [answered(60, cost=None), aside(1), aside(3, cost=None)]
    recorded(tmp_path / "records", traffic + odd)
    return tmp_path / "records"


def test_the_ledger_says_how_each_number_was_made(smallfirst: Smallfirst, policy: Path, records: Path) -> None:
    told = smallfirst("savings", "--policy", str(policy), "--records", str(records))

    assert told.code == 0
    assert "60 answered requests" in told.out
    assert "the last tier alone would have cost" in told.out
    assert "− shadows" in told.out
    assert "net saved" in told.out
    assert "95% [" in told.out
    assert "1 have an unknown price or unknown tokens and stand on neither side" in told.out
    assert "1 shadows or judges have an unknown cost" in told.out
    assert "the served answer's own length" in told.out


def test_as_a_document(smallfirst: Smallfirst, policy: Path, records: Path) -> None:
    call = ("savings", "--policy", str(policy), "--records", str(records), "--json", "--confidence", "0.9")

    document = smallfirst(*call).document

    assert document["confidence"] == 0.9
    assert document["routes"]["auto"]["answered"] == 60


def test_a_policy_that_keeps_records_says_where(smallfirst: Smallfirst, policy: Path, records: Path) -> None:
    policy.write_text(TWO_TIERS + "records: {path: records}\n")

    assert records.is_dir()
    assert smallfirst("savings", "--policy", str(policy)).code == 0


def test_a_host_and_a_price_nobody_knows_are_told(smallfirst: Smallfirst, policy: Path, records: Path) -> None:
    hosted = TWO_TIERS.replace("price: {input: 1, output: 1}", "price: {per_hour: 3600}")
    policy.write_text(hosted.replace("price: {input: 10, output: 10}", "labels: {}"))

    told = smallfirst("savings", "--policy", str(policy), "--records", str(records))

    assert "small: 0.0 hours, 61.00 USD" in told.out
    assert "nobody knows the price of 'frontier'" in told.out


@pytest.mark.parametrize("wrong", ["no records", "no policy", "no folder", "nothing"])
def test_what_is_missing_is_told(smallfirst: Smallfirst, policy: Path, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "empty").mkdir()
    call = {
        "no records": ("--policy", str(policy)),
        "no policy": ("--policy", str(tmp_path / "none.yaml")),
        "no folder": ("--policy", str(policy), "--records", str(tmp_path / "none")),
        "nothing": ("--policy", str(policy), "--records", str(tmp_path / "empty")),
    }[wrong]

    told = smallfirst("savings", *call)

    assert (told.code, told.out) == (2, "")
