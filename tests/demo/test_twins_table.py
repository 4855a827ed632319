"""A run of the twins, told."""

import io

from rich.console import Console

from router.demo.twins_table import line, print_chronicle
from tests.demo.chronicles import chronicle, rounds, side


def printed(**changed: object) -> str:
    console = Console(file=io.StringIO(), width=160)
    print_chronicle(chronicle(**changed), console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_a_round_is_a_line_with_both_qualities() -> None:
    told = line(rounds()[4])

    assert told.startswith("  5   10.0 s  broken    threshold 0.050  quality 0.920 ██")
    assert "fixed 0.500 ████████████░░░░░░░░░░░░" in told


def test_a_move_is_told_with_its_labels() -> None:
    moved, back = chronicle().moves

    assert "threshold 0.1700 → 0.0500 (quality, on 312 judged answers): 50% → 10% start low" in line(moved)
    assert "(rollback, by hand)" in line(back)


def test_the_claim_stands_there_with_its_numbers() -> None:
    told = printed()

    assert "1050 requests to each, 0 errors" in told
    assert "it held: 97.1% after 1 move on 312 judged answers" in told
    assert "with a fixed threshold it was 52.8%" in told
    assert "`thresholds rollback` took 1 back" in told


def test_a_promise_that_was_not_kept_is_not_said_to_be() -> None:
    assert "it did not hold" in printed(floor=0.99)


def test_a_run_that_broke_nothing_claims_nothing() -> None:
    assert "Promised" not in printed(phases={})


def test_an_unknown_price_is_told_as_such() -> None:
    figures = chronicle().phases["healthy"]
    assert side(1.0).cost_usd is not None
    unknown = {"healthy": type(figures)(1, figures.quality, figures.low, {"steered": None, "fixed": None}, 0.1)}

    assert "unknown" in printed(phases=unknown)
