"""What another policy would have done, on recorded traffic for which the truth is known."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.hindsight.replay import replay
from router.plan import Plan
from router.records import RecordsError
from tests.hindsight.lines import answered, embedded, recorded
from tests.plans import TWO_TIERS, plan
from tests.records.made import NOON


def at(threshold: float, policy: str = TWO_TIERS) -> Plan:
    return plan(policy.replace("below: 0.3", f"below: {threshold}"))


def world(
    seed: int, n: int, *, explores: float = 0.2, shadows: float = 0.0, graded: float = 0.5
) -> Iterator[dict[str, Any]]:
    """Requests by difficulty d: the small tier is right with 1 - d, the large one always; small below 0.4."""
    draw = np.random.default_rng(seed)
    for number in range(n):
        d = float(draw.random())
        eager, explored = d < 0.4, bool(draw.random() < explores)
        small, p = eager or explored, 1.0 if eager else explores if explored else 1 - explores
        good = float(draw.random() < 1 - d)
        yield answered(
            number,
            "tuned" if small else "frontier",
            0.001 if small else 0.01,
            difficulty=d,
            difficulties={"tuned": d, "frontier": 0.0},
            band=int(d * 10),
            propensity=p,
            reason="easy" if eager else "explore" if explored else "hard",
            baseline=0.01,
            seconds=0.5 if small else 2.0,
        )
        told = {"time": NOON, "id": f"r{number}", "tier": "tuned"}
        if draw.random() < graded:
            yield {**told, "kind": "feedback", "source": "grader", "score": good if small else 1.0, "tier": None}
        if not small and draw.random() < shadows:
            judged = {"score": good, "reference": 1.0, "weight": 1 / (shadows * p), "measure": "quality"}
            yield {**told, "kind": "evidence", "source": "judge", "state": "s", **judged}


def played(folder: Path, threshold: float, **how: Any) -> dict[str, Any]:
    found: dict[str, Any] = replay(recorded(folder, world(1, 4_000, **how)), at(threshold))["routes"]["auto"]
    return found


def holds(measured: dict[str, Any], truth: float) -> bool:
    return bool(measured["low"] <= truth <= measured["high"])


def test_the_policy_that_was_recorded_gives_what_was_recorded(tmp_path: Path) -> None:
    found = played(tmp_path, 0.4, explores=0.0)

    assert found["replayed"] == found["recorded"]
    assert found["requests"] == 4_000
    assert found["recorded"]["cost_usd"]["value"] == pytest.approx(0.4 * 0.001 + 0.6 * 0.01, rel=0.05)


def test_embeddings_are_no_requests_of_the_route(tmp_path: Path) -> None:
    chats = list(world(1, 200))
    both = [*chats, *(embedded(number) for number in range(100))]

    told = [replay(recorded(tmp_path / name, lines), at(0.6)) for name, lines in (("a", chats), ("b", both))]

    assert told[0] == told[1]


@pytest.mark.parametrize("threshold", [0.2, 0.6])
def test_exploration_tells_what_another_threshold_would_have_done(tmp_path: Path, threshold: float) -> None:
    found = played(tmp_path, threshold)["replayed"]

    assert holds(found["cost_usd"], threshold * 0.001 + (1 - threshold) * 0.01)
    assert holds(found["quality"], 1 - threshold**2 / 2)
    assert found["starts"]["tuned"] == pytest.approx(threshold, abs=0.03)


def test_toward_the_last_tier_prices_stand_in_and_time_is_unknown(tmp_path: Path) -> None:
    found = played(tmp_path, 0.2, explores=0.0)["replayed"]

    assert found["cost_usd"]["priced"] == pytest.approx(0.2, abs=0.03)
    assert found["cost_usd"]["value"] == pytest.approx(0.2 * 0.001 + 0.8 * 0.01, rel=0.05)
    assert (found["escalation_rate"]["value"], found["escalation_rate"]["unknown"]) == (0.0, 0.0)
    assert found["seconds"]["value"] is None


def test_toward_the_small_tier_without_exploration_or_shadows_only_bounds_are_known(tmp_path: Path) -> None:
    found = played(tmp_path, 0.6, explores=0.0)["replayed"]

    assert found["cost_usd"]["value"] is None
    assert found["quality"]["value"] is None
    assert holds(found["quality"], 1 - 0.6**2 / 2)
    assert found["quality"]["unknown"] == pytest.approx(0.2, abs=0.03)


def test_shadows_tell_quality_without_exploration(tmp_path: Path) -> None:
    found = played(tmp_path, 0.6, explores=0.0, shadows=0.3)["replayed"]["quality"]

    assert found["unknown"] == 0.0
    assert holds(found, 1 - 0.6**2 / 2)
    assert found["high"] - found["low"] < 0.1


def test_agreement_is_told_apart_from_quality_and_is_whole_at_the_last_tier(tmp_path: Path) -> None:
    rows = list(world(1, 2_000, explores=0.0, graded=0.0))
    draw = np.random.default_rng(7)
    alike = [
        {
            "kind": "evidence",
            "time": NOON,
            "id": row["id"],
            "source": "shadow",
            "state": "s",
            "tier": "tuned",
            "score": float(draw.random() < 1 - row["difficulty"]),
            "measure": "agreement",
            "weight": 2.0,
        }
        for row in rows
        if draw.random() < 0.5
    ]

    found = replay(recorded(tmp_path, [*rows, *alike]), at(0.6))["routes"]["auto"]

    assert holds(found["replayed"]["agreement"], 1 - 0.6**2 / 2)
    assert found["replayed"]["quality"]["value"] is None
    assert found["sweep"][0]["agreement"]["value"] == 1.0


def test_the_sweep_goes_from_everything_last_to_everything_first(tmp_path: Path) -> None:
    sweep = played(tmp_path, 0.4)["sweep"]

    assert sweep[0]["starts"]["frontier"] == 1.0
    assert sweep[-1]["starts"]["tuned"] == 1.0
    shares = [point["starts"]["tuned"] for point in sweep]
    assert shares == sorted(shares)


def test_every_threshold_of_the_sweep_is_short_and_starts_other_requests(tmp_path: Path) -> None:
    said = [0.1137] * 40 + [0.11371] * 40 + [0.5] * 40
    ties = [
        answered(number, difficulties={"tuned": difficulty, "frontier": 0.0}, baseline=0.01)
        for number, difficulty in enumerate(said)
    ]

    sweep = replay(recorded(tmp_path, ties), at(0.3))["routes"]["auto"]["sweep"]

    assert [(point["threshold"], round(point["starts"]["tuned"], 3)) for point in sweep] == [
        (0.0, 0.0), (0.114, 0.667), (0.501, 1.0),
    ]  # fmt: skip


def test_no_threshold_of_the_sweep_is_above_what_a_policy_may_say(tmp_path: Path) -> None:
    rows = [answered(number, difficulties={"tuned": 1.0, "frontier": 0.0}, baseline=0.01) for number in range(20)]

    sweep = replay(recorded(tmp_path, rows), at(0.3))["routes"]["auto"]["sweep"]

    assert [point["threshold"] for point in sweep] == [0.0]


def test_what_something_else_decided_starts_where_it_did(tmp_path: Path) -> None:
    rows = [answered(number, "tuned", reason="rule:vip", baseline=0.01) for number in range(20)]

    found = replay(recorded(tmp_path, rows), at(0.0))["routes"]["auto"]

    assert found["replayed"]["starts"] == {"tuned": 1.0, "frontier": 0.0}


def test_what_is_novel_for_the_other_policy_starts_last(tmp_path: Path) -> None:
    rows = [answered(number, novelty=0.999 if number % 2 else 0.5, baseline=0.01) for number in range(40)]
    free = at(0.3)
    scoped = replace(free, routes={"auto": replace(free.routes["auto"], scope=0.99)})

    found = replay(recorded(tmp_path, rows), scoped)["routes"]["auto"]

    assert found["replayed"]["starts"] == {"tuned": 0.5, "frontier": 0.5}


def test_with_content_difficulty_is_estimated_anew(tmp_path: Path) -> None:
    content = {"request": {"messages": [{"role": "user", "content": "hi"}]}, "answer": None}
    rows = [answered(number, content=content, baseline=0.01) for number in range(20)]

    found = replay(recorded(tmp_path, rows), at(0.5, TWO_TIERS.replace("difficulty: 0.2", "difficulty: 0.7")))

    assert found["routes"]["auto"]["replayed"]["starts"] == {"tuned": 0.0, "frontier": 1.0}


def test_what_had_no_answer_or_another_cascade_is_left_out(tmp_path: Path) -> None:
    rows = [
        *(answered(number) for number in range(20)),
        answered(20, end="error"),
        answered(21, cache="hit"),
        answered(22, difficulties={"small": 0.1, "frontier": 0.0}),
        answered(23, start="other"),
        answered(24, route="elsewhere"),
        answered(25, cost=None, band=None, baseline=None),
    ]

    found = replay(recorded(tmp_path, rows), at(0.3), "auto")["routes"]["auto"]

    assert (found["requests"], found["left_out"]) == (21, 4)


def test_no_requests_are_told(tmp_path: Path) -> None:
    traffic = recorded(tmp_path, [answered(0)])

    with pytest.raises(RecordsError, match="of route 'other'"):
        replay(traffic, at(0.3), "other")
