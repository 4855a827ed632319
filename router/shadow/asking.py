"""One call beside the traffic: it takes no place that traffic may need, moves no breaker, and stays within its hour."""

from dataclasses import dataclass
from typing import Final

from router.chat import Completion, Usage
from router.clock import Clock
from router.pricing import cost
from router.shadow.hour import Hour
from router.upstream import attempt
from router.upstream.failure import Failure
from router.upstream.pool import Member

__all__ = ["LONGEST", "Said", "ask"]

LONGEST: Final = 4096
"""Output tokens that are held back from the hour for an answer without a cap of the client's."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of asking: an answer, or the name of a failure or of what kept it from being asked."""

    result: str
    deployment: str = ""
    """Empty when it was not asked."""
    completion: Completion | None = None
    cost: float | None = None
    seconds: float = 0.0


async def ask(member: Member, body: bytes, hour: Hour, *, most: Usage, clock: Clock) -> Said:
    """Ask one deployment, if it has a place to spare and the hour the dollars that the answer costs at `most`.

    It is never waited for a place. A failure says nothing to the breaker, and neither does an answer: whether a
    deployment is well is for real traffic to find out.
    """
    if (why := member.spares()) is not None:
        return Said(why)
    deployment = member.deployment
    if (held := cost(deployment.price, most)) is None:
        return Said("price")
    begun = clock.now()
    if not hour.reserve(held, begun):
        return Said("budget")
    spent = held  # unless it is known better: a call that was given up may have been paid for
    try:
        await member.enter()
        try:
            answer = await attempt.ask(member, body, within=deployment.timeout.total)
        finally:
            member.leave()
        paid = cost(deployment.price, answer.completion.usage)
        spent = held if paid is None else paid
        return Said("answered", deployment.name, answer.completion, paid, clock.now() - begun)
    except Failure as failure:
        spent = held if failure.reason == "timeout" else 0.0
        return Said(failure.reason, deployment.name, seconds=clock.now() - begun)
    finally:
        hour.settle(held, spent, clock.now())
