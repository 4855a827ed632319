"""Breakers that replicas share: what one has found out about a deployment spares the others finding out.

A breaker is judged where it is, from what happened there; only that it opened, or closed again, is told. Nobody waits
for that: while the store is down each replica goes on with its own, and when it is back they tell each other what they
could not tell meanwhile.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import orjson

from router.clock import Clock
from router.health import CLOSED, Breaker
from router.store import PREFIX, Store, StoreDown, key
from router.upstream.pool import Member, Pool

__all__ = ["Breakers"]

_CHANNEL = f"{PREFIX}breaker"


class Breakers:
    """The breakers of one replica, told to and heard from the others."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._own = clock.token(8).hex()
        self._members: dict[str, Member] = {}
        self._believed: set[str] = set()
        """Those that others have opened."""
        self._telling: set[asyncio.Task[None]] = set()

    def adopt(self, pool: Pool) -> None:
        """Share the breakers of this pool from now on."""
        self._members = {_identity(member): member for member in pool.members.values()}
        for identity, member in self._members.items():
            member.turned = lambda member, identity=identity: self._turned(identity, member)

    async def begin(self) -> None:
        """Hear the others from now on, and what they have found out until now."""
        if self._store.shared:
            self._store.subscribe(_CHANNEL, self._heard)
            await self._catch_up()

    def _turned(self, identity: str, member: Member) -> None:
        """Tell that a breaker has opened, or closed."""
        self._believed.discard(identity)
        if self._store.shared:
            self._aside(self._tell(identity, self._left(member)))

    def _left(self, member: Member) -> float:
        """For how long a breaker is open."""
        until = member.breaker.open_until
        return 0.0 if until is None else max(0.0, until - self._clock.now())

    async def _tell(self, identity: str, left: float) -> None:
        told = {"from": self._own, "breaker": identity, "left": left}
        try:
            if left:
                ends = {"from": self._own, "ends": self._clock.wall() + left}
                self._store.put(identity, orjson.dumps(ends), left)
            await self._store.publish(_CHANNEL, orjson.dumps(told))
            member = self._members.get(identity)
            if not left and (member is None or member.breaker.open_until is None):  # it may have opened again
                await self._store.delete(identity)  # last: while it is there, we know that not all have been told
        except StoreDown:
            return  # it is told once the store is back, if it is still true; until then others find out for themselves

    def _heard(self, value: bytes | None) -> None:
        """Believe what another replica says; None: something may have been missed."""
        if value is None:
            self._aside(self._catch_up())
            return
        try:
            told = orjson.loads(value)
            ours, identity, left = told["from"] == self._own, told["breaker"], float(told["left"])
        except (ValueError, TypeError, KeyError):
            return
        if not ours:
            self._believe(identity, left)

    def _believe(self, identity: str, left: float) -> None:
        if (member := self._members.get(identity)) is None:
            return
        rule = member.deployment.breaker
        now, left = self._clock.now(), min(left, rule.open_for)
        if left <= 0:
            self._believed.discard(identity)
            member.breaker = CLOSED
        elif (member.breaker.open_until or 0.0) < now + left:
            self._believed.add(identity)
            member.breaker = Breaker(rule.failures, now + left)

    async def _catch_up(self) -> None:
        """Read what was told while nobody here listened, and tell what nobody took."""
        for identity in list(self._members):
            try:
                value = await self._store.get(identity)
            except StoreDown:
                return
            if (member := self._members.get(identity)) is not None:
                await self._settle(identity, member, value)

    async def _settle(self, identity: str, member: Member, value: bytes | None) -> None:
        """Make one of what is known here and what the store knows: each is right about what it has found out itself."""
        try:
            told = orjson.loads(value or b"")
            ours, left = told.get("from") == self._own, float(told["ends"]) - self._clock.wall()
        except (ValueError, TypeError, KeyError, AttributeError):
            ours, left = False, 0.0
        here = self._left(member)
        if left > 0 and not ours:
            self._believe(identity, left)
        elif left > 0 and member.breaker.open_until is None:
            await self._tell(identity, 0.0)  # it has closed meanwhile
        elif left <= 0 and here and identity in self._believed:
            self._believe(identity, 0.0)  # somebody has closed it meanwhile
        elif left <= 0 and here:
            await self._tell(identity, here)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def _identity(member: Member) -> str:
    """The key of a breaker: replicas share it for as long as they mean the same deployment."""
    deployment = member.deployment
    return key("breaker", deployment.name, deployment.base_url or deployment.provider or "", deployment.model)
