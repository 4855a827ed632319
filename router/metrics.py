"""The outcome, counted: a view of finished requests for Prometheus, and the only door to its client.

Label values come from the policy or from an enum, never from a request: what a client invents cannot grow a series.
Names follow OpenTelemetry's GenAI conventions where they have one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.registry import Collector
from typing_extensions import override

from router.control_metrics import ControlMetrics
from router.meters import METRICS, SHED
from router.outcome import Aside, Attempt, End, Operation, Outcome, Remembered
from router.plan import Plan, Route, Rung
from router.series import Counter, Family, Histogram, Sample, Series, Sheets

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_NONE = ""

Thresholds = Callable[[str, str], Mapping[str, float]]
_Call = tuple[str, str, str, str]
"""What tells calls apart: operation, provider, model, deployment."""
_Place = tuple[str, str, int | None]
"""Where a request began: its route, tier and band of difficulty."""
_Ended = tuple[list[Counter], Histogram, Histogram]
"""What counts a request that has ended, what its seconds, and what its seconds by band."""


def _policy_s_own(_route: str, _state: str) -> Mapping[str, float]:
    return {}


def _never(_route: str) -> bool:
    return False


def _text(band: int | None) -> str:
    return _NONE if band is None else str(band)


def _end_of(day: date) -> float:
    """The end of a day in UTC, in seconds since 1970: what is due on it may be done on it."""
    return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()


def _in_force(now: Thresholds, route: Route, rung: Rung) -> float:
    return now(route.name, route.state).get(rung.tier.name, rung.below)


def _begin_at_zero(counted: Mapping[str, Callable[..., Any]]) -> None:
    """Let the first one be an increase, which is what an alert waits for."""
    for name, *labels in (
        ("router_policy_reload_total", "ok"),
        ("router_policy_reload_total", "refused"),
        *(("router_shed_total", reason) for reason in SHED),
        ("router_worker_restarts_total",),
        ("router_redis_restarts_total",),
        ("router_log_dropped_total",),
        ("router_records_dropped_total",),
        ("router_client_disconnects_total",),
    ):
        counted[name](*labels)


class _Nowhere:
    """Where what is no number of tokens is counted: embeddings have no output of any."""

    def observe(self, value: float) -> None:
        """Forget it."""


class _Process:
    """What the operating system says of this process."""

    def __init__(self, series: Series, gauges: Mapping[str, Family]) -> None:
        self._collector = ProcessCollector(registry=None)
        self._gauges = gauges
        self._cpu = 0.0
        series.count_with("process_cpu_seconds_total", lambda: self._cpu)

    def look(self) -> None:
        """Ask it."""
        for family in self._collector.collect():
            for sample in family.samples:
                if sample.name == "process_cpu_seconds_total":
                    self._cpu = sample.value
                elif (gauge := self._gauges.get(sample.name)) is not None:
                    gauge.set(sample.value)


class Metrics(Collector):
    """Every metric of one process, and of the workers beside it."""

    _dropped_before = 0

    def __init__(
        self,
        inflight: Callable[[], int] = lambda: 0,
        sheets: Sheets | None = None,
        worker: int = 0,
        *,
        shared: Callable[[], bool] = lambda: True,
    ) -> None:
        """Count on the sheet of one of several workers, or alone; `shared`: whether what servers share can be used."""
        self.settle: Callable[[], None] = lambda: None
        """Is asked to count what is still to be counted, before anybody looks."""
        self._series = Series(METRICS, sheets, worker)
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._gauges = {one.name: self._series.gauges(one.name) for one in METRICS if one.kind == "gauge"}
        self._gauges["router_inflight"].set_function(inflight)
        self._gauges["router_redis_up"].set_function(shared)
        counted = {one.name: self._series.counted(one.name) for one in METRICS if one.kind != "gauge"}
        self._counted = counted  # and by a name of its own what every request, or every call, is counted in
        self._requests = counted["router_requests_total"]
        self._escalations = counted["router_escalations_total"]
        self._fallbacks = counted["router_fallbacks_total"]
        self._late = counted["router_late_verdicts_total"]
        self._cache = counted["router_cache_total"]
        self._judgements, self._retrievals = (counted[f"router_{one}_total"] for one in ("judgements", "retrievals"))
        self._fields = counted["router_fields_dropped_total"]
        self._cost, self._baseline = counted["router_cost_usd_total"], counted["router_baseline_usd_total"]
        self._unknown = counted["router_cost_unknown_total"]
        self._tokens, self._usage = counted["router_tokens_total"], counted["gen_ai_client_token_usage"]
        self._called, self._whole = cache(self._called_of), cache(self._whole_of)
        self._ended, self._paid = cache(self._ended_of), cache(self._paid_of)
        self._trimmed = counted["router_prompt_tokens_trimmed_total"]
        self._left = counted["router_client_disconnects_total"]
        self._dropped = counted["router_records_dropped_total"]
        self._seconds = counted["router_request_seconds"]
        self._first = counted["router_time_to_first_token_seconds"]
        self._overhead = counted["router_overhead_seconds"]()
        self._duration = counted["gen_ai_client_operation_duration_seconds"]
        self._chunk = counted["gen_ai_client_operation_time_to_first_chunk_seconds"]
        self._calls: dict[str, tuple[str, str, str]] = {}
        self._difficulty = counted["router_difficulty"]
        self._novel = counted["router_novel_total"]
        self._band_seconds = counted["router_band_seconds"]
        self._process = _Process(self._series, self._gauges)
        self.control = ControlMetrics(self._series)
        _begin_at_zero(counted)

    def record(self, outcome: Outcome) -> None:
        """Count one request, once it has ended."""
        decision, heard = outcome.decision, outcome.heard
        route = outcome.route or _NONE
        place = (route, decision.start, decision.band) if decision else (route, _NONE, None)
        tier = heard.tier if heard else _NONE
        counters, seconds, band_seconds = self._ended(place, tier, outcome.end, outcome.cache)
        for counter in counters:
            counter.inc()
        seconds.observe(outcome.seconds)
        band_seconds.observe(outcome.seconds)
        self._overhead.observe(outcome.overhead)
        if decision and decision.difficulty is not None:
            self._difficulty(route).observe(decision.difficulty)
        if decision and decision.reason == "novel":
            self._novel(route).inc()
        if outcome.stream and outcome.first is not None:
            self._first(route, tier).observe(outcome.first)
        explored = decision is not None and decision.reason == "explore"
        attempts = outcome.attempts
        for attempt in attempts:
            self._attempt(attempt, place, outcome.operation, explored=explored)
        if len(attempts) > 1:
            for failed in outcome.fallbacks:
                self._fallbacks(failed.tier, failed.deployment, failed.verdict).inc()
        if outcome.end == "broken" and attempts and attempts[-1].cost is None:
            self._unknown(attempts[-1].deployment).inc()
        if outcome.retrievals or outcome.dropped or outcome.judgements:
            self._asides(outcome, place)

    def _asides(self, outcome: Outcome, place: _Place) -> None:
        """Count what others were asked besides: what a judge said of an answer and cost, what a retriever gave."""
        for retrieved in outcome.retrievals:
            self._retrievals(place[0], *retrieved).inc()
        for field in outcome.dropped:
            self._fields(*field).inc()
        for judgement in outcome.judgements:
            self._judgements(place[0], judgement.tier, judgement.result).inc()
            if judgement.cost is None:
                self._unknown(judgement.deployment).inc()
            elif judgement.cost:
                self._paid(place, judgement.tier, judgement.deployment, "judge").inc(judgement.cost)

    def _attempt(self, attempt: Attempt, place: _Place, asked: Operation, *, explored: bool) -> None:
        """Count what one deployment was asked and what it cost."""
        tier, deployment, result = attempt.tier, attempt.deployment, attempt.result
        route, start, band = place
        if result == "skipped":
            return
        self._called(asked, deployment, attempt.verdict if result == "failed" else _NONE).observe(attempt.waited)
        if attempt.first is not None:
            self._chunk(*self._call(asked, deployment)).observe(attempt.first)
        if result == "escalated":
            self._escalations(route, tier, attempt.verdict, _text(band)).inc()
        elif result == "served" and attempt.verdict != "ok":
            self._late(route, tier, attempt.verdict).inc()
        if attempt.cost is not None:
            wasted = result == "escalated" and ("explore" if explored and tier == start else "escalation")
            self._paid(place, tier, deployment, wasted or "served").inc(attempt.cost)
        elif result in {"served", "escalated", "left"}:
            self._unknown(deployment).inc()
        if attempt.trimmed:
            self._trimmed(route, tier).inc(attempt.trimmed)
        if (usage := attempt.usage) is not None:
            tokens_in, tokens_out, usage_in, usage_out = self._whole(asked, route, tier, deployment)
            tokens_in.inc(usage.input)
            tokens_out.inc(usage.output)
            usage_in.observe(usage.input)
            usage_out.observe(usage.output)
            if usage.cached_input:
                self._tokens(route, tier, "cached_input").inc(usage.cached_input)

    def _ended_of(self, place: _Place, tier: str, end: End, cached: Remembered) -> _Ended:
        """Where a request is counted that ended so, and how long it took."""
        route, start, band = place
        counters = [self._requests(route, start, tier, _text(band), end)]
        if route:
            counters.append(self._cache(route, cached))
        if end == "left":
            counters.append(self._left())
        return counters, self._seconds(route, start), self._band_seconds(route, start, _text(band))

    def _called_of(self, asked: Operation, deployment: str, error: str) -> Histogram:
        """Where it is counted how long a call took."""
        made: Histogram = self._duration(*self._call(asked, deployment), error)
        return made

    def _paid_of(self, place: _Place, tier: str, deployment: str, kind: str) -> Counter:
        """Where it is counted what an answer cost."""
        route, start, band = place
        made: Counter = self._cost(route, start, tier, deployment, kind, _text(band))
        return made

    def _whole_of(
        self, asked: Operation, route: str, tier: str, deployment: str
    ) -> tuple[Counter, Counter, Histogram, "Histogram | _Nowhere"]:
        """Where the tokens of an answer are counted: always in these four."""
        into, out_of = self._tokens(route, tier, "input"), self._tokens(route, tier, "output")
        call = self._call(asked, deployment)
        usage_out = self._usage(*call, "output") if asked == "chat" else _Nowhere()
        return into, out_of, self._usage(*call, "input"), usage_out

    def _call(self, asked: Operation, deployment: str) -> _Call:
        return (asked, *(self._calls.get(deployment) or (_NONE, _NONE, deployment)))

    def aside(self, aside: Aside) -> None:
        """Count a call that no client waited for, or that was not made, and what it cost.

        A judge of shadows is part of what shadows cost: kind `judge` is what is paid before an answer is sent.
        """
        self._counted["router_shadows_total"](aside.route, aside.kind, aside.result).inc()
        if aside.cost is not None:
            place = (aside.route, aside.start, aside.band)
            self._paid(place, aside.tier, aside.deployment, "shadow").inc(aside.cost)
        elif aside.result in {"answered", "unreadable"}:
            self._unknown(aside.deployment).inc()

    def idle(self, deployment: str, usd: float) -> None:
        """Count what a host cost that is paid by the hour; it belongs to no route."""
        self._cost(_NONE, _NONE, _NONE, deployment, "idle", _NONE).inc(usd)

    def escalation(self, route: str, result: str) -> None:
        """Count what an escalation was good for: `rescued`, `same` or `worse`."""
        self._counted["router_escalation_results_total"](route, result).inc()

    def serve(
        self,
        plan: Plan,
        up: Callable[[str], bool],
        now: Thresholds = _policy_s_own,
        frozen: Callable[[str], bool] = _never,
    ) -> None:
        """Say which plan is in force from now on.

        Args:
            plan: the plan.
            up: is asked about its deployments whenever somebody looks.
            now: is asked for a route's thresholds in force, by tier; a tier that is missing has the policy's.
            frozen: is asked whether a route's may not move.
        """
        shown = ("router_policy", "router_threshold", "router_deployment_up", "router_tune_due_seconds")
        policy, threshold, deployment_up, due = (self._gauges[name] for name in shown)
        for gauge in (policy, threshold, deployment_up, due):
            gauge.clear()
        self.control.serve(plan, frozen)
        policy.labels(plan.version).set(1)
        for route in plan.routes.values():
            for rung in route.cascade[:-1]:
                in_force = partial(_in_force, now, route, rung)
                threshold.labels(route.name, rung.tier.name).set_function(in_force)
        for name, deployment in plan.deployments.items():
            self._calls[name] = (deployment.provider or "openai", deployment.model, name)
            deployment_up.labels(name).set_function(partial(up, name))
            if deployment.tune is not None and deployment.tune.refresh_due is not None:
                due.labels(name).set(_end_of(deployment.tune.refresh_due))
        self._called.cache_clear()  # other models may go by the same names now
        self._whole.cache_clear()

    def store(self, kind: str) -> None:
        """Say where what servers share is kept: `memory`, `redis` or `embedded`."""
        self._gauges["router_store"].labels(kind).set(1)

    def samples(self, names: Collection[str]) -> list[Sample]:
        """Return the samples of some metrics."""
        self.settle()
        return [sample for metric, samples in self._series.samples() if metric.name in names for sample in samples]

    def reloaded(self, result: str) -> None:
        """Count a reload: `ok` or `refused`."""
        self._counted["router_policy_reload_total"](result).inc()

    def baseline(self, route: str, usd: float) -> None:
        """Count what the last tier alone would have cost."""
        self._baseline(route).inc(usd)

    def feedback(self, route: str, source: str, result: str) -> None:
        """Count something that was said about an answer."""
        self._counted["router_feedback_total"](route, source, result).inc()

    def agreement(self, route: str, *, agreed: bool) -> None:
        """Count an answer of which a judge and people have both spoken."""
        self._counted["router_judge_agreement_total"](route, "agreed" if agreed else "not").inc()

    def records_dropped(self, dropped: int) -> None:
        """Count records that were lost: `dropped` is how many there were of one recorder until now."""
        if dropped != self._dropped_before:
            self._dropped().inc(max(0, dropped - self._dropped_before))
            self._dropped_before = dropped

    def shed(self, reason: str) -> None:
        """Count a request that was turned away so that others are answered; `reason` is one of `SHED`."""
        self._counted["router_shed_total"](reason).inc()

    def restarted(self) -> None:
        """Count a worker that was started again."""
        self._counted["router_worker_restarts_total"]().inc()

    def redis_restarted(self) -> None:
        """Count an embedded Valkey that had ended and was started again."""
        self._counted["router_redis_restarts_total"]().inc()

    def count_log(self, dropped: Callable[[], int]) -> None:
        """Show what the access log says it has dropped."""
        self._series.count_with("router_log_dropped_total", dropped)

    def refresh(self) -> None:
        """Let the workers beside this one see what is only known when somebody asks."""
        self.settle()
        self._process.look()
        self._series.refresh()

    def parts(self) -> Iterator[bytes]:
        """Everything, as Prometheus reads it, in slices between which the request loop may turn."""
        self.settle()
        self._process.look()
        return self._series.parts()

    @override
    def collect(self) -> Iterable[PrometheusMetric]:
        """Everything, for the Prometheus client's own tools."""
        self.settle()
        for metric, samples in self._series.samples():
            told = PrometheusMetric(metric.name.removesuffix("_total"), metric.help, metric.kind)
            for name, labels, value in samples:
                told.add_sample(name, labels, value)
            yield told
