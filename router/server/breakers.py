"""Breakers that replicas share: what one has found out about a deployment spares the others finding out.

A breaker is judged where it is, from what happened there; only that it opened, or closed again, is told. Nobody waits
for that: while the store is down each replica goes on with its own.
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
        if not self._store.shared:
            return
        until = member.breaker.open_until
        left = 0.0 if until is None else max(0.0, until - self._clock.now())
        if left:
            ends = orjson.dumps({"ends": self._clock.wall() + left})
            self._store.put(identity, ends, left)
        self._aside(self._tell(identity, left))

    async def _tell(self, identity: str, left: float) -> None:
        try:
            if not left:
                await self._store.delete(identity)
            told = {"from": self._own, "breaker": identity, "left": left}
            await self._store.publish(_CHANNEL, orjson.dumps(told))
        except StoreDown:
            return  # the others find out for themselves

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
            member.breaker = CLOSED
        elif (member.breaker.open_until or 0.0) < now + left:
            member.breaker = Breaker(rule.failures, now + left)

    async def _catch_up(self) -> None:
        """Read what was told before anybody here listened."""
        for identity in list(self._members):
            try:
                value = await self._store.get(identity)
            except StoreDown:
                return
            try:
                left = orjson.loads(value or b"")["ends"] - self._clock.wall()
            except (ValueError, TypeError, KeyError):
                continue
            if left > 0:
                self._believe(identity, left)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def _identity(member: Member) -> str:
    """The key of a breaker: replicas share it for as long as they mean the same deployment."""
    deployment = member.deployment
    return key("breaker", deployment.name, deployment.base_url or deployment.provider or "", deployment.model)
