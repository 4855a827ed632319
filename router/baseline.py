"""What would the last tier alone have cost? The other side of every saving.

A request that the last tier answered says so itself: that answer's cost. For one that a cheaper tier answered it is
estimated from how the last tier takes requests like it, and every doubt is decided against the saving:

* **Input**: the request's estimated tokens (`signals`), times what the last tier counted for each estimated token of
  those it did answer: its tokeniser and its own prompt are in that. Until it has answered a few, one for one.
* **Cached input** costs less. Were everything sent to the last tier its prompt cache would never be cold, so the share
  that counts is that of *warm* calls, those that read anything from the cache. Until the last tier has answered a few,
  all input counts at the cached price: the least it could have been.
* **Output**: the answer's own length, times how much longer the last tier answers the same requests, where shadows have
  asked it; without shadows the answer's own length.

Requests without an answer, and those whose prices or tokens nobody knows, have no baseline: unknown is never a saving.
"""

from dataclasses import dataclass
from typing import Final, Self

from router.chat import Usage
from router.frozen import frozen
from router.outcome import Attempt, Outcome
from router.plan import Plan, Tier
from router.pricing import Price

__all__ = ["ENOUGH", "Baselines", "Habits", "Seen", "answered", "estimated", "price_of"]

ENOUGH: Final = 20
"""Answers of the last tier after which its habits are known."""
_MILLION: Final = 1_000_000


@frozen
class Habits:
    """How the last tier takes a route's requests."""

    input: float = 1.0
    """Tokens it counts for each that `signals` estimates."""
    cached: float = 1.0
    """Share of its input that is read from a warm prompt cache."""
    output: float = 1.0
    """Tokens it answers for each that a cheaper tier does."""


@dataclass(slots=True)
class Seen:
    """Sums over what the last tier answered, from which its habits follow."""

    calls: float = 0.0
    estimated: float = 0.0
    input: float = 0.0
    warm_input: float = 0.0
    warm_cached: float = 0.0

    def add(self, usage: Usage, tokens: int) -> None:
        """Take in one answer to a request of so many estimated tokens."""
        self.calls += 1
        self.estimated += tokens
        self.input += usage.input
        if usage.cached_input:
            self.warm_input += usage.input
            self.warm_cached += min(usage.cached_input, usage.input)

    def habits(self, output: float = 1.0) -> Habits:
        """What they come to, with how much longer its answers are."""
        if self.calls < ENOUGH or not self.estimated:
            return Habits(output=output)
        cached = self.warm_cached / self.warm_input if self.warm_input else 0.0
        return Habits(self.input / self.estimated, cached, output)


def estimated(price: Price, tokens: float, output: float, habits: Habits) -> float:
    """Return the US dollars that the last tier would have taken for a request it was not asked.

    Args:
        price: the last tier's.
        tokens: the request's, as `signals` estimates them.
        output: those of the answer that was given.
        habits: the last tier's.
    """
    cached = price.input if price.cached_input is None else price.cached_input
    per_input = habits.cached * cached + (1 - habits.cached) * price.input
    return (tokens * habits.input * per_input + output * habits.output * price.output) / _MILLION


def price_of(tier: Tier) -> Price | None:
    """The price of a tier: its first deployment's that is known."""
    return next((deployment.price for deployment in tier.deployments if deployment.price is not None), None)


def answered(outcome: Outcome) -> Attempt | None:
    """The attempt whose whole answer the client got; None when it got none."""
    last = outcome.heard if outcome.attempts else None
    return last if last is not None and last.result == "served" and outcome.end == "ok" else None


@dataclass(slots=True)
class _Last:
    """The last tier of a route where there is a choice, and what is known of it."""

    tier: str
    price: Price | None
    state: str
    """The route's: what was seen of another is worth nothing."""
    seen: Seen
    habits: Habits
    """What was seen comes to."""


class Baselines:
    """Baselines of requests as they end; what is learned about the last tier belongs to a route as it is."""

    def __init__(self) -> None:
        self._last: dict[str, _Last] = {}

    def serve(self, plan: Plan) -> Self:
        """Take routes and prices from this plan from now on."""
        before = self._last
        self._last = {}
        for name, route in plan.routes.items():
            if route.kind == "route" and len(route.cascade) > 1:
                known, last = before.get(name), route.cascade[-1].tier
                seen = known.seen if known is not None and known.state == route.state else Seen()
                self._last[name] = _Last(last.name, price_of(last), route.state, seen, seen.habits())
        return self

    def of(self, outcome: Outcome) -> float | None:
        """What the last tier alone would have cost, in US dollars; None where nobody knows, or there was no choice."""
        last, served, signals = self._last.get(outcome.route or ""), answered(outcome), outcome.signals
        if last is None or served is None or served.usage is None or signals is None:
            return None
        if served.tier == last.tier:
            last.seen.add(served.usage, signals.tokens)
            last.habits = last.seen.habits()
            return served.cost
        if last.price is None:
            return None
        return estimated(last.price, signals.tokens, served.usage.output, last.habits)
