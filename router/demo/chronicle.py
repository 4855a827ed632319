"""What happened to two servers while their small model broke: round by round, move by move, and what it comes to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

from router.demo.grading import grade
from router.demo.run import Served

__all__ = ["PHASES", "Chronicle", "Moved", "Phase", "PhaseFigures", "Round", "Side", "side_of"]

Phase = Literal["healthy", "broken", "repaired"]
PHASES: Final[tuple[Phase, ...]] = ("healthy", "broken", "repaired")


@dataclass(frozen=True, slots=True)
class Side:
    """One server's part of a round."""

    quality: float
    """Mean score of what its clients read, graded by the rule beside each question."""
    low: float
    """The share of requests that the first tier answered."""
    cost_usd: float | None
    """Of a whole answer, on average, as a stream's headers leave before its cost is known; None: no known price."""
    threshold: float
    errors: int


@dataclass(frozen=True, slots=True)
class Round:
    """Every request of the workload once, to both servers at the same time."""

    number: int
    phase: Phase
    ended: float
    """Seconds since the first round began."""
    steered: Side
    fixed: Side


@dataclass(frozen=True, slots=True)
class Moved:
    """A threshold that changed on the steered server."""

    seconds: float
    """Since the first round began."""
    before: float
    after: float
    cause: str
    labels: int | None
    """How many judged answers it rests on; None for what an operator did."""
    shares: tuple[float, float] | None
    """Of traffic that starts at the first tier before and after, as control expected it."""
    told: str


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """What a phase comes to; of what is broken only the second half counts, when there was time to react."""

    rounds: int
    quality: Mapping[str, float]
    low: Mapping[str, float]
    cost_usd: Mapping[str, float | None]
    threshold: float
    """The steered server's, at the end."""


@dataclass(frozen=True, slots=True)
class Chronicle:
    """The whole run; `dataclasses.asdict` of it is the document that `--json` prints."""

    requests: int
    """To each of the two."""
    errors: int
    floor: float
    """The share of the large model's quality that the policy promises."""
    frontier_quality: float
    """What the large model alone would have reached on the same requests."""
    rounds: tuple[Round, ...]
    moves: tuple[Moved, ...]
    phases: Mapping[str, PhaseFigures]

    @property
    def promised(self) -> float:
        """The quality that the policy promises."""
        return self.floor * self.frontier_quality


def side_of(served: Sequence[Served], threshold: float, first: str) -> Side:
    """Add up what one server did in a round; whoever got an error got nothing good."""
    answered = [one for one in served if one.tier is not None]
    costs = [float(one.headers[cost]) for one in answered if (cost := "x-router-cost-usd") in one.headers]
    return Side(
        quality=round(fmean(score(one) for one in served), 6),
        low=round(sum(one.tier == first for one in answered) / max(1, len(answered)), 6),
        cost_usd=round(fmean(costs), 9) if costs else None,
        threshold=threshold,
        errors=len(served) - len(answered),
    )


def score(one: Served) -> float:
    """Grade what a client read; an error is worth nothing."""
    if one.error is not None or one.row.expected is None:
        return 0.0
    return float(grade(one.row.expected, one.reading.text, one.reading.tool_calls))


def phases(rounds: Sequence[Round]) -> dict[str, PhaseFigures]:
    """Say what each phase comes to."""
    parts = {phase: [one for one in rounds if one.phase == phase] for phase in PHASES}
    return {phase: _figures(_settled(part) if phase == "broken" else part) for phase, part in parts.items() if part}


def _settled(rounds: list[Round]) -> list[Round]:
    return rounds[len(rounds) // 2 :]


def _figures(rounds: Sequence[Round]) -> PhaseFigures:
    sides = {"steered": [one.steered for one in rounds], "fixed": [one.fixed for one in rounds]}
    return PhaseFigures(
        rounds=len(rounds),
        quality={name: round(fmean(side.quality for side in part), 6) for name, part in sides.items()},
        low={name: round(fmean(side.low for side in part), 6) for name, part in sides.items()},
        cost_usd={name: _mean(side.cost_usd for side in part) for name, part in sides.items()},
        threshold=rounds[-1].steered.threshold,
    )


def _mean(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return round(fmean(known), 9) if known and len(known) == len(listed) else None
