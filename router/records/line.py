"""An outcome, or a later fact about one, as one line of JSON.

Every line has a `kind`: `outcome`, `embeddings`, `feedback`, `evidence`, `aside`, `move` or `plan`. Lines of one kind
have the same fields, so that tools that read tables find tables: what is unknown is null, never missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from router.outcome import Aside, Attempt, Evidence, Outcome, ended
from router.plan import Plan
from router.signals import Signals

__all__ = [
    "Feedback",
    "Source",
    "of_aside",
    "of_embeddings",
    "of_evidence",
    "of_feedback",
    "of_move",
    "of_outcome",
    "of_plan",
]

Source = Literal["feedback", "grader", "judge"]
"""Who says how good an answer was: people, a program that knows the right answer, a model."""


_ALIKE = (
    *("route", "named", "policy", "state", "stream", "start", "tier", "deployment", "reason", "band"),
    *("threshold", "propensity", "status", "end", "error", "cache"),
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says about an answer, as it came in."""

    id: str
    score: float
    """How good it was, from 0 to 1."""
    source: Source = "feedback"
    tenant: str | None = None
    """Who says so."""
    correction: str | None = None
    """What should have been answered."""
    reference: float | None = None
    """How good the last tier's answer to the same request was."""
    route: str | None = None
    start: str | None = None
    """Where the request started; None when that is not known any more."""
    tier: str | None = None
    """Whose answer it is about."""
    band: int | None = None


def of_outcome(outcome: Outcome, ladder: Sequence[str] = (), baseline: float | None = None) -> bytes:
    """One request for a chat completion.

    Args:
        outcome: what happened.
        ladder: the tiers of its route's cascade, cheapest first: what its estimates are for.
        baseline: what the last tier alone would have cost, in US dollars.
    """
    decision, estimate, heard = outcome.decision, outcome.estimate, outcome.heard
    told = {
        "kind": "outcome",
        "time": outcome.started,
        "id": outcome.id,
        "tenant": outcome.tenant,
        "difficulties": dict(zip(ladder, estimate.difficulty, strict=False)) if estimate else None,
        "p_good": dict(zip(ladder, estimate.p_good, strict=False)) if estimate else None,
        "difficulty": decision.difficulty if decision else None,
        "novelty": decision.novelty if decision else None,
        "signals": _signals(outcome.signals) if outcome.signals else None,
        "attempts": [_attempt(attempt) for attempt in outcome.attempts],
        "cost": outcome.cost if outcome.attempts else 0.0,
        "judged": _judged(outcome) if outcome.judgements else 0.0,
        "baseline": baseline,
        "seconds": outcome.seconds,
        "first": outcome.first,
        "overhead": outcome.overhead,
    }
    alike = (
        outcome.route,
        outcome.kind,
        outcome.policy,
        outcome.state,
        outcome.stream,
        decision.start if decision else None,
        heard.tier if heard else None,
        heard.deployment if heard else None,
        decision.reason if decision else None,
        decision.band if decision else None,
        decision.threshold if decision else None,
        decision.propensity if decision else 1.0,
        outcome.status,
        outcome.end,
        outcome.error,
        outcome.cache,
    )
    return ended(told, _ALIKE, alike)


def of_embeddings(outcome: Outcome) -> bytes:
    """One request for embeddings: a kind of its own, as nothing that is learned from answers is learned from these."""
    decision, heard = outcome.decision, outcome.heard
    return _written(
        {
            "kind": "embeddings",
            "time": outcome.started,
            "id": outcome.id,
            "tenant": outcome.tenant,
            "route": outcome.route,
            "named": outcome.kind,
            "policy": outcome.policy,
            "tier": heard.tier if heard else None,
            "deployment": heard.deployment if heard else None,
            "reason": decision.reason if decision else None,
            "attempts": [_attempt(attempt) for attempt in outcome.attempts],
            "cost": outcome.cost if outcome.attempts else 0.0,
            "status": outcome.status,
            "end": outcome.end,
            "error": outcome.error,
            "seconds": outcome.seconds,
            "overhead": outcome.overhead,
        }
    )


def _judged(outcome: Outcome) -> float | None:
    """What judges cost before the answer was sent."""
    costs = [judgement.cost for judgement in outcome.judgements]
    return None if None in costs else sum((cost for cost in costs if cost is not None), 0.0)


def _signals(signals: Signals) -> dict[str, object]:
    """By hand: orjson takes three times as long over a dataclass with slots, and knows no sets."""
    return {
        "characters": signals.characters,
        "words": signals.words,
        "lines": signals.lines,
        "digits": signals.digits,
        "code": signals.code,
        "maths": signals.maths,
        "questions": signals.questions,
        "negations": signals.negations,
        "commas": signals.commas,
        "tokens": signals.tokens,
        "tools": signals.tools,
        "tool_results": signals.tool_results,
        "images": signals.images,
        "audio": signals.audio,
        "json_schema": signals.json_schema,
        "turns": signals.turns,
        "system": signals.system,
        "language": signals.language,
        "pii": sorted(signals.pii) if signals.pii else (),
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    usage = attempt.usage
    return {
        "tier": attempt.tier,
        "deployment": attempt.deployment,
        "result": attempt.result,
        "verdict": attempt.verdict,
        "usage": None
        if usage is None
        else {
            "input": usage.input,
            "output": usage.output,
            "cached_input": usage.cached_input,
            "reasoning": usage.reasoning,
        },
        "cost": attempt.cost,
        "waited": attempt.waited,
        "trimmed": attempt.trimmed,
        "sources": attempt.sources,
    }


def of_feedback(feedback: Feedback, *, now: float, correction: str | None) -> bytes:
    """What somebody says about an answer; `correction` is what may be kept of theirs."""
    return _written(
        {
            "kind": "feedback",
            "time": now,
            "id": feedback.id,
            "tenant": feedback.tenant,
            "route": feedback.route,
            "start": feedback.start,
            "tier": feedback.tier,
            "band": feedback.band,
            "source": feedback.source,
            "score": feedback.score,
            "reference": feedback.reference,
            "corrected": feedback.correction is not None,
            "correction": correction,
        }
    )


def of_evidence(evidence: Evidence, *, now: float) -> bytes:
    """What shadows, exploration and judges say about a tier's answer."""
    return _written(
        {
            "kind": "evidence",
            "time": now,
            "id": evidence.id,
            "route": evidence.route,
            "state": evidence.state,
            "band": evidence.band,
            "tier": evidence.tier,
            "score": evidence.score,
            "reference": evidence.reference,
            "measure": evidence.measure,
            "source": evidence.source,
            "weight": evidence.weight,
            "start": evidence.start,
            "passed": evidence.passed,
        }
    )


def of_aside(aside: Aside, *, now: float) -> bytes:
    """A call that no client waited for: what a shadow or a judge took."""
    return _written(
        {
            "kind": "aside",
            "time": now,
            "id": aside.id,
            "route": aside.route,
            "start": aside.start,
            "band": aside.band,
            "purpose": aside.kind,
            "tier": aside.tier,
            "deployment": aside.deployment,
            "result": aside.result,
            "usage": aside.usage,
            "cost": aside.cost,
            "seconds": aside.seconds,
        }
    )


def of_move(move: Mapping[str, Any], *, now: float) -> bytes:
    """A threshold that moved, or would have, or that somebody moved by hand, with why."""
    return _written({"kind": "move", "time": now, **move})


def of_plan(plan: Plan, *, now: float, until: float | None = None) -> bytes:
    """A policy that came into force, and what its hosts cost by the hour; `until` once it no longer is."""
    hourly = {name: d.price.per_hour for name, d in plan.deployments.items() if d.price and d.price.per_hour}
    return _written({"kind": "plan", "time": now, "policy": plan.version, "until": until, "per_hour": hourly})


def _written(said: Mapping[str, object]) -> bytes:
    return orjson.dumps(said, default=_plain, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> object:
    """What JSON has no word for: sets are lists, and what a stranger's string broke is told as text."""
    return sorted(value) if isinstance(value, frozenset) else str(value)
