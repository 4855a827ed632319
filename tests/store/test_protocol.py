"""What every store does, told once and held against each of them."""

import asyncio
from itertools import count

from router.store import Claim, Flight, Store, key

ANN, BEN = b"a" * 16, b"b" * 16
_numbers = count()


def fresh(kind: str) -> str:
    """A key that no other test uses."""
    return key(kind, "test", str(next(_numbers)))


def flight() -> Flight:
    return Flight.of("test", str(next(_numbers)))


async def test_a_value_is_kept_until_it_is_deleted(store: Store) -> None:
    one, other = fresh("pin"), fresh("pin")

    await store.set(one, b"tuned", 60)
    await store.set(other, bytes(range(256)), None)

    assert (await store.get(one), await store.get(other)) == (b"tuned", bytes(range(256)))
    await store.delete(one, other)
    assert (await store.get(one), await store.get(other)) == (None, None)


async def test_a_value_that_nobody_waits_for_is_there_for_whoever_asks_next(store: Store) -> None:
    name = fresh("decision")

    store.put(name, b"{}", 60)

    assert await store.get(name) == b"{}"


async def test_what_was_learned_has_no_end(store: Store) -> None:
    name = fresh("threshold")

    await store.set(name, b"0.3", None)

    assert await store.get(name) == b"0.3"


async def test_only_the_first_adds(store: Store) -> None:
    name = fresh("lease")

    assert await store.add(name, b"one", 60)
    assert not await store.add(name, b"two", 60)
    assert await store.get(name) == b"one"


async def test_a_swap_needs_the_value_it_names(store: Store) -> None:
    name = fresh("threshold")

    assert not await store.swap(name, b"0.1", b"0.2", None)
    assert await store.swap(name, None, b"0.2", None)
    assert not await store.swap(name, None, b"0.3", None)
    assert await store.swap(name, b"0.2", b"0.3", None)
    assert await store.get(name) == b"0.3"


async def test_of_many_swaps_at_once_one_succeeds(store: Store) -> None:
    name = fresh("threshold")

    done = await asyncio.gather(*(store.swap(name, None, b"%d" % one, None) for one in range(20)))

    assert done.count(True) == 1
    assert await store.get(name) == b"%d" % done.index(True)


async def test_a_lease_is_renewed_and_released_only_by_its_holder(store: Store) -> None:
    name = fresh("lease")
    await store.add(name, ANN, 60)

    assert (await store.renew(name, ANN, 60), await store.renew(name, BEN, 60)) == (True, False)
    assert (await store.release(name, BEN), await store.release(name, ANN)) == (False, True)
    assert (await store.renew(name, ANN, 60), await store.release(name, ANN)) == (False, False)


async def test_whoever_subscribed_hears_what_is_published_until_they_leave(store: Store) -> None:
    heard: list[bytes | None] = []
    arrived = asyncio.Event()

    def hear(word: bytes | None) -> None:
        heard.append(word)
        arrived.set()

    leave = store.subscribe("sf1:threshold", hear)
    async with asyncio.timeout(5):
        while b"auto" not in heard:  # a subscription takes a moment on its way
            arrived.clear()
            await store.publish("sf1:threshold", b"auto")
            await arrived.wait()
    leave()
    before = list(heard)
    await store.publish("sf1:threshold", b"triage")
    await store.get(fresh("pin"))

    assert heard == before


async def test_the_first_who_asks_makes_the_answer_and_the_next_ones_wait_for_it(store: Store) -> None:
    asked = flight()

    first = await store.claim(asked, ANN, 60)
    second = await store.claim(asked, BEN, 60)
    store.settle(asked, ANN, lambda: b"hello", 60)
    third = await store.claim(asked, BEN, 60)

    assert (first, second, third) == (Claim(), Claim(holder=ANN), Claim(b"hello"))


async def test_an_answer_that_may_not_be_kept_is_for_those_who_waited_for_it(store: Store) -> None:
    asked = flight()
    await store.claim(asked, ANN, 60)
    await store.claim(asked, BEN, 60)

    store.settle(asked, ANN, lambda: b"an error", None)

    assert await store.claim(asked, BEN, 60, after=ANN) == Claim(b"an error")
    assert await store.claim(asked, BEN, 60) == Claim()


async def test_an_answer_that_may_not_be_kept_and_nobody_joined_is_gone(store: Store) -> None:
    asked = flight()
    await store.claim(asked, ANN, 60)

    store.settle(asked, ANN, lambda: b"an error", None)

    assert await store.claim(asked, BEN, 60, after=ANN) == Claim()


async def test_those_who_joined_a_flight_are_woken_when_it_ends(store: Store) -> None:
    asked = flight()
    woken = asyncio.Event()
    await store.claim(asked, ANN, 60)
    leave = store.subscribe(asked.lock, lambda _: woken.set())
    await store.claim(asked, BEN, 60)

    async with asyncio.timeout(5):
        store.settle(asked, ANN, lambda: b"hello", 60)
        await woken.wait()
    leave()

    assert await store.claim(asked, BEN, 60, after=ANN) == Claim(b"hello")


async def test_whoever_lost_a_flight_can_neither_extend_nor_end_it_but_its_answer_counts(store: Store) -> None:
    asked = flight()
    await store.claim(asked, BEN, 60)

    store.extend(asked, ANN, 60)
    store.settle(asked, ANN, lambda: b"late", None)
    assert await store.claim(asked, ANN, 60) == Claim(holder=BEN)

    store.settle(asked, ANN, lambda: b"late", 60)
    assert await store.claim(asked, BEN, 60) == Claim(b"late")


async def test_a_flight_that_others_joined_is_still_extended(store: Store) -> None:
    asked = flight()
    await store.claim(asked, ANN, 0.05)
    await store.claim(asked, BEN, 60)
    store.extend(asked, ANN, 60)

    assert await store.claim(asked, BEN, 60) == Claim(holder=ANN)
