"""The outcome, counted: where it goes, and what can never make a series."""

import re
from dataclasses import replace

import pytest

from router.consider import Caller
from router.meters import SHED
from router.metrics import Metrics
from router.outcome import Aside, Outcome
from router.plan import Plan
from tests.canned import Canned, answer, house
from tests.plans import TWO_TIERS, asked, plan
from tests.test_outcome import DOWN, GOOD, LAST_DOWN, OPEN, SERVED
from tests.test_pipeline import ended


def value(metrics: Metrics, name: str, **labels: str) -> float:
    samples = [sample for metric in metrics.registry.collect() for sample in metric.samples]
    return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())


def after(*outcomes: Outcome) -> Metrics:
    metrics = Metrics()
    for outcome in outcomes:
        metrics.record(outcome)
    return metrics


def test_a_request_is_counted_with_where_it_began_and_ended() -> None:
    metrics = after(SERVED, SERVED)
    assert value(metrics, "router_requests_total", route="auto", start="tuned", tier="frontier", band="2") == 2
    assert value(metrics, "router_requests_total", outcome="ok") == 2
    assert value(metrics, "router_request_seconds_sum", route="auto", start="tuned") == 3.0
    assert value(metrics, "router_overhead_seconds_sum") == 0.001
    assert value(metrics, "router_difficulty_sum", route="auto") == 0.5


def test_what_was_too_novel_is_counted() -> None:
    assert SERVED.decision is not None
    novel = replace(SERVED, decision=replace(SERVED.decision, reason="novel", novelty=1.0))
    metrics = after(SERVED, novel, novel)
    assert value(metrics, "router_novel_total", route="auto") == 2


def test_an_escalation_is_no_fallback_and_a_fallback_no_escalation() -> None:
    metrics = after(SERVED)
    assert value(metrics, "router_escalations_total", from_tier="tuned", reason="truncated", band="2") == 1
    assert value(metrics, "router_fallbacks_total") == 0
    metrics = after(replace(SERVED, attempts=(DOWN, OPEN, GOOD)))
    assert value(metrics, "router_fallbacks_total", deployment="small", reason="status_503") == 1
    assert value(metrics, "router_fallbacks_total", deployment="small", reason="open") == 1
    assert value(metrics, "router_escalations_total") == 0


def test_an_error_s_tier_is_the_one_whose_error_it_is() -> None:
    metrics = after(replace(SERVED, attempts=(DOWN, LAST_DOWN, DOWN), speaker=1, end="error", status=429))
    assert value(metrics, "router_requests_total", tier="frontier", outcome="error") == 1


def test_dollars_go_where_they_were_spent() -> None:
    metrics = after(SERVED)
    assert value(metrics, "router_cost_usd_total", tier="tuned", kind="escalation") == 0.001
    assert value(metrics, "router_cost_usd_total", tier="frontier", kind="served", start="tuned") == 0.02
    assert value(metrics, "router_cost_unknown_total") == 0
    assert value(metrics, "router_tokens_total", tier="frontier", kind="output") == 30


def test_what_exploring_wasted_is_no_escalation_s_money() -> None:
    assert SERVED.decision is not None
    explored = replace(SERVED, decision=replace(SERVED.decision, reason="explore", propensity=0.02))
    metrics = after(explored)
    assert value(metrics, "router_cost_usd_total", tier="tuned", kind="explore") == 0.001
    assert value(metrics, "router_cost_usd_total", kind="escalation") == 0
    assert value(metrics, "router_cost_usd_total", tier="frontier", kind="served") == 0.02
    assert value(metrics, "router_escalations_total", from_tier="tuned") == 1


def test_a_call_aside_is_counted_with_its_cost_and_its_kind() -> None:
    aside = Aside("id", "auto", "tuned", 3, "shadow", "frontier", "big", "answered", cost=0.5)
    metrics = Metrics()
    for one in (aside, replace(aside, kind="judge", cost=None), replace(aside, result="budget", cost=None, band=None)):
        metrics.aside(one)
    metrics.escalation("auto", "rescued")
    assert value(metrics, "router_cost_usd_total", kind="shadow", tier="frontier", start="tuned", band="3") == 0.5
    assert value(metrics, "router_cost_unknown_total", deployment="big") == 1
    assert value(metrics, "router_shadows_total", route="auto", kind="shadow") == 2
    assert value(metrics, "router_escalation_results_total", route="auto", result="rescued") == 1
    assert value(metrics, "router_requests_total") == 0
    metrics.aside(replace(aside, kind="judge", cost=0.25))
    assert value(metrics, "router_cost_usd_total", kind="shadow") == 0.75  # what shadows cost, their judges included
    assert value(metrics, "router_cost_usd_total", kind="judge") == 0


def test_what_is_unknown_is_never_nothing() -> None:
    metrics = after(replace(SERVED, attempts=(replace(GOOD, cost=None, usage=None),)))
    assert value(metrics, "router_cost_unknown_total", deployment="big") == 1
    assert value(metrics, "router_cost_usd_total") == 0


def test_a_call_that_was_not_made_took_no_time() -> None:
    metrics = after(replace(SERVED, attempts=(OPEN, GOOD)))
    assert value(metrics, "gen_ai_client_operation_duration_seconds_count") == 1


def test_embeddings_are_another_operation_and_have_no_tokens_of_output() -> None:
    metrics = after(replace(SERVED, attempts=(GOOD,), operation="embeddings"))
    called = "gen_ai_client_operation_duration_seconds_count"
    assert [value(metrics, called, gen_ai_operation_name=one) for one in ("embeddings", "chat")] == [1, 0]
    usage = "gen_ai_client_token_usage_count"
    assert [value(metrics, usage, gen_ai_token_type=one) for one in ("input", "output")] == [1, 0]


def test_a_call_is_told_by_provider_model_and_deployment() -> None:
    metrics = Metrics()
    metrics.serve(plan(), lambda _: True)
    metrics.record(replace(SERVED, stream=True, attempts=(replace(GOOD, first=0.25), replace(DOWN, deployment="gone"))))
    model = plan().deployments["big"].model
    assert value(metrics, "gen_ai_client_operation_duration_seconds_count", gen_ai_request_model=model) == 1
    assert value(metrics, "gen_ai_client_operation_duration_seconds_count", deployment="gone") == 1
    labels = {"deployment": "big", "gen_ai_provider_name": "openai", "gen_ai_request_model": model}
    assert value(metrics, "gen_ai_client_operation_time_to_first_chunk_seconds_sum", **labels) == 0.25
    assert value(metrics, "gen_ai_client_token_usage_sum", gen_ai_token_type="input", **labels) == 10
    assert value(metrics, "gen_ai_client_token_usage_sum", gen_ai_token_type="output", **labels) == 30


def test_it_is_told_where_what_servers_share_is_kept() -> None:
    metrics = Metrics()

    metrics.store("memory")

    assert metrics.registry.get_sample_value("router_store", {"kind": "memory"}) == 1
    assert metrics.registry.get_sample_value("router_store", {"kind": "redis"}) is None


def test_lines_that_the_log_dropped_are_shown() -> None:
    metrics = Metrics()
    metrics.count_log(lambda: 7)
    assert value(metrics, "router_log_dropped_total") == 7


def test_the_process_is_told_of() -> None:
    told = b"".join(Metrics().parts()).decode()
    assert re.search(r"^process_resident_memory_bytes [1-9]", told, re.MULTILINE)
    assert re.search(r"^process_start_time_seconds [1-9]", told, re.MULTILINE)
    assert re.search(r"^process_cpu_seconds_total [0-9]", told, re.MULTILINE)


def test_only_streams_have_a_first_token() -> None:
    metrics = after(SERVED, replace(SERVED, stream=True), replace(SERVED, stream=True, first=None))
    assert value(metrics, "router_time_to_first_token_seconds_count") == 1
    assert value(metrics, "router_time_to_first_token_seconds_sum", tier="frontier") == 1.25


def test_who_joined_a_stream_that_broke_asked_nobody_and_is_counted() -> None:
    metrics = after(replace(SERVED, end="broken", attempts=(), stream=True))
    assert value(metrics, "router_overhead_seconds_count") == 1


def test_who_left_is_counted() -> None:
    assert value(after(replace(SERVED, end="left", status=499)), "router_client_disconnects_total") == 1


def test_when_a_tune_is_due_is_shown_while_it_is_in_the_plan() -> None:
    metrics = Metrics()
    tuned = TWO_TIERS.replace("    model: s\n", "    model: s\n    tune: {id: v3, refresh_due: 2027-05-01}\n")
    metrics.serve(plan(tuned), lambda _: True)
    assert value(metrics, "router_tune_due_seconds", deployment="small") == 1_809_216_000  # as the second of May begins
    metrics.serve(plan(), lambda _: True)
    assert metrics.registry.get_sample_value("router_tune_due_seconds", {"deployment": "small"}) is None


def test_a_plan_s_gauges_go_with_it() -> None:
    metrics, old = Metrics(lambda: 7), plan()
    new = plan(TWO_TIERS.replace("small", "tiny").replace("0.3}", "0.4}"))
    metrics.serve(old, {"small": True, "big": False}.__getitem__)
    assert value(metrics, "router_deployment_up", deployment="small") == 1
    assert value(metrics, "router_deployment_up", deployment="big") == 0
    assert value(metrics, "router_threshold", route="auto", tier="tuned") == 0.3
    metrics.serve(new, lambda _: True)
    assert value(metrics, "router_deployment_up", deployment="small") == 0
    assert value(metrics, "router_deployment_up") == 2
    assert value(metrics, "router_threshold", route="auto", tier="tuned") == 0.4
    assert value(metrics, "router_policy") == 1
    assert value(metrics, "router_policy", version=new.version) == 1
    assert value(metrics, "router_inflight") == 7


@pytest.mark.parametrize("result", ["ok", "refused"])
def test_a_reload_is_counted(result: str) -> None:
    metrics = Metrics()
    metrics.reloaded(result)
    assert value(metrics, "router_policy_reload_total", result=result) == 1


def test_prometheus_can_read_it() -> None:
    text = b"".join(after(SERVED).parts()).decode()
    assert 'router_requests_total{band="2",outcome="ok",route="auto",start="tuned",tier="frontier"} 1.0' in text
    assert "# TYPE router_requests_total counter" in text


def labels_of(policy: Plan) -> set[str]:
    """Every word that may stand in a label."""
    words = {name for names in (policy.routes, policy.tiers, policy.deployments) for name in names}
    words |= {deployment.model for deployment in policy.deployments.values()}
    words |= {"", "ok", "error", "refused", "chat", "openai", "served", "input", "output", "2", "off", *SHED}
    words |= {"set", "rollback", "reset"}
    return words | {policy.version}


async def test_what_clients_invent_makes_no_series() -> None:
    one = house(Canned(answer()))
    metrics = Metrics()
    metrics.serve(one.pipeline.plan, lambda _: True)

    async def send(number: int) -> None:
        name = f"x{number}"
        caller = Caller(headers={"user-agent": name, "x-router-session": name}, tenant=name)
        model = name if number % 2 else "auto"
        request = asked(name, model=model, user=name, metadata={name: name}, **{name: name})
        await ended(await one.pipeline.complete(request, caller))
        metrics.record(one.outcomes.pop())

    def series() -> int:
        return sum(len(metric.samples) for metric in metrics.registry.collect())

    await send(0)
    await send(1)
    before = series()
    for number in range(2, 10_000):
        await send(number)
    assert series() == before
    assert value(metrics, "router_requests_total") == 10_000
    values = {
        label
        for metric in metrics.registry.collect()
        for sample in metric.samples
        for name, label in sample.labels.items()
        if name != "le"
    }
    assert values <= labels_of(one.pipeline.plan)


def test_the_threshold_shown_is_the_one_in_force() -> None:
    metrics, made = Metrics(), plan(TWO_TIERS)
    held: dict[str, float] = {}
    metrics.serve(made, lambda _: True, lambda _route, _state: held)
    assert value(metrics, "router_threshold", route="auto", tier="tuned") == 0.3
    held["tuned"] = 0.45
    assert value(metrics, "router_threshold", route="auto", tier="tuned") == 0.45
