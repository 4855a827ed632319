"""What runs come to, in figures and in words."""

from dataclasses import replace

from router.simulation.report import lines, report
from router.simulation.run import Run, Step
from router.simulation.scenarios import SCENARIOS

QUIET = Step(0.5, 0.01, 100.0, 0.5, "", 0.5, 0.01, (), alert=False, late=0.0)
BROKEN = replace(QUIET, margin=-0.01)
BACK = replace(BROKEN, cause="quality", after=0.4)
HIGHER = replace(QUIET, cause="cheaper", after=0.6, margin_after=-0.02)


def of(*steps: Step) -> Run:
    return Run(replace(SCENARIOS["degraded"], calm=1, windows=len(steps)), (QUIET, *steps))


def test_it_counts_until_objectives_hold_and_stay() -> None:
    found = report("degraded", [of(BROKEN, QUIET, BACK, QUIET, QUIET)])
    assert found["windows_until_it_holds"] == {"median": 3, "min": 3, "max": 3}
    assert found["labels_until_it_holds"]["median"] == 300.0
    assert found["never_held_again"] == 0
    assert "objectives hold again after 3 windows (3 to 3) and 300 labels" in lines(found)


def test_what_does_not_hold_at_the_end_never_held_again() -> None:
    found = report("degraded", [of(QUIET, replace(BROKEN, violated=("quality",)))])
    assert found["never_held_again"] == 1
    assert "not yet at the end: 1 of 1 runs" in lines(found)
    assert "missed at the end: quality" in lines(found)


def test_moves_that_break_the_floor_and_turns_are_counted() -> None:
    found = report("degraded", [of(HIGHER, BACK, HIGHER), of(QUIET)])
    assert (found["false_moves"], found["runs_with_a_false_move"]) == (2, 1)
    assert found["reversals"]["max"] == 2
    assert found["causes"] == {"cheaper": 2, "quality": 1}
