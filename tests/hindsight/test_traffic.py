"""Recorded requests, with what was learned later."""

from pathlib import Path

from tests.hindsight.lines import answered, aside, recorded
from tests.records.made import NOON


def test_requests_and_what_came_later_are_told_apart(tmp_path: Path) -> None:
    feedback = {"kind": "feedback", "time": NOON, "id": "r0", "source": "feedback", "score": 1.0}
    plans = [{"kind": "plan", "time": NOON + late, "per_hour": {}} for late in (5, 0)]
    traffic = recorded(tmp_path, [answered(0), aside(0), feedback, *plans, {"kind": "move", "time": NOON}])

    assert [record["id"] for record in traffic.outcomes()] == ["r0"]
    assert traffic.tally.lines == 6
    later = traffic.later()
    assert [fact.score for fact in later.facts["r0"]] == [1.0]
    assert len(later.asides) == 1
    assert [plan["time"] for plan in later.plans] == [NOON, NOON + 5]
