"""What another threshold would come to."""

from dataclasses import replace

import numpy as np
import pytest

from router.control.forecast import forecast, percentile, rates, slower
from router.control.labels import BANDS
from tests.control.stories import EDGES, SCALE, window

MIX = np.full(BANDS, 0.1)
NOBODY = np.zeros((2, 2, BANDS))


def test_cost_follows_the_share_that_starts_low() -> None:
    seen = window(0.3)
    known = rates(seen, NOBODY, SCALE.split(0.3))
    below = np.stack([SCALE.split(each) for each in (0.0, 0.5, 0.3)])
    ahead = forecast(known, seen, MIX, below, None)
    assert ahead.share.tolist() == pytest.approx([0.0, 0.5, 0.3])
    assert ahead.cost.tolist() == pytest.approx([0.01, 0.0055, 0.0073])
    assert ahead.late.tolist() == [0, 0, 0]


def test_the_mix_of_seven_days_counts_and_not_a_quiet_window_s() -> None:
    seen = window(0.3)
    known = rates(seen, NOBODY, SCALE.split(0.3))
    hard = np.array([0.0] * 5 + [0.2] * 5)
    assert forecast(known, seen, hard, SCALE.split(0.3)[None, :], None).cost.tolist() == pytest.approx([0.01])


def test_a_start_that_was_not_seen_is_remembered_or_taken_to_be_cheaper() -> None:
    seen = window(0.0)
    assert rates(seen, NOBODY, SCALE.split(0.0)).cost[0].tolist() == pytest.approx([0.005] * BANDS)
    before = np.stack([np.stack([np.ones(BANDS)] * 2), np.stack([np.full(BANDS, 0.002)] * 2)])
    assert rates(seen, before, SCALE.split(0.0)).cost[0].tolist() == pytest.approx([0.002] * BANDS)
    all_low = window(1.1)
    assert rates(all_low, NOBODY, SCALE.split(1.1)).cost[1].tolist() == pytest.approx([0.002] * BANDS)


def test_what_rules_and_novelty_take_is_not_counted_on() -> None:
    seen = window(0.5)
    taken = replace(seen, requests=np.stack([seen.requests[0] / 2, seen.requests[1] + seen.requests[0] / 2]))
    known = rates(taken, NOBODY, SCALE.split(0.5))
    assert known.eligible == pytest.approx(0.5)
    assert forecast(known, taken, MIX, SCALE.split(1.1)[None, :], None).share.tolist() == pytest.approx([0.5])


def test_escalations_are_those_of_the_nearest_band_where_nobody_started_low() -> None:
    seen = replace(window(0.3), escalated=np.array([0, 10, 30, 0, 0, 0, 0, 0, 0, 0], dtype=float))
    known = rates(seen, NOBODY, SCALE.split(0.3))
    assert known.escalated.tolist() == pytest.approx([0.0, 0.1, *[0.3] * 8])


def test_latency_mixes_both_starts_and_stretches_them() -> None:
    first, last = np.array([0.0, 1.0, 0, 0, 0]), np.array([0.0, 0, 0, 1.0, 0])
    seen = window(0.5, slow=(first, last))
    known = rates(seen, NOBODY, SCALE.split(0.5))
    below = np.stack([SCALE.split(each) for each in (0.0, 0.8, 0.5)])
    assert forecast(known, seen, MIX, below, 2.0).late.tolist() == pytest.approx([1.0, 0.2, 0.5])
    slower_bands = replace(seen, waited=seen.waited * np.linspace(0.2, 4, BANDS))
    known = rates(slower_bands, NOBODY, SCALE.split(0.5))
    assert forecast(known, seen, MIX, below, 0.99).late[1] > 0.2


def test_a_histogram_is_read_on_straight_lines() -> None:
    counts = np.array([50.0, 50, 0, 0, 0])
    assert slower(counts, EDGES, np.array([0.5, 0.75, 1.0])).tolist() == pytest.approx([0.5, 0.25, 0.0])
    assert percentile(counts, EDGES) == pytest.approx(0.95)
    assert percentile(np.zeros(5), EDGES) is None
    assert slower(np.zeros(5), EDGES, np.array([1.0])).tolist() == [0.0]
