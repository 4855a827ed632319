"""Who leads."""

from typing_extensions import override

from router.loop import Lease
from router.store import Memory, StoreDown
from tests.loop.scene import Hand


def lease(store: Memory, owner: bytes) -> Lease:
    return Lease(store, "control", owner, 60.0)


async def test_one_leads_until_it_is_silent_for_as_long_as_its_lease_lasts() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    first, second = lease(store, b"1"), lease(store, b"2")
    assert await first.hold()
    assert not await second.hold()
    hand.at += 50
    assert await first.hold()
    hand.at += 50
    assert not await second.hold()
    hand.at += 11
    assert await second.hold()
    assert not await first.hold()


async def test_who_stops_lets_another_lead_at_once() -> None:
    store = Memory()
    first, second = lease(store, b"1"), lease(store, b"2")
    await first.hold()
    await first.release()
    assert await second.hold()
    await first.release()
    assert await second.hold()


class Down(Memory):
    @override
    async def renew(self, key: str, value: bytes, ttl: float) -> bool:
        raise StoreDown

    @override
    async def release(self, key: str, value: bytes) -> bool:
        raise StoreDown


async def test_without_the_store_nobody_leads() -> None:
    one = lease(Down(), b"1")
    assert not await one.hold()
    one.held = True
    await one.release()
    assert not one.held
