"""What one request has used, once it has ended: tokens and money of every answer that was paid for because of it."""

from collections.abc import Mapping

from router.chat import Completion, Usage
from router.frozen import frozen
from router.outcome import Attempt, Outcome
from router.plan import Deployment
from router.pricing import cost

__all__ = ["Charge", "charged"]

_CHARACTERS = 4
"""Characters of text that are counted as a token where nobody says."""
_ANSWERED = frozenset({"served", "escalated", "left"})


@frozen
class Charge:
    """What was used."""

    tokens: int = 0
    usd: float = 0.0


def charged(
    outcome: Outcome, deployments: Mapping[str, Deployment], *, prompt: int = 0, cut: Completion | None = None
) -> Charge:
    """Add up what a request has used; escalations and judges count, because they are what its answer took.

    Where a deployment says nothing of usage (a stream was cut off, or it never does), it is estimated: the prompt, and
    what came until then (`cut`). Where nobody knows the price, nothing is known. What was remembered used nothing.

    Args:
        outcome: the request's.
        deployments: by name, for their prices.
        prompt: its tokens, as estimated before; 0: as its signals say.
        cut: what there is of a stream that was not finished.
    """
    prompt = prompt or (outcome.signals.tokens if outcome.signals is not None else 0)
    tokens, usd = 0, 0.0
    last = outcome.attempts[-1] if outcome.attempts else None
    for attempt in outcome.attempts:
        if attempt.result not in _ANSWERED and not (outcome.end == "broken" and attempt is last):
            continue
        usage, paid = attempt.usage, attempt.cost
        if usage is None:
            usage = Usage(prompt, _length(_said(outcome, attempt, cut)) // _CHARACTERS)
        if paid is None and (deployment := deployments.get(attempt.deployment)) is not None:
            paid = cost(deployment.price, usage)
        tokens += usage.input + usage.output
        usd += paid or 0.0
    return Charge(tokens, usd + sum([judgement.cost or 0.0 for judgement in outcome.judgements]))


def _said(outcome: Outcome, attempt: Attempt, cut: Completion | None) -> Completion | None:
    """What an attempt's answer was, as far as it is known."""
    if attempt.result == "escalated":
        return outcome.drafts.get(attempt.tier)
    return outcome.answer if outcome.answer is not None else cut


def _length(said: Completion | None) -> int:
    """Characters of an answer."""
    size = 0
    for choice in said.choices if said is not None else ():
        size += len(choice.content) + len(choice.refusal)
        for call in choice.tool_calls:
            function = call.get("function")
            arguments = function.get("arguments") if isinstance(function, Mapping) else None
            size += len(arguments) if isinstance(arguments, str) else 0
    return size
