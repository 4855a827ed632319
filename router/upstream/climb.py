"""Up the cascade: one deployment after the other is asked, until an answer is good enough."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from router.chat import ChatRequest, Completion, Usage, without_logprobs
from router.clock import Clock
from router.conversation import own
from router.decide import Candidate, Decision, Step
from router.errors import BadRequest, Problem, Unavailable, UpstreamFailed, UpstreamTimedOut
from router.health import Breaker
from router.journey import Journey
from router.outcome import Judgement
from router.plan import ALL, Deployment, Route, Tier
from router.pricing import cost
from router.prompts import Shaped, shape
from router.traceparent import CALLS
from router.upstream import attempt
from router.upstream.client import TRACEPARENT
from router.upstream.failure import Failure, problem
from router.upstream.live import EVENTS, Draft, Drafted, Live, Served
from router.upstream.opinion import Opinion, opinion
from router.upstream.pool import Member, Pool, Tried, above, choose, larger
from router.upstream.purse import Purse
from router.upstream.sources import Sourced, Sources
from router.upstream.stream import Stream
from router.verify import ACCEPTED, Judge, Verdict, Watching, judge, usable

__all__ = ["EVENTS", "Climb", "Live", "Served"]


@dataclass(slots=True)
class _Call:
    """One deployment, being asked."""

    candidate: Candidate
    member: Member
    since: float
    """Seconds into the request."""
    steps: tuple[Step, ...]
    """Its tier, and those that may be asked if its answer is not good enough."""
    request: ChatRequest
    """As it is asked, with its tier's sources."""
    sources: tuple[str, ...]
    """Their ids."""
    shaped: Shaped
    sent: Breaker | None = None
    judged: Judge | None = None
    """Who says what this answer is worth, if it passes the other checks; not if no other could be had, or by chance."""
    paid: bool = False

    @property
    def above(self) -> tuple[Step, ...]:
        """Who may be asked if its answer is not good enough."""
        return above(self.steps, self.candidate.tier)


class Climb:
    """One request on its way up."""

    __slots__ = (
        "_clock",
        "_decision",
        "_draft",
        "_failures",
        "_journey",
        "_pool",
        "_purse",
        "_request",
        "_retrieval",
        "_route",
        "_told_above",
        "_tried",
        "_until",
    )

    def __init__(
        self, request: ChatRequest, journey: Journey, pool: Pool, clock: Clock, *, route: Route, decision: Decision
    ) -> None:
        self._request = request
        self._journey = journey
        self._pool = pool
        self._clock = clock
        self._route = route
        self._decision = decision
        self._until = clock.now() + route.deadline
        self._purse = Purse(decision)
        self._retrieval: Sources | None = None
        self._told_above: str | None = None
        self._draft: Draft | None = None
        self._tried: dict[str, Tried] = {}
        self._failures: dict[str, tuple[Failure, int]] = {}

    async def run(self) -> Served:
        """Ask until an answer is good enough, or the best that there is.

        Raises:
            Problem: nobody is left to ask, or time is up.
        """
        steps = self._decision.steps
        while (candidate := choose(steps, self._tried, self._order)) and self._left > candidate.after:
            if candidate.after:
                await asyncio.sleep(candidate.after)
                self._journey.paused(candidate.after)
            match await self._ask(candidate, steps):
                case Served() as served:
                    return served
                case Verdict():
                    self._count(candidate, Tried(1, again=False))
                    steps = above(steps, candidate.tier)
                case Failure() as failure:
                    steps = self._without(failure, candidate, steps)
        if self._draft is not None and usable(
            self._draft.completion, self._draft.given, self._draft.candidate.tier.checks
        ):
            self._journey.redeem(self._draft.place)
            self._journey.answer = self._draft.completion
            return self._draft.served
        if self._left <= 0:
            raise UpstreamTimedOut("the route's deadline has passed", code="deadline_exceeded")
        raise self._told()

    def _order(self, step: Step) -> Sequence[Deployment]:
        """Who of a tier is asked before whom."""
        session = self._journey.session
        return self._pool.order(step, keeps=self._decision.keeps, thread=session.thread if session else None)

    @property
    def _left(self) -> float:
        """Seconds until the route's deadline."""
        return self._until - self._clock.now()

    async def _ask(self, candidate: Candidate, steps: tuple[Step, ...]) -> Served | Verdict | Failure:
        """Ask one deployment of these tiers, and note what became of it."""
        member = self._pool.members[candidate.deployment.name]
        since = self._journey.elapsed
        try:
            call = await self._ready(candidate, member, since, steps)
        except Failure as failure:
            return self._note(candidate, since, failure)
        result: Served | Verdict | Failure | None = None
        try:
            call.sent = member.call(self._clock.now())
            if call.sent is None:
                raise Failure("open")  # noqa: TRY301  the breaker opened while a place was waited for
            result = await (self._stream if self._request.stream else self._whole)(call)
        except Failure as failure:
            if failure.blames_deployment:
                member.failed(self._clock.now())
            elif failure.called:
                member.succeeded()
            result = self._note(candidate, since, failure)
        except asyncio.CancelledError:
            self._journey.note(candidate, "left", "left", since=since)
            raise
        finally:
            if not isinstance(result, Served) or result.live is None:
                member.leave(call.sent)
        return result

    async def _ready(self, candidate: Candidate, member: Member, since: float, steps: tuple[Step, ...]) -> _Call:
        """Have a place and something to send, or raise the Failure that there is none."""
        tier, request = candidate.tier, self._request
        sources: tuple[str, ...] = ()
        now = self._clock.now()
        if (why := member.refuses(now)) is not None:
            raise Failure(why)
        if tier.context is not None:
            sourced = await self._sources(tier)
            request, sources = sourced.request, sourced.ids
            now = self._clock.now()
        shaped = self._shaped(candidate, request)
        if not self._purse.affords(candidate.deployment, shaped.added):
            raise Failure("cost")
        try:
            await member.enter(within=self._until - now)
        except TimeoutError:
            raise Failure("full") from None
        if (trace := self._journey.trace) is not None:  # the call says which one it belongs to
            TRACEPARENT.set(trace.header(CALLS + self._journey.place + 1))
        call = _Call(candidate, member, since, steps, request, sources, shaped)
        if (check := tier.judge) is not None and call.above and self._clock.draw() < check.rate:
            call.judged = check
        return call

    async def _whole(self, call: _Call) -> Served | Verdict:
        tier = call.candidate.tier
        answer = await attempt.ask(call.member, call.shaped.body, within=self._within(call.candidate))
        call.member.succeeded()
        verdict = judge(answer.completion, call.request, tier.checks)
        if verdict.accepted and call.judged is not None:
            verdict = await self._judged(call, call.judged, answer.completion)
        sent = verdict.accepted or self._stands(call, answer.completion, verdict)
        self._answered(call, verdict, answer.completion.usage, sent=sent)
        raw = without_logprobs(answer.raw) if self._hides_logprobs(tier) else answer.raw
        served = Served(answer.content_type, raw)
        if not sent:
            self._draft = Draft(served, answer.completion, call.candidate, call.request, self._journey.place)
            return verdict
        self._journey.answer = answer.completion
        return served

    async def _stream(self, call: _Call) -> Served | Verdict:
        tier, timeout = call.candidate.tier, call.candidate.deployment.timeout
        within = self._within(call.candidate)
        begun = self._clock.now()
        streamed = await attempt.begin(call.member, call.shaped.body, within=min(timeout.first_byte, within))
        waited = self._clock.now() - begun  # for its head, which is not yet a byte of the stream
        stream = Stream(
            streamed,
            show_usage=self._request.include_usage,
            show_logprobs=not self._hides_logprobs(tier),
            patience=(timeout.first_byte - waited, timeout.idle),
            now=self._clock.now,
            until=begun + within,
        )
        committed = False
        try:
            verdict, usage = await self._held(call, stream)
            if stream.begun is not None:
                self._journey.first_chunk(stream.begun - begun)
            committed = verdict.accepted or self._stands(call, stream.answer.completion(), verdict)
            self._answered(call, verdict, usage, sent=committed)
        finally:
            if not committed:
                await stream.aclose()
        if committed:
            return Served(EVENTS, live=Live(stream, call.member, call.candidate, call.sent, given=call.request))
        call.member.succeeded()
        if stream.whole:
            given = call.request
            served = Served(EVENTS, live=Drafted(stream, call.member, call.candidate, None, given=given))
            self._draft = Draft(served, stream.answer.completion(), call.candidate, given, self._journey.place)
        return verdict

    async def _held(self, call: _Call, stream: Stream) -> tuple[Verdict, Usage | None]:
        """Hold a stream back for as long as its tier says, and judge what there is of it by then."""
        tier = call.candidate.tier
        chunks = self._hold(tier, judged=call.judged is not None) if call.above else 0
        watching = Watching.of(tier.checks, call.request) if chunks else None
        await stream.hold(chunks, watching.add if watching else None)
        verdict, usage = self._so_far(stream, call)
        if verdict.accepted and call.judged is not None and stream.whole:
            verdict = await self._judged(call, call.judged, stream.answer.completion())
        return verdict, usage

    async def _judged(self, call: _Call, check: Judge, completion: Completion) -> Verdict:
        """What another deployment makes of an answer that has passed its checks; no opinion is none against it."""
        self._pay(call, completion)
        member = self._pool.members[check.deployment]
        permitted = self._decision.bounds.require.items() <= member.deployment.labels.items()
        within = min(check.timeout, self._left)
        said, given = Opinion(asked=False), call.request.given
        asked = replace(self._request, given=given) if given else self._request
        if permitted and within > 0 and self._purse.affords_any(call.above) and self._purse.affords(member.deployment):
            said = await opinion(check, asked, completion, member, within=within, now=self._clock.now)
        if said.asked:
            self._purse.pay(member.deployment, said.usage)
        verdict = ACCEPTED if said.score is None else check.verdict(said.score)
        result: Literal["accepted", "rejected", "failed"] = (
            "failed" if said.score is None else "accepted" if verdict.accepted else "rejected"
        )
        paid = cost(member.deployment.price, said.usage) if said.score is not None or said.usage else 0.0
        self._journey.judgements.append(Judgement(call.candidate.tier.name, check.deployment, result, said.score, paid))
        return verdict

    def _pay(self, call: _Call, completion: Completion) -> None:
        """Take off what an answer cost, once."""
        if not call.paid:
            self._purse.pay(call.candidate.deployment, completion.usage)
            call.paid = True

    def _answered(self, call: _Call, verdict: Verdict, usage: Usage | None, *, sent: bool) -> None:
        """Note an answer, which the client gets or the next tier improves on."""
        self._journey.note(
            call.candidate,
            "served" if sent else "escalated",
            verdict.reason,
            since=call.since,
            usage=usage,
            trimmed=call.shaped.trimmed if call.shaped.added else 0,
        )
        if call.sources:
            self._journey.cites(call.sources)

    def _so_far(self, stream: Stream, call: _Call) -> tuple[Verdict, Usage | None]:
        """What checks say of a stream that is held back: what its pieces showed, or all of it once it has finished."""
        if stream.broken is not None:
            return Verdict(accepted=False, reason=stream.broken), stream.answer.usage
        if not stream.answer.finished:
            return Verdict(accepted=True), None
        verdict = judge(stream.answer.completion(), call.request, call.candidate.tier.checks)
        return verdict, stream.answer.usage

    def _stands(self, call: _Call, completion: Completion, verdict: Verdict) -> bool:
        """Whether an answer that is not good enough is sent all the same: nobody above it is left, or can be paid.

        If somebody is, what they are told about it is kept for them.
        """
        self._pay(call, completion)
        if not self._purse.affords_any(call.above):
            return True
        self._journey.drafts[call.candidate.tier.name] = completion
        handoff = self._route.handoff or call.candidate.tier.handoff
        self._told_above = handoff.told(completion, verdict.reason) if handoff else None
        return False

    async def _sources(self, tier: Tier) -> Sourced:
        """The request with what this tier answers it with."""
        if self._retrieval is None:
            self._retrieval = Sources(self._request, self._journey, self._pool)
        return await self._retrieval.of(tier, self._left)

    def _shaped(self, candidate: Candidate, request: ChatRequest) -> Shaped:
        """The request as this tier, or this tune, should see it: the client's own, whatever was asked before."""
        tier, deployment = candidate.tier, candidate.deployment
        shaped = shape(
            self._seen_by(deployment, request),
            to=deployment,
            params=tier.params,
            prompt=tier.prompts.get(deployment.name),
            told=self._told_above,
            logprobs=self._hides_logprobs(tier),
        )
        if shaped.dropped:
            self._journey.dropped += tuple((deployment.name, name) for name in shaped.dropped)
        return shaped

    def _seen_by(self, deployment: Deployment, request: ChatRequest) -> ChatRequest:
        """A request without what other models wrote for themselves."""
        session, staying = self._journey.session, self._route.sessions
        if session is None or session.key is None or staying is None or not staying.mixed:
            return request
        messages, pin = request.messages, session.pin
        seen = own(messages, pin.since if pin is not None and pin.model == deployment.voice else len(messages))
        return request if seen is messages else replace(request, body={**request.body, "messages": seen})

    def _hides_logprobs(self, tier: Tier) -> bool:
        """Whether log probabilities are asked for that the client did not ask for, so that it must not see them."""
        return tier.reads_logprobs and not {**tier.params, **self._request.body}.get("logprobs")

    def _within(self, candidate: Candidate) -> float:
        """Seconds this attempt may take."""
        return min(candidate.deployment.timeout.total, self._until - self._clock.now())

    def _hold(self, tier: Tier, *, judged: bool) -> int:
        """How many useful chunks are held back: what the policy says, or all where a broken answer breaks a program."""
        if tier.hold is not None:
            return tier.hold
        if judged:
            return ALL
        body, imposed = self._request.body, tier.params
        asked = ("tools", "functions", "response_format")
        return ALL if any(body.get(name) or imposed.get(name) for name in asked) else 0

    def _note(self, candidate: Candidate, since: float, failure: Failure) -> Failure:
        self._journey.note(candidate, "failed" if failure.called else "skipped", failure.reason, since=since)
        return failure.with_traceback(None)  # or it and the frames it came through would hold on to each other

    def _without(self, failure: Failure, candidate: Candidate, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Who may still be asked after a failure."""
        self._count(candidate, Tried(int(failure.called), failure.again, failure.retry_after))
        if failure.called or candidate.tier.name not in self._failures:
            self._failures[candidate.tier.name] = failure, self._journey.place
        if failure.too_long:
            return larger(steps, candidate)
        context = candidate.tier.context
        if failure.reason == "retrieval" and context is not None and context.on_error == "fail":
            return ()
        if failure.final:  # it is about the request, so it is what the client hears, whatever failed before
            self._failures = {candidate.tier.name: (failure, self._journey.place)}
            return ()
        return steps

    def _count(self, candidate: Candidate, now: Tried) -> None:
        """Add one try of a deployment to those before it."""
        before = self._tried.get(candidate.deployment.name)
        self._tried[candidate.deployment.name] = replace(now, times=now.times + before.times) if before else now

    def _told(self) -> Problem:
        """What the client is told when nobody is left to ask: what the highest tier said that was asked."""
        ladder = [step.tier.name for step in self._decision.steps]
        for tier in sorted(self._failures, key=ladder.index, reverse=True):
            failure, place = self._failures[tier]
            if failure.called:
                self._journey.speaker = place
                return problem(failure, tier)
        if any(failure.reason == "retrieval" for failure, _ in self._failures.values()):
            message = "the sources that this is to be answered with cannot be had just now"
            return UpstreamFailed(message, code="retrieval_failed")
        opens = [self._pool.members[name].breaker.open_until or 0.0 for name in self._tried]
        after = max(1, math.ceil(min(opens, default=0.0) - self._clock.now()))
        if self._failures and all(failure.reason == "cost" for failure, _ in self._failures.values()):
            message = "with the prompts that are added, no tier is expected to answer for what this request may cost"
            return BadRequest(message, code="max_cost_exceeded")
        return Unavailable("no deployment can take this request just now", headers={"retry-after": str(after)})
