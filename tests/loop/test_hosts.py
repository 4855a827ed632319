"""Hosts paid by the hour, and the dollars of several replicas."""

from collections import defaultdict

import pytest
from typing_extensions import override

from router.loop.hosts import Hosts
from router.plan import Plan
from router.store import Memory, StoreDown
from tests.loop.scene import Hand
from tests.plans import TWO_TIERS, plan

HOSTED = plan(TWO_TIERS.replace("price: {input: 1, output: 1}", "price: {per_hour: 2.4}"))


def replica(store: Memory, hand: Hand, made: Plan | None = HOSTED) -> tuple[Hosts, defaultdict[str, float]]:
    spent: defaultdict[str, float] = defaultdict(float)

    def count(name: str, usd: float) -> None:
        spent[name] += usd

    return Hosts(lambda: made, store, count, hand.clock), spent


async def test_all_replicas_together_count_each_hour_once() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    (one, first), (two, second) = replica(store, hand), replica(store, hand)
    for number in range(241):
        for each in (one, two)[:: 1 if number % 3 else -1]:
            await each.pulse()
        hand.at += 15.0
    assert first["small"] + second["small"] == pytest.approx(2.4)
    assert min(first["small"], second["small"]) > 0
    assert set(first) == {"small"}  # tokens are paid when they are used


async def test_what_is_left_by_one_that_dies_is_counted_by_the_next() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    one, first = replica(store, hand)
    await one.pulse()
    hand.at += 600.0
    two, second = replica(store, hand)
    await two.pulse()
    assert first["small"] == 0.0
    assert second["small"] == pytest.approx(0.4)


async def test_a_night_without_any_server_is_not_counted() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    one, spent = replica(store, hand)
    await one.pulse()
    hand.at += 8 * 3600.0
    await one.pulse()
    assert spent["small"] == 0.0


async def test_a_clock_that_is_late_counts_nothing_twice() -> None:
    hand, late = Hand(), Hand()
    store = Memory(clock=hand.clock)
    (one, first), (two, second) = replica(store, hand), replica(store, late)
    await one.pulse()
    late.at = hand.at - 30.0
    await two.pulse()
    hand.at += 60.0
    await one.pulse()
    assert first["small"] == pytest.approx(0.04)
    assert second["small"] == 0.0


class Fickle(Memory):
    down = False

    @override
    async def get(self, key: str) -> bytes | None:
        if self.down:
            raise StoreDown
        return await super().get(key)


async def test_while_the_store_is_down_time_waits_to_be_counted() -> None:
    hand = Hand()
    store = Fickle(clock=hand.clock)
    one, spent = replica(store, hand)
    await one.pulse()
    store.down = True
    hand.at += 900.0
    await one.pulse()
    assert spent["small"] == 0.0
    store.down = False
    await one.pulse()
    assert spent["small"] == pytest.approx(0.6)


async def test_before_there_is_a_plan_nothing_costs() -> None:
    one, spent = replica(Memory(), Hand(), None)
    await one.pulse()
    assert not spent
