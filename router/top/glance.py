"""What an operator wants to know of a running server, as one value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan

from router.top.reading import Reading

__all__ = ["Glance", "Objective", "RouteLine", "Upstream", "glance"]

_CALLS = "gen_ai_client_operation_duration_seconds"
_NAME = "deployment"


@dataclass(frozen=True, slots=True)
class RouteLine:
    """One route; its name is empty for what was turned away before it had one."""

    route: str
    requests: float
    outcomes: Mapping[str, float]
    tiers: Mapping[str, float]
    """How many requests each tier answered."""
    thresholds: Mapping[str, float]
    frozen: bool
    """Whether nothing may move them."""
    proven: float | None
    """The highest threshold that the evidence supports; None where nobody steers."""
    evidence: float | None
    """How many judged answers that rests on."""
    escalated: float | None
    """Escalations, as a share of what started at a tier that has a threshold."""
    p50: float | None
    p95: float | None
    """Seconds until the answer was complete."""
    cost_usd: float
    saved_usd: float | None
    """Against the last tier alone; None where nobody counts that."""


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise; `measured` is None while there is nothing to measure."""

    route: str
    objective: str
    promised: float
    measured: float | None
    violated: bool


@dataclass(frozen=True, slots=True)
class Upstream:
    """One deployment."""

    deployment: str
    up: bool
    calls: float
    failed: Mapping[str, float]
    """Failed calls, by how."""
    p95: float | None
    fallbacks: float
    """How often another answered for it."""
    cost_usd: float
    cost_unknown: float
    """Answers whose price nobody knows."""


@dataclass(frozen=True, slots=True)
class Glance:
    """All of it. Counts are those of the last `seconds`, or of everything since the server started."""

    seconds: float | None
    policies: tuple[str, ...]
    inflight: float
    requests: float
    overhead_p99: float | None
    routes: tuple[RouteLine, ...]
    escalations: Mapping[str, float]
    """By `tier:reason`."""
    moves: Mapping[str, float]
    """Moves of thresholds, by `route:reason`."""
    objectives: tuple[Objective, ...]
    upstreams: tuple[Upstream, ...]
    cache: Mapping[str, float]
    redis_up: bool | None
    """Whether what servers share can be used; None where a server shares nothing."""
    left: float
    records_dropped: float


def glance(now: Reading, earlier: Reading | None = None, seconds: float | None = None) -> Glance:
    """Say what a reading says: of the `seconds` since an earlier one, or of all there was."""
    seen = now if earlier is None else now.since(earlier)
    return Glance(
        seconds=None if earlier is None else seconds,
        policies=tuple(version for (version,), value in now.by("router_policy", "version").items() if value),
        inflight=now.total("router_inflight"),
        requests=seen.total("router_requests_total"),
        overhead_p99=seen.quantile(0.99, "router_overhead_seconds"),
        routes=tuple(_route(seen, name) for name in _routes(now)),
        escalations=_joined(seen.by("router_escalations_total", "from_tier", "reason")),
        moves=_joined(seen.by("router_threshold_changes_total", "route", "reason")),
        objectives=tuple(_objectives(now)),
        upstreams=tuple(_upstream(seen, name) for (name,) in now.by("router_deployment_up", "deployment")),
        cache={result: count for (result,), count in seen.by("router_cache_total", "result").items() if count},
        redis_up=now.total("router_redis_up") > 0 if _shares(now) else None,
        left=seen.total("router_client_disconnects_total"),
        records_dropped=seen.total("router_records_dropped_total"),
    )


def _shares(now: Reading) -> bool:
    """Whether there is a Redis at all: `router_redis_up` is 1 without one, because nothing is down."""
    return now.has("router_redis_up") and not now.total("router_store", kind="memory")


def _routes(reading: Reading) -> list[str]:
    """Every route that has a threshold or was asked; who was turned away comes last."""
    names = {
        name for metric in ("router_requests_total", "router_threshold") for (name,) in reading.by(metric, "route")
    }
    return sorted(names, key=lambda name: (not name, name))


def _route(seen: Reading, name: str) -> RouteLine:
    thresholds = {tier: value for (tier,), value in seen.by("router_threshold", "tier", route=name).items()}
    started = seen.by("router_requests_total", "start", route=name)
    low = sum(count for (start,), count in started.items() if start in thresholds)
    cost = seen.total("router_cost_usd_total", route=name)
    baseline = seen.by("router_baseline_usd_total", "route", route=name)
    return RouteLine(
        route=name,
        requests=seen.total("router_requests_total", route=name),
        outcomes=_counts(seen, "router_requests_total", "outcome", name),
        tiers=_counts(seen, "router_requests_total", "tier", name),
        thresholds=thresholds,
        frozen=seen.total("router_threshold_frozen", route=name) > 0,
        proven=_known(seen.by("router_threshold_proven", route=name).get(())),
        evidence=_known(seen.by("router_control_evidence", route=name).get(())),
        escalated=seen.total("router_escalations_total", route=name) / low if low else None,
        p50=seen.quantile(0.50, "router_request_seconds", route=name),
        p95=seen.quantile(0.95, "router_request_seconds", route=name),
        cost_usd=cost,
        saved_usd=sum(baseline.values()) - cost if baseline else None,
    )


def _counts(seen: Reading, metric: str, label: str, route: str) -> dict[str, float]:
    return {value: count for (value,), count in seen.by(metric, label, route=route).items() if value and count}


def _objectives(now: Reading) -> Iterable[Objective]:
    measured = now.by("router_objective_measured", "route", "objective")
    violated = now.by("router_objective_violated", "route", "objective")
    for (route, objective), promised in now.by("router_objective", "route", "objective").items():
        key = (route, objective)
        yield Objective(route, objective, promised, _known(measured.get(key)), violated=violated.get(key) == 1)


def _known(value: float | None) -> float | None:
    return None if value is None or isnan(value) else value


def _upstream(seen: Reading, name: str) -> Upstream:
    errors = seen.by(f"{_CALLS}_count", "error_type", **{_NAME: name})
    return Upstream(
        deployment=name,
        up=seen.total("router_deployment_up", deployment=name) > 0,
        calls=sum(errors.values()),
        failed={error: count for (error,), count in errors.items() if error and count},
        p95=seen.quantile(0.95, _CALLS, **{_NAME: name}),
        fallbacks=seen.total("router_fallbacks_total", deployment=name),
        cost_usd=seen.total("router_cost_usd_total", deployment=name),
        cost_unknown=seen.total("router_cost_unknown_total", deployment=name),
    )


def _joined(sums: Mapping[tuple[str, ...], float]) -> dict[str, float]:
    return {":".join(key): count for key, count in sums.items() if count}
