"""What control reads and says, as metrics."""

from dataclasses import replace
from typing import get_args

from router.control.ground import Cause
from router.control_metrics import _REASONS, _VERDICTS
from router.loop.telling import Verdict
from router.meters import METRICS
from router.metrics import Metrics
from router.outcome import Evidence
from tests.plans import TWO_TIERS, plan
from tests.test_metrics import value

STEERED = TWO_TIERS.replace("difficulty: 0.2", "objectives: {quality: {min: 0.9}}")


def judged(*evidence: Evidence, policy: str = STEERED) -> Metrics:
    metrics, made = Metrics(), plan(policy)
    metrics.serve(made, lambda _: True)
    for one in evidence:
        metrics.control.judged(replace(one, state=one.state or made.routes["auto"].state))
    return metrics


PAIR = Evidence("id", "auto", "", 3, "tuned", score=0.25, reference=1.0, source="shadow", weight=5.0)


def test_an_answer_that_its_checks_refuse_loses_nothing() -> None:
    metrics = judged(replace(PAIR, passed=False), replace(PAIR, passed=False, measure="agreement"))
    assert value(metrics, "router_quality_weighted_total", measure="loss") == 0
    assert value(metrics, "router_quality_weighted_total", measure="disagreement") == 0
    assert value(metrics, "router_quality_weight_total", measure="loss") == 5
    assert value(metrics, "router_quality_weighted_total", start="tuned", measure="quality") == 5


def test_a_pair_says_how_good_each_was_and_what_was_lost() -> None:
    metrics = judged(PAIR)
    sums = ("weight", "weight_sq", "weighted", "weighted_sq")
    found = {
        measure: [value(metrics, f"router_quality_{each}_total", start=start, measure=measure) for each in sums]
        for start, measure in (("tuned", "quality"), ("tuned", "loss"), ("tuned", "gain"))
    }
    assert found == {"quality": [5, 25, 1.25, 1.5625], "loss": [5, 25, 3.75, 14.0625], "gain": [5, 25, 0, 0]}
    assert value(metrics, "router_quality_weighted_total", start="frontier", measure="quality", band="3") == 5


def test_agreement_is_kept_apart_from_quality() -> None:
    metrics = judged(replace(PAIR, measure="agreement", reference=None))
    assert value(metrics, "router_quality_weighted_total", measure="disagreement") == 3.75
    assert value(metrics, "router_quality_weight_total", measure="quality") == 0


def test_evidence_about_another_state_or_no_band_says_nothing_here() -> None:
    metrics = judged(replace(PAIR, state="before"), replace(PAIR, band=None), replace(PAIR, route="gone"))
    assert value(metrics, "router_quality_weight_total") == 0


def test_what_control_reads_begins_at_nothing() -> None:
    metrics = judged()
    names = metrics.samples({"router_quality_weight_total"})
    assert len(names) == 40
    assert not any(number for _, _, number in names)
    assert not judged(policy=TWO_TIERS).samples({"router_quality_weight_total"})


def test_what_control_knows_is_shown_until_another_replica_leads() -> None:
    metrics = Metrics()
    metrics.control.leads(leads=True)
    metrics.control.shows("auto", {("router_objective", "quality"): 0.95, ("router_drift", "novelty"): 0.01})
    metrics.control.shows("auto", {("router_drift", "novelty"): None})
    metrics.control.window("auto", "kept")
    metrics.control.changed("auto", "cheaper")
    assert value(metrics, "router_objective", objective="quality") == 0.95
    assert not metrics.samples({"router_drift"})
    assert value(metrics, "router_control_windows_total", verdict="kept") == 1
    assert value(metrics, "router_threshold_changes_total", reason="cheaper") == 1
    metrics.control.ends()
    assert not metrics.samples({"router_objective"})


def test_every_reason_and_every_verdict_begins_at_nothing() -> None:
    """So that the first move is an increase, which dashboards mark."""
    verdicts = set(get_args(Verdict))
    reasons = {*get_args(Cause), "set", "rollback", "reset"}

    assert set(_VERDICTS) == verdicts
    assert set(_REASONS) == reasons
    told = {metric.name: metric.help for metric in METRICS}
    assert [word for word in verdicts if word not in told["router_control_windows_total"]] == []
    assert [word for word in reasons if word not in told["router_threshold_changes_total"]] == []


def test_what_came_of_starting_low_counts_there_whoever_answered_in_the_end() -> None:
    metrics = judged(Evidence("id", "auto", "", 3, "frontier", score=0.5, start="tuned"))
    assert value(metrics, "router_quality_weighted_total", start="tuned", measure="quality") == 0.5
    assert value(metrics, "router_quality_weight_total", start="frontier", measure="quality") == 0


def test_a_new_policy_keeps_what_still_applies() -> None:
    metrics, before = Metrics(), plan(STEERED)
    metrics.serve(before, lambda _: True)
    known = {
        ("router_objective", "quality"): 0.95,
        ("router_threshold_proven",): 0.2,
        ("router_drift", "novelty"): None,
    }
    metrics.control.shows("auto", known)
    dearer = plan(STEERED.replace("base_url: http://127.0.0.1:1", "base_url: http://127.0.0.1:2"))
    assert dearer.routes["auto"].state == before.routes["auto"].state
    metrics.serve(dearer, lambda _: True)
    assert value(metrics, "router_objective", objective="quality") == 0.95
    assert value(metrics, "router_threshold_proven", route="auto") == 0.2
    assert not metrics.samples({"router_drift"})
    metrics.serve(
        plan(STEERED.replace("min: 0.9", "min: 0.8")), lambda _: True
    )  # another promise: nothing is known of it
    assert not metrics.samples({"router_objective", "router_threshold_proven"})
    metrics.control.shows("auto", known)
    metrics.serve(plan(TWO_TIERS), lambda _: True)  # it is not steered any more
    assert not metrics.samples({"router_objective"})
