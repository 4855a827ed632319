"""The best that the evidence would allow."""

from dataclasses import replace

import numpy as np
import pytest

from router.simulation.oracle import best_share, oracle, seen
from router.simulation.scenarios import SCENARIOS
from router.simulation.world import World

SHORT = replace(SCENARIOS["degraded"], windows=40)


def test_more_labels_can_prove_more_and_never_more_than_is_true() -> None:
    still = SCENARIOS["stationary"]
    few, many, all_of_them = (best_share(still, World(), labels) for labels in (200.0, 20_000.0, float("inf")))
    assert few < many <= all_of_them < 1.0
    assert best_share(still, World(), 0.0) == 0.0
    assert best_share(SCENARIOS["slow"], World(speed=(2.5, 1.1))) < 0.2  # latency is an aim too
    assert best_share(still, World(price=(0.008, 0.006))) == 0.0


def test_agreement_can_prove_less_and_single_answers_nothing_new() -> None:
    world = World(agreement=0.02)
    assert np.all(seen(world).loss > world.loss)
    assert seen(World()).loss is World().loss or np.array_equal(seen(World()).loss, World().loss)
    agreed = SCENARIOS["biased-agreement"]
    assert best_share(agreed, seen(world), 50_000.0) < best_share(agreed, world, 50_000.0)
    single = SCENARIOS["single"]
    assert best_share(single, single.world, 50_000.0) == pytest.approx(single.share)


def test_it_takes_longer_the_smaller_the_change_and_the_later_the_labels() -> None:
    sudden, little = oracle(SHORT, 0.84), oracle(replace(SCENARIOS["slightly"], windows=120), 0.84)
    assert sudden.windows is not None
    assert little.windows is not None
    assert sudden.windows < little.windows
    assert sudden.labels < little.labels
    late = oracle(replace(SHORT, delay=10), 0.84)
    assert late.windows == sudden.windows + 10


def test_where_only_traffic_changes_answers_are_known_already() -> None:
    assert oracle(replace(SCENARIOS["harder-mix"], windows=10), 0.84).windows == 1


def test_it_has_nothing_to_do_where_the_floor_holds_and_never_ends_where_it_cannot() -> None:
    assert oracle(replace(SCENARIOS["stationary"], windows=5), 0.8).windows == 0
    blind = replace(SHORT, windows=5, delay=10)
    assert oracle(blind, 0.84).windows is None
