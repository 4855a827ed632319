"""Deployments at work: who is asked next, how many at once, and which are left alone for a while.

The pool *decides* synchronously, from values; what waits happens in `attempt` and `stream`.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from typing_extensions import override

from router.decide import Candidate, Step
from router.frozen import frozen
from router.health import CLOSED, Breaker
from router.plan import Deployment, Tier
from router.prompts import Context
from router.upstream.client import Transport
from router.upstream.retriever import Retriever

__all__ = ["Embedder", "Member", "Pool", "Tried", "above", "choose", "larger", "rendezvous"]

MOST_PER_DEPLOYMENT = 2
MOST_PER_REQUEST = 6
LONGEST_RETRY_AFTER = 1.0
"""Seconds; a deployment that asks for more is not waited for."""


class Member:
    """One deployment at work: its connections, its places, its breaker."""

    __slots__ = ("_idle", "breaker", "busy", "deployment", "places", "transport", "turned")

    def __init__(self, deployment: Deployment, transport: Transport) -> None:
        self.deployment = deployment
        self.transport = transport
        self.breaker = CLOSED
        self.turned: Callable[[Member], None] | None = None
        """Hears when the breaker has opened, or closed again."""
        self.busy = 0
        self._idle: asyncio.Event | None = None
        """Who retires it waits for this."""
        self.places = asyncio.Semaphore(deployment.concurrency) if deployment.concurrency else None

    def refuses(self, now: float) -> str | None:
        """Why it should not be asked now: `open`, `full`, or None."""
        if self.breaker is not CLOSED and not self.breaker.allows(now):
            return "open"
        if self.places is not None and self.deployment.spills and self.places.locked():
            return "full"
        return None

    def spares(self) -> str | None:
        """Why it has nothing to spare for calls nobody waits for: `open`, `busy`, or None.

        They take at most half of its places, and leave the probe of a breaker that is open to real traffic.
        """
        if self.breaker.open_until is not None:
            return "open"
        most = self.deployment.concurrency
        return "busy" if most is not None and 2 * (self.busy + 1) > most else None

    async def enter(self, *, within: float | None = None) -> None:
        """Take a place; wait for one when there is none.

        Raises:
            TimeoutError: there was none within so many seconds.
        """
        if self.places is not None:
            async with asyncio.timeout(within if self.places.locked() else None):
                await self.places.acquire()
        self.busy += 1

    def call(self, now: float) -> Breaker | None:
        """Begin a call, unless the breaker has opened while a place was waited for; gives what it was sent with."""
        if self.breaker is not CLOSED:
            if not self.breaker.allows(now):
                return None
            self.breaker = self.breaker.sent()
        return self.breaker

    def leave(self, sent: Breaker | None = None) -> None:
        """Give the place back. A probe that told nothing lets the next one go; any other call has no say in that."""
        self.busy -= 1
        if sent is not CLOSED and sent is not None:
            self._abandon(sent)
        if self.places is not None:
            self.places.release()
        if self._idle is not None and not self.busy:
            self._idle.set()

    def _abandon(self, sent: Breaker | None) -> None:
        if sent is not None and sent is self.breaker:
            self.breaker = sent.abandoned()

    def succeeded(self) -> None:
        """Its last call was answered."""
        if self.breaker is CLOSED:
            return
        before, self.breaker = self.breaker, self.breaker.succeeded()
        if before.open_until is not None and self.turned is not None:
            self.turned(self)

    def failed(self, now: float) -> None:
        """Its last call failed, in a way that says something about it."""
        rule = self.deployment.breaker
        before = self.breaker
        self.breaker = before.after_failure(now, failures=rule.failures, open_for=rule.open_for)
        if self.breaker.open_until != before.open_until and self.turned is not None:
            self.turned(self)

    async def retire(self) -> None:
        """Close its connections as soon as nobody uses them."""
        idle = self._idle = self._idle or asyncio.Event()
        while self.busy:  # again, because whoever waited for a place may have it by now
            idle.clear()
            await idle.wait()
        await self.transport.aclose()


class Embedder(Member):
    """A deployment that is asked for embeddings: places and connections are the same, its breaker is another.

    Who cannot do the one may well do the other: a server without embeddings is no reason to keep conversations from it.
    """

    __slots__ = ("member",)

    def __init__(self, member: Member) -> None:
        super().__init__(member.deployment, member.transport)
        self.member = member
        """The same, as it is asked for chat completions."""
        self.places = member.places

    @override
    async def enter(self, *, within: float | None = None) -> None:
        await self.member.enter(within=within)

    @override
    def leave(self, sent: Breaker | None = None) -> None:
        self._abandon(sent)
        self.member.leave()


class Pool:
    """Every deployment of one plan at work."""

    def __init__(self, members: Mapping[str, Member], retrievers: dict[Context, Retriever] | None = None) -> None:
        self.members = members
        """All of them, by name."""
        self.embedders: dict[str, Embedder] = {}
        """Those of them that have been asked for embeddings."""
        self._retrievers = retrievers or {}
        self._turn = 0
        self._turns = dict.fromkeys(members, 0)

    @classmethod
    def of(
        cls, deployments: Mapping[str, Deployment], connect: Callable[[Deployment], Transport], before: "Pool | None"
    ) -> "Pool":
        """Put deployments to work; those that a reload left alone keep their connections, places and breakers."""
        kept = before.members if before else {}
        pool = cls(
            retrievers=dict(before.retrievers) if before else None,
            members={
                name: kept[name]
                if name in kept and _same(kept[name].deployment, deployment)
                else Member(deployment, connect(deployment))
                for name, deployment in deployments.items()
            },
        )
        if before is not None:
            beside = before.embedders.items()
            pool.embedders = {name: one for name, one in beside if pool.members.get(name) is one.member}
        return pool

    def embedder(self, name: str) -> "Embedder":
        """A deployment as it is asked for embeddings."""
        if (known := self.embedders.get(name)) is None:
            known = self.embedders[name] = Embedder(self.members[name])
        return known

    @property
    def retrievers(self) -> Mapping[Context, Retriever]:
        """Those that have been asked so far."""
        return self._retrievers

    def retriever(self, context: Context) -> Retriever:
        """Whoever is asked for a tier's sources; opened when it is first needed."""
        if context not in self._retrievers:
            self._retrievers[context] = Retriever(context)
        return self._retrievers[context]

    def order(self, step: Step, *, keeps: str | None = None, thread: bytes | None = None) -> list[Deployment]:
        """Least busy first; among equals whoever came first longest ago, whatever other tiers were asked meanwhile.

        With `thread`, what a conversation begins with, and a tier of `balance: affinity`: the same order for each of
        its turns. `keeps` comes before everybody.
        """
        deployments = step.deployments
        if thread is not None and step.tier.affinity:
            ordered = rendezvous(thread, deployments)
        else:
            bounded = all(deployment.concurrency for deployment in deployments)
            ordered = sorted(deployments, key=self._loads if bounded else self._calls)
        if keeps is not None:
            ordered.sort(key=lambda deployment: deployment.name != keeps)
        self._turn += 1
        self._turns[ordered[0].name] = self._turn
        return ordered

    def _calls(self, deployment: Deployment) -> tuple[float, int]:
        return self.members[deployment.name].busy, self._turns[deployment.name]

    def _loads(self, deployment: Deployment) -> tuple[float, int]:
        """How much of its places is taken: what compares only where every deployment says how many it has."""
        return self.members[deployment.name].busy / (deployment.concurrency or 1), self._turns[deployment.name]

    async def retire(self, keep: "Pool | None" = None) -> None:
        """Close what the next pool does not keep, each when its last call has ended."""
        gone = [m for name, m in self.members.items() if keep is None or keep.members.get(name) is not m]
        left = [r for c, r in self._retrievers.items() if keep is None or keep.retrievers.get(c) is not r]
        await asyncio.gather(*(member.retire() for member in gone), *(retriever.retire() for retriever in left))


def rendezvous(thread: bytes, deployments: Sequence[Deployment]) -> list[Deployment]:
    """Order deployments for one conversation: when one of them goes, only its own conversations move.

    (Thaler and Ravishankar, *Using name-based mappings to increase hit rates*, 1998: highest random weight.)
    """

    def weight(deployment: Deployment) -> bytes:
        return blake2b(deployment.name.encode(), key=thread, digest_size=8).digest()

    return sorted(deployments, key=weight, reverse=True)


def _same(one: Deployment, other: Deployment) -> bool:
    """Whether one set of connections serves both: everything is alike but what it costs and which tune it serves."""
    return replace(one, price=None, tune=None) == replace(other, price=None, tune=None)


@frozen
class Tried:
    """How one deployment has fared with one request."""

    times: int
    again: bool
    """Whether asking it once more can help: not after a timeout, and not when it could not be asked at all."""
    retry_after: float = 0.0
    """Seconds it asked to be left alone."""


def choose(
    steps: Sequence[Step], tried: Mapping[str, Tried], order: Callable[[Step], Sequence[Deployment]]
) -> Candidate | None:
    """Who is asked next; None when nobody is left. `order` is asked where a tier has several deployments.

    First whoever was not asked yet, tier by tier. Only when all were: once more those whom that may help, in the same
    order, after the time they asked for when it is short. At most six calls a request.
    """
    if tried and sum(one.times for one in tried.values()) >= MOST_PER_REQUEST:
        return None
    for step in steps:
        deployments = step.deployments
        for deployment in order(step) if len(deployments) > 1 else deployments:
            if deployment.name not in tried:
                return Candidate(step.tier, deployment)
    return next(_again(steps, tried), None)


def _again(steps: Sequence[Step], tried: Mapping[str, Tried]) -> Iterator[Candidate]:
    for step in steps:
        for deployment in step.deployments:
            one = tried[deployment.name]
            if one.again and one.times < MOST_PER_DEPLOYMENT and one.retry_after <= LONGEST_RETRY_AFTER:
                yield Candidate(step.tier, deployment, one.retry_after)


def above(steps: tuple[Step, ...], tier: Tier) -> tuple[Step, ...]:
    """The tiers after this one."""
    for place, step in enumerate(steps, 1):
        if step.tier is tier:
            return steps[place:]
    raise ValueError(f"{tier.name} is none of these tiers")


def larger(steps: tuple[Step, ...], candidate: Candidate) -> tuple[Step, ...]:
    """The deployments, from this tier on, whose window is larger than the one that was too small.

    A window nobody knows is larger than one that is known; when the one that was too small is itself unknown, what
    is left is the tiers above.
    """
    rest = above(steps, candidate.tier)
    small = candidate.deployment.context_window
    if small is None:
        return rest
    kept = (
        replace(step, deployments=tuple(d for d in step.deployments if (d.context_window or small + 1) > small))
        for step in (*(s for s in steps if s.tier is candidate.tier), *rest)
    )
    return tuple(step for step in kept if step.deployments)
