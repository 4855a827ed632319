"""What another deployment thinks of an answer: asked for in time, or else there is no opinion."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from router.chat import ChatRequest, Completion, Usage
from router.health import Breaker
from router.upstream import attempt
from router.upstream.failure import Failure
from router.upstream.pool import Member
from router.verify import Judge, score

__all__ = ["Opinion", "opinion"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """How good a judge finds an answer, from 0 to 1; None when it did not say."""

    score: float | None = None
    asked: bool = True
    """Whether it was called at all, so that it may have cost something."""
    usage: Usage | None = None


async def opinion(
    judge: Judge,
    request: ChatRequest,
    completion: Completion,
    member: Member,
    *,
    within: float,
    now: Callable[[], float],
) -> Opinion:
    """Ask, and wait at most `within` seconds, a free place included; whatever goes wrong is no opinion."""
    if member.refuses(now()) is not None:
        return Opinion(asked=False)
    body = {"model": member.deployment.model, "messages": judge.question(request, completion)}
    until = now() + within
    try:
        async with asyncio.timeout(within):
            await member.enter()
    except TimeoutError:
        return Opinion(asked=False)
    sent: Breaker | None = None
    try:
        sent = member.call(now())
        if sent is None:
            return Opinion(asked=False)
        answer = await attempt.ask(member, orjson.dumps(body), within=until - now())
        member.succeeded()
        return Opinion(score(answer.completion), usage=answer.completion.usage)
    except Failure as failure:
        if failure.blames_deployment and failure.reason != "timeout":  # our own patience says nothing about its health
            member.failed(now())
        return Opinion()
    finally:
        member.leave(sent)
