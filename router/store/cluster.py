"""Which node of a cluster keeps a key: a link to each, and the map of slots that the nodes themselves tell."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from router.policy.store_url import StoreUrl
from router.store.call import Call, pack
from router.store.dialing import Dial, to_host
from router.store.link import DEADLINE, Link

__all__ = ["Cluster", "slot_of"]

_SLOTS = 16384
_MOST_MOVES = 3
_PATIENCE = 1.0
"""Seconds to wait for the map."""
_ASKING = pack(("ASKING",))
_MAP = pack(("CLUSTER", "SLOTS"))
_AGAIN = 0.2
"""Seconds until the map is asked for again after nobody could tell it."""

Address = tuple[str, int]


def slot_of(key: str) -> int:
    """Which of the 16,384 slots a key is in: CRC16 of what is between its braces."""
    _, _, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    crc = 0
    for byte in (tag if closed and tag else key).encode():
        crc = (crc << 8 & 0xFF00) ^ _CRC[(crc >> 8) ^ byte]
    return crc % _SLOTS


def _crc(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1
    return crc & 0xFFFF


_CRC = tuple(_crc(byte) for byte in range(256))


class Cluster:
    """The way to every node that keeps keys."""

    def __init__(
        self,
        url: StoreUrl,
        *,
        say: Callable[[str], None],
        heard: Callable[[bytes, bytes | None], None],
        deadline: float = DEADLINE,
    ) -> None:
        """Ask the nodes that the address names for all the others, once the first command comes."""
        self._url = url
        self._deadline = deadline
        self._say = say
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._links: dict[Address, Link] = {}
        self._owners: list[Address | None] = [None] * _SLOTS
        self._hears: Link | None = None
        self._channels: set[bytes] = set()
        self._waiting: list[tuple[str, Call]] = []
        self._mapping: asyncio.Task[None] | None = None
        self._known = False

    @property
    def up(self) -> bool:
        """Whether every node answers, and takes what is written."""
        return all(link.up for link in self._links.values())

    @property
    def links(self) -> tuple[Link, ...]:
        """To every node that is known."""
        return tuple(self._links.values())

    async def begin(self) -> None:
        """Learn who keeps what, and connect to everybody; a second at most."""
        self._remap()
        if self._mapping is not None:
            await asyncio.wait([self._mapping], timeout=_PATIENCE)
        for link in tuple(self._links.values()):
            await link.begin()

    def ask(self, key: str, call: Call) -> None:
        """Send a command to the node that keeps the key."""
        owner = self._owners[slot_of(key)]
        if owner is not None:
            self._link(owner).ask(call)
            return
        if self._known:
            call.fail("no node of the cluster keeps this key just now")
        else:
            call.at = self._loop.time()
            self._waiting.append((key, call))
        self._remap()

    def listen(self, channel: bytes) -> None:
        """Subscribe at any node: every node tells what is published at another."""
        self._channels.add(channel)
        if self._hears is not None:
            self._hears.listen(channel)
        else:
            self._remap()

    def leave(self, channel: bytes) -> None:
        """Do not listen any more."""
        self._channels.discard(channel)
        if self._hears is not None:
            self._hears.leave(channel)

    async def aclose(self) -> None:
        """Let go of every node."""
        if self._mapping is not None:
            self._mapping.cancel()
            await asyncio.wait([self._mapping])
        for _, call in self._waiting:
            call.fail("closed")
        for link in self._links.values():
            await link.aclose()

    def _link(self, address: Address) -> Link:
        link = self._links.get(address)
        if link is None:
            link = self._links[address] = Link(
                to_host(self._url, *address),
                say=self._say,
                heard=self._heard,
                redirected=self._redirected,
                deadline=self._deadline,
            )
        return link

    def _redirected(self, call: Call, said: str) -> bool:
        """Ask the node that has it now (`MOVED 3999 host:port`), or has it for the moment (`ASK`)."""
        word, slot, place = said.split(" ", 2)
        host, _, port = place.rpartition(":")
        call.moves += 1
        if call.moves > _MOST_MOVES or not host:
            return False
        link = self._link((host, int(port)))
        if word == "ASK":
            link.ask(Call(_ASKING, None, writes=False))
        else:
            self._owners[int(slot)] = (host, int(port))
            self._remap()
        link.ask(call)
        return True

    # -------------------------------------------------------------------------------------------------------- the map

    def _remap(self) -> None:
        if self._mapping is None or self._mapping.done():
            self._mapping = self._loop.create_task(self._learn())

    async def _learn(self) -> None:
        """Ask one node after the other for the map."""
        places = list(dict.fromkeys([*self._links, *self._url.hosts]))
        for place in places:
            try:
                slots = await _asked(to_host(self._url, *place), _MAP)
            except (OSError, TimeoutError):
                continue
            if isinstance(slots, list) and slots:
                await self._take(slots, place)
                break
        else:
            why = "no node of the cluster tells who keeps what"
            self._say(f"Redis is not used, requests go on without: {why}") if not self._known else None
            waiting, self._waiting = self._waiting, []
            for _, call in waiting:
                call.fail(why)
            await asyncio.sleep(_AGAIN)  # whoever asks meanwhile does not start this anew

    async def _take(self, slots: list[Any], told_by: Address) -> None:
        owners: list[Address | None] = [None] * _SLOTS
        for first, last, master, *_ in slots:
            host = (master[0] or b"").decode() or told_by[0]
            owners[first : last + 1] = [(host, int(master[1]))] * (last - first + 1)
        self._owners, self._known = owners, True
        for owner in {owner for owner in owners if owner is not None}:
            self._link(owner)
        gone = [place for place in self._links if place not in set(owners)]
        if self._hears is None or any(self._links[place] is self._hears for place in gone):
            self._hears = self._link(next(owner for owner in owners if owner is not None))
            for channel in self._channels:
                self._hears.listen(channel)
        for place in gone:
            await self._links.pop(place).aclose()
        waiting, self._waiting = self._waiting, []
        for key, call in waiting:
            self.ask(key, call)


async def _asked(dial: Dial, packed: bytes) -> Any:
    """Ask one question on a connection of its own."""
    async with asyncio.timeout(_PATIENCE):
        wire = await dial()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        wire.answered = partial(_set, answer)
        wire.lost = partial(_set, answer, None)
        try:
            wire.transport.write(packed)
            return await answer
        finally:
            wire.transport.close()


def _set(answer: "asyncio.Future[Any]", reply: Any) -> None:
    if not answer.done():
        answer.set_result(reply)
