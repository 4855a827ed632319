"""Is this request looked at, whom is it put to, and how much traffic does it stand for?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from router.chat import ChatRequest, Completion
from router.conversation import own
from router.decide import Decision, Step
from router.outcome import Outcome
from router.plan import Route

__all__ = ["Look", "look"]

_BY_DIFFICULTY: Final = frozenset({"easy", "hard", "explore"})
"""Reasons of a start that a threshold can move: what anything else decided says nothing about thresholds."""
_DROPPED: Final = frozenset({"stream", "stream_options", "n", "store", "prediction"})
"""What a request says of how its answer is delivered and kept: aside, one whole answer is wanted, and none is kept."""


@dataclass(frozen=True, slots=True)
class Look:
    """One request that was served, and what is still to be asked about it."""

    outcome: Outcome
    decision: Decision
    request: ChatRequest
    """As it is asked aside: whole, one choice."""
    answers: Mapping[str, Completion]
    """What is there already, by tier: what was served, and drafts that were not good enough."""
    ask: tuple[Step, ...]
    """Who else is asked."""
    last: str
    """The cascade's last tier, with whose answer all are compared."""
    rate: float | None
    """How likely a request like this is looked at; None for one that is not, and only has a draft to compare."""

    @property
    def served(self) -> str:
        """The tier whose answer the client has."""
        return _served(self.outcome)

    def weight(self, tier: str) -> float | None:
        """How many requests like this one a comparison of a tier with the last stands for; None when with none.

        A draft lies beside the last tier's answer whenever there was an escalation to it; whatever had to be asked for
        is there with the probability of being looked at.
        """
        chance = 1.0 if tier in self.outcome.drafts and self.served == self.last else self.rate
        return None if chance is None else 1.0 / (chance * self.decision.propensity)


def look(outcome: Outcome, route: Route, draw: float) -> Look | None:
    """What is to be asked and compared after a request; None when that is nothing.

    `draw`: how the dice fell, from 0 to 1.
    """
    decision, request = outcome.decision, outcome.request
    if route.shadow is None or outcome.end != "ok" or outcome.answer is None or request is None or decision is None:
        return None
    if not outcome.attempts or decision.reason not in _BY_DIFFICULTY or decision.bounds.require:
        return None
    steps, last = (*decision.below, *decision.steps), route.cascade[-1].tier.name
    if steps[-1].tier.name != last:
        return None
    tried = {attempt.tier for attempt in outcome.attempts}  # who failed is not asked again, least of all for this
    served = _served(outcome)
    rate = route.shadow.rates.get(served, 0.0)
    looked = draw < rate
    ask = tuple(step for step in steps if step.tier.name not in tried) if looked else ()
    answers = {**outcome.drafts, served: outcome.answer}
    there = answers.keys() | {step.tier.name for step in ask}
    if last not in there or len(there) == 1:
        return None
    body = {name: value for name, value in request.body.items() if name not in _DROPPED}
    body["messages"] = own(request.messages, len(request.messages))  # nothing in it is known to be the other model's
    return Look(outcome, decision, ChatRequest(body, request.model), answers, ask, last, rate=rate if looked else None)


def _served(outcome: Outcome) -> str:
    return outcome.heard.tier if outcome.heard else ""
