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
    assert found["rises_before_the_first_label"] == 0
    assert found["reversals"]["max"] == 2
    assert found["causes"] == {"cheaper": 2, "quality": 1}


def test_what_happens_before_a_label_can_tell_is_told_apart() -> None:
    late = Run(replace(SCENARIOS["degraded"], calm=1, windows=3, delay=1), (QUIET, HIGHER, BACK, HIGHER))
    found = report("late-labels", [late])
    assert found["rises_before_the_first_label"] == 1
    assert found["reversals"]["max"] == 1
    assert "rises before the first label 1" in lines(found)


def test_beside_it_stands_what_the_evidence_would_have_allowed() -> None:
    found = report("degraded", [of(BROKEN, QUIET, BACK, QUIET, QUIET)])
    assert found["oracle"]["windows"]["median"] <= 5
    assert "who knows when and how the world changed needs " in lines(found)
    assert found["share"]["of_provable"] == found["share"]["final"]["median"] / found["share"]["provable"]
    assert report("slow", [Run(replace(SCENARIOS["slow"], calm=1, windows=1), (QUIET, BROKEN))])["oracle"] is None
