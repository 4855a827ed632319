"""Deployments of one tier are asked for embeddings, one after the other, until one has answered.

As `climb` asks for chat completions, without what is not there: nothing is judged, streamed, or handed further up.
"""

import asyncio
import math

from router.decide import Candidate, Decision, Step
from router.embeddings import EmbeddingRequest, NoEmbeddings, Vectors, shape, vectors
from router.errors import Problem, Unavailable, UpstreamTimedOut
from router.frozen import frozen
from router.health import Breaker
from router.journey import Journey
from router.traceparent import CALLS
from router.upstream.client import TRACEPARENT, TransportError
from router.upstream.failure import Failure, from_status, problem
from router.upstream.pool import Member, Pool, Tried, choose, larger

__all__ = ["Embedded", "Embedding", "ask"]


@frozen
class Embedded:
    """An answer: the upstream's own bytes, and what they say."""

    raw: bytes
    content_type: str
    vectors: Vectors


async def ask(member: Member, body: bytes, count: int, *, within: float) -> Embedded:
    """Send a request for so many embeddings and wait for the whole answer, `within` seconds.

    Raises:
        Failure: whatever else came of it.
    """
    try:
        answer = await member.transport.embedded(body, within=within)
    except TransportError as error:
        raise Failure(error.kind) from error
    if answer.status != 200:
        raise from_status(answer.status, answer.headers, answer.content)
    try:
        said = vectors(answer.content, count)
    except NoEmbeddings as error:
        raise Failure("malformed", 200) from error
    return Embedded(answer.content, answer.headers.get("content-type", "application/json"), said)


class Embedding:
    """One request's way from one deployment to the next."""

    __slots__ = ("_decision", "_failure", "_journey", "_pool", "_request", "_tried", "_until")

    def __init__(
        self, request: EmbeddingRequest, journey: Journey, pool: Pool, *, decision: Decision, deadline: float
    ) -> None:
        """Begin now, with `deadline` seconds for all of it."""
        self._request = request
        self._journey = journey
        self._pool = pool
        self._decision = decision
        self._until = journey.now + deadline
        self._tried: dict[str, Tried] = {}
        self._failure: tuple[Failure, int] | None = None

    async def run(self) -> Embedded:
        """Ask until somebody has answered.

        Raises:
            Problem: nobody is left to ask, or time is up.
        """
        steps = self._decision.steps
        while (candidate := choose(steps, self._tried, self._pool.order)) and self._left > candidate.after:
            if candidate.after:
                await asyncio.sleep(candidate.after)
                self._journey.paused(candidate.after)
            answer = await self._ask(candidate)
            if isinstance(answer, Embedded):
                return answer
            steps = self._without(answer, candidate, steps)
        if self._left <= 0:
            raise UpstreamTimedOut("the route's deadline has passed", code="deadline_exceeded")
        raise self._told()

    @property
    def _left(self) -> float:
        """Seconds until the deadline."""
        return self._until - self._journey.now

    async def _ask(self, candidate: Candidate) -> Embedded | Failure:
        """Ask one deployment, and note what became of it."""
        journey, deployment = self._journey, candidate.deployment
        member, since = self._pool.embedder(deployment.name), journey.elapsed
        try:
            await self._enter(member)
        except Failure as failure:
            return self._note(candidate, since, failure)
        sent: Breaker | None = None
        try:
            sent = member.call(journey.now)
            if sent is None:
                raise Failure("open")  # noqa: TRY301  the breaker opened while a place was waited for
            body, dropped = shape(self._request, to=deployment, params=candidate.tier.params)
            journey.dropped += tuple((deployment.name, name) for name in dropped)
            if (trace := journey.trace) is not None:
                TRACEPARENT.set(trace.header(CALLS + journey.place + 1))
            within = min(deployment.timeout.total, self._left)
            answer = await ask(member, body, self._request.count, within=within)
            member.succeeded()
        except Failure as failure:
            if failure.blames_deployment:
                member.failed(journey.now)
            elif failure.called:
                member.succeeded()
            return self._note(candidate, since, failure)
        except asyncio.CancelledError:
            journey.note(candidate, "left", "left", since=since)
            raise
        finally:
            member.leave(sent)
        journey.note(candidate, "served", since=since, usage=answer.vectors.usage)
        return answer

    async def _enter(self, member: Member) -> None:
        """Take a place, or raise the Failure that there is none."""
        if (why := member.refuses(self._journey.now)) is not None:
            raise Failure(why)
        try:
            await member.enter(within=self._left)
        except TimeoutError:
            raise Failure("full") from None

    def _note(self, candidate: Candidate, since: float, failure: Failure) -> Failure:
        self._journey.note(candidate, "failed" if failure.called else "skipped", failure.reason, since=since)
        return failure.with_traceback(None)  # or it and the frames it came through would hold on to each other

    def _without(self, failure: Failure, candidate: Candidate, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Who may still be asked after a failure."""
        before = self._tried.get(candidate.deployment.name)
        times = int(failure.called) + (before.times if before else 0)
        self._tried[candidate.deployment.name] = Tried(times, failure.again, failure.retry_after)
        if failure.called:
            self._failure = failure, self._journey.place
        if failure.too_long:
            return larger(steps, candidate)
        return () if failure.final else steps

    def _told(self) -> Problem:
        """What the client is told when nobody is left to ask: what was said last."""
        if self._failure is not None:
            failure, self._journey.speaker = self._failure
            return problem(failure, self._decision.start)
        opens = [self._pool.embedder(name).breaker.open_until or 0.0 for name in self._tried]
        after = max(1, math.ceil(min(opens, default=0.0) - self._journey.now))
        return Unavailable("no deployment can take this request just now", headers={"retry-after": str(after)})
