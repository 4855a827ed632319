"""What operators hear, and dashboards show."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from router.control import Aim, Judgement, Move
from router.loop import Grafana, Remote, Telling
from router.metrics import Metrics
from router.thresholds import Change
from tests.loop.scene import steered
from tests.loop.test_remote import page, serving

ROUTE = steered().routes["auto"]
KEPT = Judgement(
    None,
    "4,000 judged answers prove nothing above it",
    (Aim("quality", 0.9, 0.93, violated=False),),
    {"labels": 4_000.0},
)
MOVED = Judgement(
    Move(0.3, 0.35, "cheaper", "0.3 → 0.35"),
    "0.3 → 0.35",
    KEPT.aims,
    {"labels": 4_000.0, "proven": 0.4},
    {"novelty": 0.01},
    ("answers became worse",),
)


def telling(grafana: Grafana | None = None) -> tuple[Telling, Metrics, list[str], list[Mapping[str, Any]]]:
    said: list[str] = []
    records: list[Mapping[str, Any]] = []
    metrics = Metrics()
    return Telling(metrics.control, said.append, record=records.append, grafana=grafana), metrics, said, records


def shown(metrics: Metrics, name: str) -> list[float]:
    return [value for _, _, value in metrics.samples({name})]


def test_a_move_is_a_metric_a_line_and_a_record_with_its_numbers() -> None:
    told, metrics, said, records = telling()
    told.judged(ROUTE, MOVED, "moved", 5.0)
    assert said == ["control auto: answers became worse", "control auto: 0.3 → 0.35"]
    assert shown(metrics, "router_objective_measured") == [0.93]
    assert shown(metrics, "router_threshold_proven") == [0.4]
    assert shown(metrics, "router_drift") == [0.01]
    (record,) = records
    assert (record["before"], record["after"], record["cause"], record["verdict"]) == (0.3, 0.35, "cheaper", "moved")
    assert record["objectives"]["quality"] == {"limit": 0.9, "measured": 0.93, "violated": False}


def test_the_same_reason_with_other_numbers_is_said_once() -> None:
    told, metrics, said, records = telling()
    told.judged(ROUTE, KEPT, "kept", 5.0)
    told.judged(
        ROUTE, Judgement(None, KEPT.told.replace("4,000", "5,123"), KEPT.aims, {"labels": 5_123.0}), "kept", 6.0
    )
    assert len(said) == 1
    assert shown(metrics, "router_control_windows_total") == [2]
    assert shown(metrics, "router_control_evidence") == [5_123.0]
    assert records == []


def test_what_could_not_be_measured_leaves_what_was_shown() -> None:
    told, metrics, _, _ = telling()
    told.judged(ROUTE, MOVED, "moved", 5.0)
    told.judged(ROUTE, Judgement(None, "a process restarted"), "unmeasured", 6.0)
    assert shown(metrics, "router_objective_measured") == [0.93]


@pytest.mark.parametrize(("verdict", "words"), [("proposed", "would move 0.3"), ("frozen", "frozen; would move 0.3")])
def test_what_was_not_done_is_said_as_such(verdict: Any, words: str) -> None:
    told, _, said, _ = telling()
    told.judged(ROUTE, MOVED, verdict, 5.0)
    assert words in said[-1]
    before = len(said)
    told.judged(ROUTE, replace(MOVED, alerts=()), verdict, 6.0)
    assert len(said) == before
    other = replace(MOVED, alerts=(), move=Move(0.3, 0.4, "cheaper", "0.3 → 0.4"), told="0.3 → 0.4")
    told.judged(ROUTE, other, verdict, 7.0)
    assert "0.3 → 0.4" in said[-1]


def test_an_operator_s_change_is_a_metric_a_line_and_a_record_too() -> None:
    told, metrics, said, records = telling()
    told.changed(ROUTE, Change(1.0, "tuned", 0.3, 0.5, "set"))
    told.changed(
        ROUTE, Change(2.0, "tuned", 0.5, 0.3, "rollback", "0.5000 → 0.3000 (rollback): takes back what was set")
    )
    assert said == [
        "control auto: 0.3000 → 0.5000 (set)",
        "control auto: 0.5000 → 0.3000 (rollback): takes back what was set",
    ]
    assert [(one["before"], one["after"], one["cause"], one["verdict"]) for one in records] == [
        (0.3, 0.5, "set", "moved"),
        (0.5, 0.3, "rollback", "moved"),
    ]
    counted = {labels["reason"]: value for _, labels, value in metrics.samples({"router_threshold_changes_total"})}
    assert counted == {"set": 1.0, "rollback": 1.0}


def test_a_new_state_names_what_it_drops_and_a_fault_is_said_once() -> None:
    told, metrics, said, records = telling()
    told.reset(ROUTE, [Change(1.0, "tuned", 0.3, 0.5, "set")], 9.0)
    told.fault("auto", "Prometheus is gone")
    told.fault("auto", "Prometheus is gone")
    declared = ROUTE.cascade[0].below
    assert said[0].endswith(f"begin anew with the policy's: tuned {declared:.4f}, no more 0.5000 (set)")
    assert said[1:] == ["control auto: Prometheus is gone; no threshold moves"]
    assert [(one["time"], one["before"], one["after"], one["cause"]) for one in records] == [
        (9.0, 0.5, declared, "reset")
    ]
    assert shown(metrics, "router_threshold_changes_total") == [1.0]


def test_freezing_is_said() -> None:
    told, _, said, _ = telling()
    told.frozen(ROUTE, frozen=True, at=1.0)
    told.frozen(ROUTE, frozen=False, at=2.0)
    assert said == [
        "control auto: frozen: nothing moves until `smallfirst thresholds unfreeze`",
        "control auto: not frozen any more",
    ]


async def test_changes_are_noted_on_dashboards() -> None:
    async with serving(page(b"{}")) as server:
        told, _, said, _ = telling(Grafana(Remote(server.url)))
        told.changed(ROUTE, Change(1.0, "tuned", 0.3, 0.35, "cheaper", "0.3 → 0.35"))
        await told.aclose()
    assert b'"tags":["smallfirst","auto","cheaper"]' in server.heard[0]
    assert said == []


async def test_a_grafana_that_is_gone_is_said_once_and_harms_nothing() -> None:
    told, _, said, _ = telling(Grafana(Remote("http://127.0.0.1:1")))
    for _ in range(2):
        told.changed(ROUTE, Change(1.0, "tuned", 0.3, 0.35, "cheaper", "0.3 → 0.35"))
        await asyncio.gather(*told._writing)
    await told.aclose()
    assert len(said) == 1
    assert "moves are not noted on dashboards" in said[0]


def test_who_leads_no_more_shows_nothing_more() -> None:
    told, metrics, _, _ = telling()
    told.leads(leads=True)
    told.judged(ROUTE, MOVED, "moved", 5.0)
    told.leads(leads=False)
    assert shown(metrics, "router_control_leads") == [0.0]
    assert shown(metrics, "router_objective_measured") == []
