"""A judge is believed as far as it agrees with people."""

from collections.abc import Sequence
from math import isclose
from typing import Any

import pytest

from router.records.agreement import Agreement, agreement, wilson
from router.records.facts import Fact


def compared(pairs: Sequence[tuple[float, float]], **more: Any) -> Agreement:
    facts = {str(n): [Fact("judge", j, "tuned", **more), Fact("feedback", p)] for n, (j, p) in enumerate(pairs)}
    records = [{"kind": "outcome", "id": str(n), "route": "auto", "tier": "tuned"} for n in range(len(pairs) + 3)]
    return agreement(records, facts)["auto"]


def test_shares_and_chance() -> None:
    found = compared([(1, 1)] * 6 + [(0, 0)] * 2 + [(0.9, 0.1)] + [(0.2, 0.8)])

    assert (found.n, found.agreed, found.judge_kinder, found.judge_stricter) == (10, 0.8, 1, 1)
    assert found.kappa is not None
    assert isclose(found.kappa, (0.8 - (0.7 * 0.7 + 0.3 * 0.3)) / (1 - 0.58))
    assert found.low < 0.8 < found.high


def test_one_who_always_says_yes_agrees_by_chance_alone() -> None:
    assert compared([(1, 1)] * 9 + [(1, 0)]).kappa == pytest.approx(0)
    assert compared([(1, 1)] * 10).kappa is None


def test_only_what_both_have_spoken_of_as_quality_is_compared() -> None:
    found = compared([(1, 1)] * 5, measure="agreement")

    assert (found.n, found.agreed, found.low, found.high) == (0, None, 0.0, 1.0)


def test_wilson_knows_that_ten_of_ten_is_not_everything() -> None:
    low, high = wilson(10, 10)

    assert (round(low, 3), round(high, 6)) == (0.722, 1.0)
    assert wilson(0, 0) == (0.0, 1.0)
