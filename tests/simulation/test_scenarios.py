"""The stories: what control promises in each of them, in a few worlds. `smallfirst simulate --full` has the many."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from router.simulation.report import report
from router.simulation.run import run
from router.simulation.scenarios import SCENARIOS

pytestmark = pytest.mark.slow
LONG = {"stationary", "weekly", "sparse", "degrading", "slightly", "harder-slowly"}
"""Stories of many windows: one world each is enough here."""


@cache
def told(name: str) -> dict[str, Any]:
    return report(name, [run(SCENARIOS[name], seed) for seed in range(1 if name in LONG else 2)])


def test_every_story_keeps_its_traffic() -> None:
    for scenario in SCENARIOS.values():
        assert scenario.after(scenario.world, 5 * 96 + 3).mix.sum() == pytest.approx(1.0)
        assert min(scenario.season(number) for number in range(700)) > 0
        assert np.all(scenario.after(scenario.world, 500).loss <= 1)


@pytest.mark.parametrize("name", ["stationary", "weekly", "outage", "cannot"])
def test_where_quality_does_not_change_the_threshold_only_rises(name: str) -> None:
    found = told(name)
    assert found["runs_with_a_false_move"] == 0
    assert found["reversals"]["max"] == 0
    assert set(found["causes"]) == {"cheaper"}
    assert found["share"]["final"]["min"] >= 0.9 * found["share"]["provable"]


WORSE = ["degraded", "harder-mix", "degrading", "harder-slowly", "slightly", "sparse", "late-labels"]


@pytest.mark.parametrize("name", WORSE)
def test_after_a_change_for_the_worse_objectives_hold_again(name: str) -> None:
    found = told(name)
    assert found["never_held_again"] == 0
    assert found["reversals"]["max"] <= 1
    assert found["runs_with_a_false_move"] <= found["rises_before_the_first_label"]
    assert found["share"]["final"]["median"] >= 0.9 * found["share"]["provable"]


@pytest.mark.parametrize("name", WORSE)
def test_nobody_with_the_same_labels_could_be_much_sooner(name: str) -> None:
    """Chance is in it: a world may take twice as long as one expects."""
    found = told(name)
    assert found["windows_until_it_holds"]["median"] <= 2 * found["oracle"]["windows"]["max"] + 5


@pytest.mark.parametrize(("name", "delay"), [("degraded", 0), ("harder-mix", 0), ("late-labels", 12)])
def test_with_some_hundred_pairs_in_a_window_ten_windows_are_enough(name: str, delay: int) -> None:
    assert told(name)["windows_until_it_holds"]["max"] <= 10 + delay


def test_a_model_that_became_the_dearer_one_is_left() -> None:
    found = told("price")
    assert found["share"]["final"]["max"] < 0.05
    assert found["reversals"]["max"] == 0


@pytest.mark.parametrize("name", ["slow", "saturated"])
def test_latency_is_held_and_nothing_flips_back_and_forth(name: str) -> None:
    found = told(name)
    assert found["never_held_again"] == 0
    assert found["reversals"]["max"] <= 1


def test_where_not_all_can_be_met_quality_is_and_the_rest_is_named() -> None:
    found = told("cannot")
    assert found["violated_at_the_end"] == ["cost_per_request_usd"]
    assert found["windows_below_the_floor"]["max"] == 0


@pytest.mark.parametrize("name", ["single", "biased-agreement"])
def test_weaker_evidence_is_used_and_proves_less(name: str) -> None:
    found = told(name)
    assert found["runs_with_a_false_move"] == 0
    assert found["share"]["final"]["max"] <= found["share"]["provable"] + 0.01
    assert found["share"]["final"]["median"] >= 0.9 * found["share"]["provable"]
