"""What was learned about requests after they were served, by request.

People, programs that know the right answer, shadows and judges may all have something to say about one answer. Whoever
knows best has the word: `grader`, then `feedback`, then `judge`, then `shadow` and `explore`; of several from one
source, the last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["Fact", "gather", "scores"]

Measure = Literal["quality", "agreement"]

_TRUST: Final = {"grader": 4, "feedback": 3, "judge": 2, "shadow": 1, "explore": 1}


@dataclass(frozen=True, slots=True)
class Fact:
    """What one source says about one answer."""

    source: str
    score: float
    tier: str | None = None
    """Whose answer; None: the one that was served."""
    reference: float | None = None
    """How good the last tier's was."""
    measure: Measure = "quality"
    weight: float = 1.0
    time: float = 0.0
    state: str | None = None
    passed: bool = True
    """Whether the tier's checks accept that answer."""

    @property
    def given(self) -> float:
        """How good an answer a client would have got: the next tier's, where this one did not pass its checks."""
        return self.score if self.passed or self.reference is None else self.reference


def gather(records: Iterable[Mapping[str, Any]]) -> dict[str, list[Fact]]:
    """Return what feedback and evidence say, by the request's id, in the order it was said."""
    found: dict[str, list[Fact]] = {}
    for record in records:
        if record["kind"] == "feedback" or (record["kind"] == "evidence" and record["source"] != "feedback"):
            found.setdefault(record["id"], []).append(_fact(record))
    for facts in found.values():
        facts.sort(key=lambda fact: fact.time)
    return found


def _fact(record: Mapping[str, Any]) -> Fact:
    return Fact(
        record["source"],
        record["score"],
        record.get("tier"),
        record.get("reference"),
        record.get("measure", "quality"),
        record.get("weight", 1.0),
        record["time"],
        record.get("state"),
        record.get("passed", True),
    )


def scores(
    facts: Sequence[Fact], served: str | None, last: str | None, measure: Measure = "quality"
) -> dict[str, Fact]:
    """Return the fact that has the word on each tier's answer to one request.

    Args:
        facts: everything that is known about it.
        served: the tier whose answer the client got.
        last: the last tier of the cascade, which `reference` speaks of.
        measure: how good, or only how alike.
    """
    known: dict[str, Fact] = {}
    for fact in facts:
        if fact.measure != measure:
            continue
        if (tier := fact.tier or served) is not None:
            _say(known, tier, fact)
        if fact.reference is not None and last is not None and last != tier:
            _say(known, last, Fact(fact.source, fact.reference, last, None, measure, fact.weight, fact.time))
    return known


def _say(known: dict[str, Fact], tier: str, fact: Fact) -> None:
    before = known.get(tier)
    if before is None or _TRUST.get(fact.source, 0) >= _TRUST.get(before.source, 0):
        known[tier] = fact
