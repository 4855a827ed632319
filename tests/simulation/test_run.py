"""The closed loop."""

from dataclasses import replace

from router.simulation.run import best_share, run
from router.simulation.scenarios import SCENARIOS
from router.simulation.world import World

SHORT = replace(SCENARIOS["degraded"], calm=30, windows=20)


def test_a_seed_repeats_a_run() -> None:
    assert run(SHORT, 3).steps == run(SHORT, 3).steps
    assert run(SHORT, 3).steps != run(SHORT, 4).steps


def test_labels_that_come_late_come_all_the_same() -> None:
    late = run(replace(SHORT, delay=5), 0)
    assert [step.labels for step in late.steps[:5]] == [0.0] * 5
    assert late.steps[5].labels > 0
    assert len(late.changed) == 20


def test_more_labels_can_prove_more_and_never_more_than_is_true() -> None:
    few, many, all_of_them = (best_share(World(), 0.95, labels) for labels in (200.0, 20_000.0, float("inf")))
    assert few < many <= all_of_them < 1.0
    assert best_share(World(), 0.95, 0.0) == 0.0
    assert best_share(World(), 0.5) == 1.0
