"""What an estimate says."""

import pytest

from router import signals
from router.chat import ChatRequest
from router.difficulty.estimate import band_of, constant, losses

REQUEST = ChatRequest({"messages": [{"role": "user", "content": "hi"}]}, model="auto")


def test_a_constant_is_the_same_for_every_tier_but_the_last() -> None:
    estimate = constant(0.5, 3)(REQUEST, signals.read(REQUEST))
    assert estimate.difficulty == (0.5, 0.5, 0.0)
    assert estimate.p_good == (0.5, 0.5, 1.0)
    assert (estimate.band, estimate.novelty) == (5, None)


def test_one_tier_is_never_difficult() -> None:
    assert constant(0.5, 1)(REQUEST, signals.read(REQUEST)).difficulty == (0.0,)


def test_what_nobody_can_answer_is_not_difficult() -> None:
    assert losses((0.1, 0.1)) == (0.0, 0.0)
    assert losses((0.9, 0.8)) == (0.0, 0.0)
    assert losses((0.2, 0.5, 0.9)) == pytest.approx((0.7, 0.4, 0.0))


def test_bands_lie_between_the_edges() -> None:
    edges = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert [band_of(value, edges) for value in (0.0, 0.05, 0.1, 0.95, 1.0)] == [0, 0, 1, 9, 9]
