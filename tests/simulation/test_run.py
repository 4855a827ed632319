"""The closed loop."""

from dataclasses import replace

from router.simulation.run import run
from router.simulation.scenarios import SCENARIOS

SHORT = replace(SCENARIOS["degraded"], calm=30, windows=20)


def test_a_seed_repeats_a_run() -> None:
    assert run(SHORT, 3).steps == run(SHORT, 3).steps
    assert run(SHORT, 3).steps != run(SHORT, 4).steps


def test_labels_that_come_late_come_all_the_same() -> None:
    late = run(replace(SHORT, delay=5), 0)
    assert [step.labels for step in late.steps[:5]] == [0.0] * 5
    assert late.steps[5].labels > 0
    assert len(late.changed) == 20
