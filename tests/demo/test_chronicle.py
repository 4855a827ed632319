"""What a run of the twins comes to."""

import pytest

from router.demo.chronicle import phases, score, side_of
from router.demo.run import Reading, Served
from router.demo.workload import Row
from tests.demo.chronicles import chronicle, rounds

ROW = Row("a", "maths", ({"role": "user", "content": "2 + 2?"},), {}, expected={"number": 4})


def served(text: str, tier: str = "tuned", **more: object) -> Served:
    headers = {"x-router-tier": tier, "x-router-cost-usd": "0.002"}
    return Served(ROW, stream=False, seconds=0.1, reading=Reading(text), headers=headers, **more)  # type: ignore[arg-type]


def test_what_a_client_read_is_graded_and_an_error_is_worth_nothing() -> None:
    assert [score(served("4")), score(served("5")), score(served("4", error="502: no"))] == [1.0, 0.0, 0.0]


def test_one_server_s_round_is_its_quality_its_share_and_its_cost() -> None:
    side = side_of([served("4"), served("4", "frontier"), served("3"), served("", error="502")], 0.17, "tuned")

    assert (side.quality, side.errors) == (0.5, 1)
    assert side.low == pytest.approx(2 / 3, abs=1e-6)
    assert (side.cost_usd, side.threshold) == (0.002, 0.17)


def test_of_what_is_broken_the_second_half_counts() -> None:
    figures = phases(rounds())

    assert list(figures) == ["healthy", "broken", "repaired"]
    assert figures["broken"].rounds == 2
    assert figures["broken"].quality == {"steered": 0.92, "fixed": 0.5}
    assert figures["broken"].threshold == 0.05
    assert figures["healthy"].cost_usd == {"steered": 0.0002, "fixed": 0.0002}


def test_what_is_promised_is_a_share_of_the_large_model_s_quality() -> None:
    assert chronicle().promised == pytest.approx(0.95 * 0.947)
