"""One window after the other."""

from dataclasses import replace

import numpy as np
import pytest

from router.control import Aims, Labels, Window, judge, moved
from tests.control.stories import FLOOR, ground, pairs, start, window


def test_a_window_that_cannot_be_relied_on_adds_nothing() -> None:
    memory, found = judge(ground(), start(), Window.empty(900.0, 900.0, "a process restarted"), 0.3)
    assert found.move is None
    assert found.told == "a process restarted"
    assert memory.judged == 900.0
    assert not memory.mix.any()


def test_every_objective_is_shown_beside_what_was_measured() -> None:
    aims = Aims(floor=FLOOR, latency=2.0, cost=0.005, escalations=0.2)
    _, found = judge(ground(aims), start(), window(labels=pairs(500, loss=0.1)), 0.3)
    shown = {aim.name: aim.measured for aim in found.aims}
    assert shown["quality"] == pytest.approx((0.9 - 0.3 * 0.1) / 0.9)
    assert shown["latency_p95_seconds"] == pytest.approx(0.475)
    assert shown["escalation_rate"] == 0.0
    assert shown["cost_per_request_usd"] == pytest.approx(0.0073)
    assert [aim.limit for aim in found.aims] == [0.95, 2.0, 0.2, 0.005]
    assert [aim.name for aim in found.aims if aim.violated] == ["cost_per_request_usd"]
    assert found.numbers["labels"] == pytest.approx(5_000)


def test_nothing_measured_is_shown_as_nothing() -> None:
    _, found = judge(ground(Aims(floor=FLOOR, cost=0.1)), start(), window(0.0, prices=(0, 0)), 0.0)
    assert [(aim.measured, aim.violated) for aim in found.aims] == [(None, False), (None, False)]


def test_evidence_grows_old_by_halves() -> None:
    rule = ground()
    memory = start()
    half = rule.evidence / 2
    for number, until in enumerate((half, 2 * half, 3 * half), 1):
        memory, _ = judge(rule, memory, replace(window(labels=pairs(100, loss=0)), until=until), 0.3)
        assert memory.evidence.labels.pairs == pytest.approx({1: 1_000, 2: 1_000, 3: 1_000}[number])
    assert memory.evidence.since == 2 * half


def test_traffic_that_became_harder_resets_the_evidence_once_and_says_so() -> None:
    memory, _ = judge(ground(), start(), window(labels=pairs(100, loss=0.01)), 0.3)
    seen = window(labels=pairs(100, loss=0.01))
    hard = replace(seen, requests=seen.requests * np.array([0.1] * 5 + [2.0] * 5))
    memory, found = judge(ground(), memory, replace(hard, until=1_800.0), 0.3)
    assert found.alerts
    assert "other difficulties" in found.alerts[0]
    assert found.drift["difficulty"] > 0.25  # which is what the alert looks at
    assert memory.evidence.labels.pairs == 0
    memory, found = judge(ground(), memory, replace(hard, until=2_700.0), 0.3)
    assert not found.alerts
    assert memory.evidence.labels.pairs == pytest.approx(1_000)


def test_novel_traffic_resets_it_too() -> None:
    _, found = judge(ground(), start(), replace(window(), novel=200.0), 0.3)
    assert found.alerts
    assert "unlike" in found.alerts[0]


def test_a_broken_floor_begins_the_evidence_where_it_broke() -> None:
    rule = ground()
    memory, _ = judge(rule, start(), window(0.5, labels=pairs(3_000, loss=0.01)), 0.5)
    memory, found = judge(rule, memory, window(0.5, labels=pairs(100, loss=0.3), number=2), 0.5)
    assert found.alerts
    assert memory.evidence.labels.pairs == pytest.approx(1_000)
    assert memory.retreating
    assert found.move is not None


def test_drift_of_the_model_s_own_estimates_is_shown() -> None:
    _, found = judge(ground(), start(), window(labels=pairs(100, loss=0.6)), 0.3)
    assert found.drift["calibration"] == pytest.approx(0.6 - 0.495)
    assert found.drift["difficulty"] == pytest.approx(0.0, abs=0.01)
    assert found.drift["novelty"] == 0.0


def test_failures_leave_counts_of_missed_windows_as_they_were() -> None:
    slow = (np.array([0.0, 0, 0, 0, 1]), np.array([1.0, 0, 0, 0, 0]))
    rule = ground(Aims(floor=FLOOR, latency=2.0))
    memory, _ = judge(rule, start(), window(slow=slow), 0.3)
    again, _ = judge(rule, memory, replace(window(slow=slow, labels=Labels.none()), failed=500.0), 0.3)
    assert memory.late == again.late == 1


def test_in_a_retreat_plenty_of_evidence_is_old_evidence() -> None:
    """What broke the floor may still have been on its way when the evidence began."""
    rule, memory = ground(), start()
    memory, _ = judge(rule, memory, window(0.5, labels=pairs(3_000, loss=0.01)), 0.5)
    for number in range(2, 7):
        memory, _ = judge(rule, memory, window(0.5, labels=pairs(600, loss=0.3), number=number), 0.5)
    assert memory.retreating
    assert memory.evidence.since > 900.0
    assert memory.evidence.labels.pairs < 20_000


def harder(number: int) -> Window:
    """A window of traffic of which much more is hard, with nobody who judges."""
    seen = window(0.8, number=number)
    return replace(seen, requests=seen.requests * np.array([0.2] * 5 + [1.8] * 5))


def uneven() -> Labels:
    """Answers that are bad where it is hard: the floor holds at eight in ten for all traffic, not for hard traffic."""
    labels = pairs(3_000, loss=0.0)
    for sums in (2, 3):
        labels.table[0, sums, 5:] = 3_000 * 0.12
    return labels


def test_traffic_that_became_harder_needs_no_new_label_to_lower_the_threshold() -> None:
    rule = ground()
    memory, found = judge(rule, start(), window(0.8, labels=uneven(), each=1_000), 0.8)
    assert memory.refuge is None
    memory, found = judge(rule, memory, harder(2), 0.8)
    assert found.move is not None
    assert found.move.cause == "quality"
    assert "traffic became harder" in found.move.told
    assert [aim.name for aim in found.aims if aim.violated] == ["quality"]
    refuge = memory.refuge
    assert refuge is not None
    assert refuge <= found.move.after < 0.8
    memory = moved(rule, memory, found.move, 1_800.0)
    assert memory.ceiling == found.move.after  # or the next easy hour would take it up again
    memory, found = judge(rule, memory, harder(3), refuge)
    assert memory.refuge is None
    assert found.move is None


def test_answers_that_became_worse_are_no_matter_of_traffic() -> None:
    rule = ground()
    memory, _ = judge(rule, start(), window(0.5, labels=pairs(3_000, loss=0.3)), 0.5)
    assert memory.retreating
    assert memory.refuge is None


def test_a_model_that_expects_too_little_loss_resets_the_evidence_once_and_says_so() -> None:
    rule, memory = ground(), start()
    memory, found = judge(rule, memory, window(0.0, labels=pairs(100, loss=0.7)), 0.0)
    assert found.alerts == ("answers are worse than the difficulty model expects (0.20): evidence is collected anew",)
    assert memory.evidence.labels.pairs == 0
    for number in range(2, 6):
        memory, found = judge(rule, memory, window(0.0, labels=pairs(100, loss=0.7), number=number), 0.0)
        assert found.alerts == ()
    assert memory.drifts == ("calibration",)
    assert memory.evidence.labels.pairs == pytest.approx(4_000)
