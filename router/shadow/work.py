"""Shadows at work: the few that run at once, those that wait for their turn, and the end of all of them."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import orjson

from router import comparing, verify
from router.chat import ChatRequest, Usage
from router.clock import SYSTEM, Clock
from router.comparing import Answered, Compared, Judgement
from router.decide import Step
from router.errors import Problem
from router.log import say
from router.outcome import Aside, Evidence, Outcome
from router.plan import Plan, Route, Shadowing, Tier
from router.prompts import shape
from router.shadow import asking, findings
from router.shadow.asking import Said
from router.shadow.findings import Gain
from router.shadow.hour import Hour
from router.shadow.looking import Look, look
from router.upstream.pool import Pool
from router.upstream.retriever import RetrieverError

__all__ = ["Shadows", "Told"]

_MOST_WAITING: Final = 64
"""Requests of a route that wait for their turn; what comes when so many do is dropped and counted."""
_MOST_TOKENS: Final = 1_000_000
"""Prompt tokens of what waits, of about four bytes each: conversations are long, and waiting ones are kept whole."""
_OPINION: Final = 1024
"""Output tokens that a judge's opinion takes at most, as far as money is concerned."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who hears what shadows find out; called on the event loop, so all of them are quick and none of them raises."""

    aside: Callable[[Aside], None] = lambda _: None
    """Every call, and every one that was not made."""
    evidence: Callable[[Evidence], None] = lambda _: None
    escalation: Callable[[str, Gain], None] = lambda _, __: None
    """A route, and what one of its escalations was good for."""


class _Line:
    """The shadows of one route."""

    __slots__ = ("hour", "route", "running", "shadowing", "waiting")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.shadowing: Shadowing | None = None
        """None while its policy does not ask for any."""
        self.hour = Hour(0.0)
        self.running = 0
        self.waiting: deque[Look] = deque()

    @property
    def tokens(self) -> int:
        """Prompt tokens of what waits."""
        return sum(each.decision.expected.input for each in self.waiting)


class Shadows:
    """Looks at requests after they were served; `offer` is a sink of outcomes."""

    def __init__(self, told: Told, clock: Clock = SYSTEM, *, share: float = 1.0) -> None:
        """Spend this share of each route's dollars: one over the number of processes that serve the policy."""
        self._told = told
        self._clock = clock
        self._share = share
        self._pool = Pool({})
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def serve(self, plan: Plan, pool: Pool) -> None:
        """Look at what is served with these from now on. What an hour has cost is not forgotten by a reload."""
        self._pool = pool
        for name, route in plan.routes.items():
            if name in self._lines or route.shadow is not None:
                line = self._lines.setdefault(name, _Line(route))
                line.route, line.shadowing = route, route.shadow
                line.hour.most = route.shadow.usd_per_hour * self._share if route.shadow else 0.0
        for name in self._lines.keys() - plan.routes.keys():
            self._lines[name].shadowing = None

    def offer(self, outcome: Outcome) -> None:
        """Look at a request, if its route wants that and the dice say so; it takes its turn behind others."""
        line = self._lines.get(outcome.route or "")
        if line is None or line.shadowing is None or self._closed or outcome.kind != "route":
            return
        if (looked := look(outcome, line.route, self._clock.draw())) is None:
            return
        if line.running < line.shadowing.concurrency:
            self._start(line, looked)
        elif len(line.waiting) < _MOST_WAITING and line.tokens < _MOST_TOKENS:
            line.waiting.append(looked)
        else:
            self._tell(looked, "shadow", looked.served, Said("queue"))

    async def settled(self) -> None:
        """Wait until nothing is under way and nothing waits."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Give up whatever is under way or waits, and wait until it is gone; nothing is looked at any more."""
        self._closed = True
        for line in self._lines.values():
            line.waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, line: _Line, looked: Look) -> None:
        line.running += 1
        task = asyncio.create_task(self._work(line, looked))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(line, done))

    def _ended(self, line: _Line, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        line.running -= 1
        if not task.cancelled() and (fault := task.exception()) is not None:
            say(f"a shadow ended in a fault of ours, and no request was harmed: {fault!r}")
        if line.waiting and not self._closed:
            self._start(line, line.waiting.popleft())

    async def _work(self, line: _Line, looked: Look) -> None:
        """Ask whoever is to be asked, then compare."""
        shadowing = line.shadowing
        if shadowing is None or line.route.state != looked.outcome.state:
            self._tell(looked, "shadow", looked.served, Said("stale"))
            return
        given = looked.outcome.given
        answers = {tier: Answered(said, given.get(tier, "")) for tier, said in looked.answers.items()}
        passes = {tier: tier not in looked.outcome.drafts for tier in answers}
        for step in looked.ask:
            sourced = await self._sourced(looked.request, step.tier)
            said = await self._ask(line, looked, step, sourced) if sourced is not None else Said("retrieval")
            self._tell(looked, "shadow", step.tier.name, said)
            if said.completion is not None and sourced is not None:
                answers[step.tier.name] = Answered(said.completion, sourced.given)
                passes[step.tier.name] = verify.judge(said.completion, sourced, step.tier.checks).accepted
        if (last := answers.get(looked.last)) is None:
            return
        for tier, answer in answers.items():
            if tier != looked.last:
                judged = await self._judge(line, looked, tier, (answer, last), shadowing)
                compared = comparing.compare(answer.completion, last.completion, shadowing.method)
                self._find(looked, tier, compared, judged, passed=passes[tier])

    async def _sourced(self, request: ChatRequest, tier: Tier) -> ChatRequest | None:
        """The request with what the tier retrieves for it; None when it is not to be asked without."""
        if (context := tier.context) is None:
            return request
        try:
            chunks = await self._pool.retriever(context).ask(context, request, within=context.timeout)
        except RetrieverError:
            return request if context.on_error == "skip" else None
        return context.given(request, chunks)

    async def _ask(self, line: _Line, looked: Look, step: Step, request: ChatRequest) -> Said:
        """Ask one tier, as it would have been asked by the client: its prompt, its params, and nothing handed over."""
        said = Said("busy")
        for deployment in step.deployments:
            member = self._pool.members.get(deployment.name)
            if member is None:
                continue
            try:
                shaped = shape(
                    request,
                    to=deployment,
                    params=step.tier.params,
                    prompt=step.tier.prompts.get(deployment.name),
                    logprobs=step.tier.reads_logprobs,
                )
            except Problem:  # it cannot be put the way this tier is asked
                return Said("rejected")
            sources = 0 if request is looked.request else len(shaped.body) // 4  # at most so many tokens more
            tokens = max(0, looked.decision.expected.input + shaped.added) + sources
            most = Usage(tokens, looked.request.output_cap or asking.LONGEST)
            said = await asking.ask(member, shaped.body, line.hour, most=most, clock=self._clock)
            if said.result not in {"open", "busy"}:
                break
        return said

    def _find(self, looked: Look, tier: str, compared: Compared, judged: Judgement | None, *, passed: bool) -> None:
        """Tell what a tier's answer, beside the last tier's, is evidence of."""
        if evidence := findings.agreement(looked, tier, compared, passed=passed):
            self._told.evidence(evidence)
        if judged is not None and (evidence := findings.quality(looked, tier, judged, passed=passed)):
            self._told.evidence(evidence)
        if tier in looked.outcome.drafts and looked.served == looked.last:
            self._told.escalation(looked.outcome.route or "", findings.gained(looked, compared, judged))

    async def _judge(
        self, line: _Line, looked: Look, tier: str, pair: tuple[Answered, Answered], shadowing: Shadowing
    ) -> Judgement | None:
        """Ask the judge twice, with the order swapped, about what is looked at and cannot be compared as a value."""
        if (referee := shadowing.referee) is None or looked.rate is None:
            return None
        choices = [answered.completion.choices[0] for answered in pair]
        if not shadowing.always_judges and comparing.method_for(*choices) != "f1":
            return None
        if (member := self._pool.members.get(referee.deployment.name)) is None:
            return None
        opinions = []
        for first, second in (pair, pair[::-1]):
            messages = comparing.question(referee.prompt, looked.request, first, second)
            body = orjson.dumps({"model": referee.deployment.model, "messages": messages})
            most = Usage(len(body) // 4, _OPINION)
            said = await asking.ask(member, body, line.hour, most=most, clock=self._clock)
            opinion = comparing.read(comparing.said(said.completion.choices[0])) if said.completion else None
            if said.completion is not None and opinion is None:
                said = Said("unreadable", said.deployment, None, said.cost, said.seconds)
            self._tell(looked, "judge", tier, said)
            if opinion is None:
                return None
            opinions.append(opinion)
        return comparing.reconciled(*opinions)

    def _tell(self, looked: Look, kind: Literal["shadow", "judge"], tier: str, said: Said) -> None:
        outcome, decision = looked.outcome, looked.decision
        self._told.aside(
            Aside(
                id=outcome.id,
                route=outcome.route or "",
                start=decision.start,
                band=decision.band,
                kind=kind,
                tier=tier,
                deployment=said.deployment,
                result=said.result,
                usage=said.completion.usage if said.completion else None,
                cost=said.cost,
                seconds=said.seconds,
            )
        )
