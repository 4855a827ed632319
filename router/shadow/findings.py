"""Answers side by side: what they are evidence of, and what an escalation was good for."""

from dataclasses import replace
from typing import Literal

from router.comparing import Compared, Judgement
from router.outcome import Evidence
from router.shadow.looking import Look

__all__ = ["Gain", "agreement", "gained", "quality"]

Gain = Literal["rescued", "same", "worse"]
"""The next tier's answer was another one, and better as far as anybody knows · it brought nothing · it was worse."""

_BETTER = 0.1
"""By how much a judge must find one answer better than another, of 1, before it counts as better."""


def agreement(look: Look, tier: str, compared: Compared, *, passed: bool) -> Evidence | None:
    """What a comparison says of a tier: how far its answer is the last tier's. None when nobody knows for how many."""
    if (weight := look.weight(tier)) is None:
        return None
    return _evidence(look, tier, weight, Judgement(compared.score, 1.0), passed=passed)


def quality(look: Look, tier: str, judged: Judgement, *, passed: bool) -> Evidence | None:
    """What a judge says of a tier's answer (`one`) and of the last tier's (`other`), about what is looked at only."""
    if look.rate is None:
        return None
    found = _evidence(look, tier, 1.0 / (look.rate * look.decision.propensity), judged, passed=passed)
    return replace(found, measure="quality", source="judge")


def _evidence(look: Look, tier: str, weight: float, scores: Judgement, *, passed: bool) -> Evidence:
    return Evidence(
        id=look.outcome.id,
        route=look.outcome.route or "",
        state=look.outcome.state,
        band=look.decision.band,
        tier=tier,
        score=scores.one,
        reference=scores.other,
        measure="agreement",
        source="explore" if look.decision.reason == "explore" else "shadow",
        weight=weight,
        passed=passed,
    )


def gained(look: Look, compared: Compared | None, judged: Judgement | None) -> Gain:
    """What came of an escalation, by a judge's word, or else by whether the two answers differ.

    Without a judge, an answer that differs is taken for a better one if it passed its own checks; if it did not, the
    client got one answer that is not good enough instead of another.
    """
    if judged is not None:
        ahead = judged.other - judged.one
        return "rescued" if ahead > _BETTER else "worse" if ahead < -_BETTER else "same"
    differs = compared is not None and not compared.same
    heard = look.outcome.heard
    return "rescued" if differs and heard is not None and heard.verdict == "ok" else "same"
