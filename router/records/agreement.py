"""Do judges say what people say? Measured where both have spoken of the same answer.

A model that judges answers is believed only as far as it agrees with people. Both scores are cut at a half: good enough
or not. Agreement by chance is taken off in Cohen's kappa (1960): 0 is what two who guess with the same habits reach.
The interval is Wilson's (1927), which holds for few pairs too.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from router.records.facts import Fact

__all__ = ["Agreement", "agreement", "wilson"]

_HALF: Final = 0.5
_Z: Final = 1.959964
_PEOPLE: Final = ("feedback", "grader")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a judge and people say the same."""

    n: int
    """Answers that both have spoken of."""
    agreed: float | None
    """The share of them; None when there are none."""
    low: float
    high: float
    """95 % interval of the share."""
    kappa: float | None
    """What is left of it beyond chance; None when that cannot be told, as when one of them always says the same."""
    judge_kinder: int
    """Answers that the judge liked and people did not."""
    judge_stricter: int

    def shown(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def agreement(records: Iterable[Mapping[str, Any]], facts: Mapping[str, Sequence[Fact]]) -> dict[str, Agreement]:
    """Return how far judges and people agree, by route."""
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for record in records:
        if record["kind"] == "outcome" and record["route"] is not None and record["id"] in facts:
            pair = _pair(facts[record["id"]], record["tier"])
            pairs.setdefault(record["route"], []).extend([pair] if pair else [])
    return {route: _agreed(found) for route, found in pairs.items()}


def _pair(facts: Sequence[Fact], served: str | None) -> tuple[bool, bool] | None:
    """What the judge and what people say of the answer that was served, the last word of each."""
    said: dict[bool, bool] = {}
    for fact in facts:
        if fact.measure == "quality" and fact.tier in {None, served} and fact.source in {"judge", *_PEOPLE}:
            said[fact.source in _PEOPLE] = fact.score >= _HALF
    return (said[False], said[True]) if len(said) == 2 else None


def _agreed(pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    n = len(pairs)
    same = sum(judge == people for judge, people in pairs)
    low, high = wilson(same, n)
    liked = sum(judge for judge, _ in pairs) / n if n else 0.0
    good = sum(people for _, people in pairs) / n if n else 0.0
    chance = liked * good + (1 - liked) * (1 - good)
    return Agreement(
        n=n,
        agreed=same / n if n else None,
        low=low,
        high=high,
        kappa=(same / n - chance) / (1 - chance) if n and chance < 1 else None,
        judge_kinder=sum(judge and not people for judge, people in pairs),
        judge_stricter=sum(people and not judge for judge, people in pairs),
    )


def wilson(hits: float, n: float, z: float = _Z) -> tuple[float, float]:
    """Return Wilson's interval for a share of which `hits` of `n` were seen; everything is possible when n is 0."""
    if n <= 0:
        return 0.0, 1.0
    share, square = hits / n, z * z / n
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(max(0.0, share * (1 - share) / n + square / (4 * n)))
    return max(0.0, middle - half), min(1.0, middle + half)
