"""A world where the truth is known."""

import numpy as np
import pytest

from router.control import LAST, LOW
from router.simulation.world import EDGES, World


def drawn(world: World, share: float = 0.5, windows: int = 200) -> list[float]:
    draw = np.random.default_rng(1)
    seen = [world.window(share, 900.0, draw) for _ in range(windows)]
    requests = np.sum([each.requests for each in seen], axis=0)
    loss, gain = (sum(each.labels.sums(name).weighted.sum() for each in seen) for name in ("loss", "gain"))
    weight = sum(each.labels.sums("loss").weight.sum() for each in seen)
    cost = sum(each.cost.sum() for each in seen)
    return [float(requests[LOW].sum() / requests.sum()), float((gain - loss) / weight), float(cost / requests.sum())]


def test_what_is_drawn_is_what_is_true() -> None:
    world = World()
    share, apart, cost = drawn(world)
    assert share == pytest.approx(0.5, abs=0.01)
    assert apart == pytest.approx(float(world.mix @ (world.gain - world.loss)), abs=0.01)
    assert cost == pytest.approx(world.cost(0.5), rel=0.02)


def test_the_floor_holds_up_to_a_share_and_not_beyond() -> None:
    world = World()
    assert world.margin(0.0, 0.95) > 0
    assert world.margin(0.5, 0.95) > 0 > world.margin(1.0, 0.95)


def test_a_crowded_tier_is_slow() -> None:
    world = World(capacity=500.0)
    assert world.late(0.9, 2.0) > World().late(0.9, 2.0)
    seen = world.window(0.9, 900.0, np.random.default_rng(2))
    assert seen.slow[LOW, -1 - len(EDGES[EDGES > 2.0]) :].sum() > 0


def test_failures_spill_and_labels_may_be_lost_single_or_mere_agreement() -> None:
    draw = np.random.default_rng(3)
    assert World(down=1.0).window(0.5, 900.0, draw).spilled == pytest.approx(1_000, rel=0.2)
    assert not World(lost=1.0).window(0.5, 900.0, draw).labels.table.any()
    single = World(paired=False).window(0.5, 900.0, draw).labels
    assert single.sums("low").known[:5].all()
    assert single.sums("last").known[5:].all()
    assert not single.sums("loss").known.any()
    apart = World(agreement=0.1).window(0.5, 900.0, draw).labels
    assert apart.sums("disagreement").known.all()


def test_a_seed_repeats_a_world() -> None:
    first, again = (World().window(0.4, 900.0, np.random.default_rng(9)) for _ in range(2))
    assert (first.cost == again.cost).all()
    assert first.requests[LAST].sum() == again.requests[LAST].sum()
