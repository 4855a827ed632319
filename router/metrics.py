"""The outcome, counted: a view of finished requests for Prometheus, and the only door to its client.

Label values come from the policy or from an enum, never from a request: what a client invents cannot grow a series.
Names follow OpenTelemetry's GenAI conventions where they have one.
"""

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from router.outcome import Attempt, Outcome
from router.plan import Plan

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256)
_OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1)
_TENTHS = tuple(edge / 10 for edge in range(1, 11))
_NONE = ""


class Metrics:
    """Every metric of one process, in a registry of its own."""

    def __init__(self, inflight: Callable[[], int] = lambda: 0) -> None:
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Any:
            return _children(Counter(name, text, labels, registry=registry))

        def histogram(name: str, text: str, buckets: Iterable[float], *labels: str) -> Any:
            return _children(Histogram(name, text, labels, registry=registry, buckets=tuple(buckets)))

        self._requests = counter(
            "router_requests", "Requests by how they ended.", "route", "start", "tier", "band", "outcome"
        )
        self._escalations = counter(
            "router_escalations",
            "Answers that were not good enough, so that the next tier was asked.",
            *("route", "from_tier", "reason", "band"),
        )
        self._fallbacks = counter(
            "router_fallbacks", "Deployments that failed, so that the next was asked.", "tier", "deployment", "reason"
        )
        self._late = counter(
            "router_late_verdicts", "Checks that failed after the answer was committed.", "route", "tier", "reason"
        )
        self._cost = counter(
            "router_cost_usd",
            "US dollars of tokens, where the price is known.",
            *("route", "start", "tier", "deployment", "kind", "band"),
        )
        self._unknown = counter(
            "router_cost_unknown", "Answers whose price or usage is unknown; never counted as $0.", "deployment"
        )
        self._tokens = counter("router_tokens", "Tokens by kind.", "route", "tier", "kind")
        self._left = counter("router_client_disconnects", "Clients who left before their answer was complete.")
        self._reloads = counter("router_policy_reload", "Reloads of the policy.", "result")
        self._seconds = histogram(
            "router_request_seconds", "Seconds from a request to the end of its answer.", _SECONDS, "route", "start"
        )
        self._duration = histogram(
            "gen_ai_client_operation_duration_seconds",
            "Seconds an upstream took for its whole answer, or for the beginning of its stream.",
            _SECONDS,
            *("gen_ai_operation_name", "gen_ai_request_model", "error_type"),
        )
        self._first = histogram(
            "router_time_to_first_token_seconds", "Seconds until a stream began.", _SECONDS, "route", "tier"
        )
        self._overhead = histogram(
            "router_overhead_seconds", "Seconds we added before the answer began to leave.", _OVERHEAD
        )
        self._difficulty = histogram("router_difficulty", "Estimated difficulty.", _TENTHS, "route")
        self._up = Gauge(
            "router_deployment_up",
            "1 while a deployment may be called, 0 while its breaker is open.",
            ["deployment"],
            registry=registry,
        )
        self._threshold = Gauge("router_threshold", "The threshold in force.", ["route", "tier"], registry=registry)
        self._policy = Gauge("router_policy", "The policy in force.", ["version"], registry=registry)
        Gauge("router_inflight", "Requests being answered.", registry=registry).set_function(inflight)

    def record(self, outcome: Outcome) -> None:
        """Count one request, once it has ended."""
        route = outcome.route or _NONE
        decision = outcome.decision
        start = decision.start if decision else _NONE
        band = str(decision.band) if decision and decision.band is not None else _NONE
        last = outcome.attempts[-1].tier if outcome.attempts else _NONE
        self._requests(route, start, last, band, outcome.end).inc()
        self._seconds(route, start).observe(outcome.seconds)
        self._overhead().observe(outcome.overhead)
        if decision and decision.difficulty is not None:
            self._difficulty(route).observe(decision.difficulty)
        if outcome.stream and outcome.first is not None:
            self._first(route, last).observe(outcome.first)
        if outcome.end == "left":
            self._left().inc()
        for attempt in outcome.attempts:
            self._attempt(attempt, route, start, band)
        for failed in outcome.fallbacks:
            self._fallbacks(failed.tier, failed.deployment, failed.verdict).inc()

    def _attempt(self, attempt: Attempt, route: str, start: str, band: str) -> None:
        """Count what one deployment was asked and what it cost."""
        tier, deployment = attempt.tier, attempt.deployment
        if attempt.result == "skipped":
            return
        error = attempt.verdict if attempt.result == "failed" else _NONE
        self._duration("chat", deployment, error).observe(attempt.waited)
        if attempt.result == "escalated":
            self._escalations(route, tier, attempt.verdict, band).inc()
        elif attempt.result == "served" and attempt.verdict != "ok":
            self._late(route, tier, attempt.verdict).inc()
        if attempt.cost is not None:
            kind = "escalation" if attempt.result == "escalated" else "served"
            self._cost(route, start, tier, deployment, kind, band).inc(attempt.cost)
        elif attempt.result in {"served", "escalated", "left"}:
            self._unknown(deployment).inc()
        if usage := attempt.usage:
            self._tokens(route, tier, "input").inc(usage.input)
            self._tokens(route, tier, "output").inc(usage.output)
            if usage.cached_input:
                self._tokens(route, tier, "cached_input").inc(usage.cached_input)

    def serve(self, plan: Plan, up: Callable[[str], bool]) -> None:
        """Say which plan is in force from now on; `up` is asked about its deployments whenever somebody looks."""
        for gauge in (self._policy, self._threshold, self._up):
            gauge.clear()
        self._policy.labels(plan.version).set(1)
        for route in plan.routes.values():
            for rung in route.cascade[:-1]:
                self._threshold.labels(route.name, rung.tier.name).set(rung.below)
        for name in plan.deployments:
            self._up.labels(name).set_function(partial(up, name))

    def reloaded(self, result: str) -> None:
        """Count a reload: `ok` or `refused`."""
        self._reloads(result).inc()

    def text(self) -> bytes:
        """Everything, as Prometheus reads it. Takes milliseconds: not on the request loop."""
        return generate_latest(self.registry)


def _children(metric: Any) -> Any:
    """A metric's children by their label values, each looked up once; `labels()` costs four times as much."""
    if not metric._labelnames:  # noqa: SLF001  the client has no public way to ask
        return lambda: metric
    return cache(metric.labels)
