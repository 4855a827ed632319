"""Answers that are there: first in the process, then in the store; and what may be kept of a new one."""

from functools import partial

from router.cache.entry import Entry, Seal, pack, unpack
from router.cache.identity import Asked
from router.cache.near import Near
from router.chat import Completion
from router.clock import SYSTEM, Clock
from router.frozen import frozen
from router.outcome import Outcome
from router.store import CLEARED, Claim, Meanwhile, Store, StoreDown

__all__ = ["Answers", "may_be_kept"]

_WHOLE = frozenset({"stop", "tool_calls", "function_call"})
"""Finish reasons of an answer that is all there."""


@frozen
class Found:
    """What the store said: an answer, or who makes it."""

    entry: Entry | None = None
    holder: bytes | None = None
    leased: bool = False
    """Whether it is ours to make."""


class Answers:
    """The two levels as one."""

    def __init__(self, store: Store, *, memory: int, secret: str | None = None, clock: Clock = SYSTEM) -> None:
        """Keep `memory` bytes in the process; seal what goes to the store when there is a secret."""
        self._store = store
        self._clock = clock
        self.near = Near(memory)
        self._seal: Seal | None = None
        self.serve(memory, secret)

    def serve(self, memory: int, secret: str | None) -> None:
        """Go by a policy's words from now on."""
        self.near.resize(memory)
        if secret is None:
            self._seal = None
            return
        from router.cache.seal import AesSeal  # noqa: PLC0415  not all need it, and it takes its time

        self._seal = AesSeal(secret, self._clock.token)

    def listen(self) -> None:
        """Forget what an operator clears from now on."""
        self._store.subscribe(CLEARED, self._cleared)

    def _cleared(self, route: bytes | None) -> None:
        """Forget one route's answers, or all: also when it is not known what has been cleared."""
        self.near.clear(route.decode() if route else None)

    def at_hand(self, asked: Asked) -> Entry | None:
        """An answer that is in the process; nothing is waited for."""
        return self.near.get(asked.keys.answer, self._clock.now())

    async def look(self, asked: Asked) -> Entry | None:
        """An answer that is in the store."""
        try:
            value = await self._store.get(asked.keys.answer)
        except StoreDown:
            return None
        return self._read(asked, value)

    async def claim(
        self, asked: Asked, owner: bytes, lease: float, after: bytes = b"", meanwhile: Meanwhile | None = None
    ) -> Found:
        """An answer that is in the store, else the right to make it, else who has that."""
        try:
            claim: Claim = await self._store.claim(asked.keys, owner, lease, after, meanwhile)
        except StoreDown:
            return Found()
        if claim.value == b"":  # whoever made it has given up, and left nothing for those who waited
            return await self.claim(asked, owner, lease)
        if claim.value is None:
            return Found(holder=claim.holder, leased=claim.holder is None)
        return Found(self._read(asked, claim.value, told=bool(after)))

    def _read(self, asked: Asked, value: bytes | None, *, told: bool = False) -> Entry | None:
        """Read a value, and keep it in the process; `told`: it may be for those who waited only."""
        entry = unpack(value, asked.keys.answer, self._seal) if value else None
        if entry is None:
            return None
        left = entry.until - self._clock.wall()
        if left > 0:
            self.near.put(asked.keys.answer, entry, self._clock.now() + left)
        return entry if left > 0 or told else None

    def until(self, asked: Asked) -> float:
        """When an answer of now ends, in seconds since 1970."""
        return self._clock.wall() + asked.remember.ttl

    def keep(self, asked: Asked, entry: Entry) -> None:
        """Keep an answer for whoever asks the same."""
        place, ttl = asked.keys.answer, asked.remember.ttl
        self.near.put(place, entry, self._clock.now() + ttl)
        if self._store.shared:
            self._store.put(place, pack(entry, place, self._seal), ttl, hurried=True)  # others may ask next

    def settle(self, asked: Asked, owner: bytes, entry: Entry | None) -> None:
        """End what was leased: with an answer that is kept, one for those who waited only, or none at all."""
        if entry is None:
            self._store.settle(asked.keys, owner, bytes, None)
            return
        place, ttl = asked.keys.answer, asked.remember.ttl if entry.until else None
        if ttl is not None:
            self.near.put(place, entry, self._clock.now() + ttl)
        self._store.settle(asked.keys, owner, partial(pack, entry, place, self._seal), ttl)


def may_be_kept(asked: Asked, outcome: Outcome, size: int) -> bool:
    """Whether an answer is good for others: whole, accepted, no refusal, not too large."""
    answer: Completion | None = outcome.answer
    if outcome.end != "ok" or answer is None or size > asked.remember.max_size or not outcome.attempts:
        return False
    if outcome.retrievals and _without_sources(outcome):
        return False
    last = outcome.attempts[-1]
    if last.result != "served" or last.verdict != "ok":
        return False
    kept = [each for each in answer.choices if each.finish_reason in _WHOLE and not each.refusal and not each.empty]
    return 0 < len(kept) == len(answer.choices)


def _without_sources(outcome: Outcome) -> bool:
    """Whether a retriever failed, so that the next answer may be a better one."""
    return any(result in {"timeout", "failed"} for _, result in outcome.retrievals)
