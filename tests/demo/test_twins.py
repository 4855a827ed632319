"""Two servers, one small model that breaks, and a threshold that retreats."""

import pytest

from router.demo.chronicle import Moved, Round
from router.demo.twins import twinned
from router.demo.workload import load

ROWS = load()


async def test_both_are_asked_the_same_and_only_one_of_them_may_move() -> None:
    told: list[Round | Moved] = []
    async with twinned(ROWS[:30]) as twins:
        chronicle = await twins.play(ROWS[:30], (("healthy", 1, 0.0), ("broken", 1, 0.0)), told.append)
    healthy, broken = chronicle.rounds

    assert (chronicle.requests, chronicle.errors, chronicle.floor) == (60, 0, 0.95)
    assert [one for one in told if isinstance(one, Round)] == [healthy, broken]
    assert healthy.steered == healthy.fixed
    assert broken.fixed.quality < healthy.fixed.quality
    assert broken.fixed.threshold == 0.17


@pytest.mark.slow
async def test_the_threshold_retreats_quality_holds_and_rollback_takes_it_back() -> None:
    """The product's claim, with the real loop; how long it takes depends on the machine, what comes of it does not."""
    async with twinned(ROWS) as twins:
        chronicle = await twins.play(ROWS, (("healthy", 4, 6.0), ("broken", 6, 18.0), ("repaired", 1, 0.0)))
    own = [moved for moved in chronicle.moves if moved.labels is not None]
    broken, repaired = chronicle.phases["broken"], chronicle.phases["repaired"]

    assert chronicle.errors == 0
    assert own
    assert all(moved.cause == "quality" and moved.after < moved.before for moved in own)
    assert all(moved.labels for moved in own)
    assert broken.quality["steered"] >= chronicle.promised > broken.quality["fixed"]
    assert {one.fixed.threshold for one in chronicle.rounds} == {0.17}
    assert [moved.cause for moved in chronicle.moves[len(own) :]] == ["rollback"] * len(own)
    assert repaired.threshold == 0.17
    assert repaired.quality["steered"] == repaired.quality["fixed"]
