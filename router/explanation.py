"""Why a request would be answered by whom: what `POST /v1/route` answers and `smallfirst explain --json` prints."""

from dataclasses import fields
from typing import Any

from router.consider import Considered

__all__ = ["explanation"]


def explanation(considered: Considered) -> dict[str, Any]:
    """Say all of it in plain values, ready for JSON."""
    decision, estimate, facts = considered.decision, considered.estimate, considered.signals
    names = [rung.tier.name for rung in considered.route.cascade]
    return {
        "route": considered.route.name,
        "start": decision.start,
        "reason": decision.reason,
        "tiers": [
            {"tier": step.tier.name, "deployments": [deployment.name for deployment in step.deployments]}
            for step in decision.steps
        ],
        "difficulty": decision.difficulty,
        "threshold": decision.threshold,
        "band": decision.band,
        "propensity": decision.propensity,
        "novelty": decision.novelty,
        "scope": None if considered.route.scope is None else {"novelty": considered.route.scope},
        "p_good": dict(zip(names, estimate.p_good, strict=True)) if estimate else None,
        "require": dict(considered.bounds.require),
        "rule": considered.bounds.rule,
        "via": [{"route": route, "rule": rule} for route, rule in considered.via],
        "signals": {field.name: _plain(getattr(facts, field.name)) for field in fields(facts)},
    }


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value
