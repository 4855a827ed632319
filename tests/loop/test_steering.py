"""Looks, one after the other, in a made-up world."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from typing_extensions import override

from router.clock import Clock
from router.control import LOW
from router.loop import Lease
from router.loop.steering import _place
from router.plan import Plan
from router.simulation.world import World
from router.store import Memory, StoreDown
from router.thresholds import Change
from tests.loop.scene import EVERY, WINDOW, Hand, Replica, pass_time, replica, steered
from tests.plans import TWO_TIERS, plan


async def one(mode: str = "apply") -> tuple[Hand, Replica]:
    hand = Hand()
    return hand, await replica(Memory(clock=hand.clock), hand, steered(mode))


async def test_it_moves_once_in_a_window_towards_what_is_proven() -> None:
    hand, alone = await one()
    way = [alone.threshold]
    for _ in range(12):
        await pass_time(hand, WINDOW, alone)
        way.append(alone.threshold)
    assert way == sorted(way)
    assert way[-1] > way[0]
    history = alone.thresholds.board("auto").held(alone.plan.routes["auto"].state).history
    moments = [change.at for change in history]
    assert all(later - sooner >= 0.98 * WINDOW for sooner, later in pairwise(moments))
    assert alone.counted("router_threshold_changes_total", reason="cheaper") == len(history)
    assert len(alone.records) == len(history)


async def test_windows_join_without_a_gap_and_without_overlap() -> None:
    hand, alone = await one()
    await pass_time(hand, 5 * WINDOW, alone)
    asked = alone.source.asked
    assert [until for _, until in asked[:-1]] == [since for since, _ in asked[1:]]


async def test_to_observe_is_to_say_and_change_nothing() -> None:
    hand, alone = await one("observe")
    before = alone.threshold
    await pass_time(hand, 12 * WINDOW, alone)
    assert alone.threshold == before
    assert any("would move" in line for line in alone.said)
    assert alone.counted("router_control_windows_total", verdict="proposed") > 0
    assert {record["verdict"] for record in alone.records} == {"proposed"}


async def test_frozen_means_frozen() -> None:
    hand, alone = await one()
    await alone.thresholds.edit("auto", lambda board: board.freeze(frozen=True))
    await pass_time(hand, 12 * WINDOW, alone)
    assert alone.threshold == alone.start
    assert alone.counted("router_control_windows_total", verdict="frozen") > 0


async def test_two_replicas_never_move_twice_in_a_window_and_the_dead_one_is_followed_within_two_intervals() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    first, second = await replica(store, hand), await replica(store, hand)
    await pass_time(hand, 6 * WINDOW, first, second)
    assert first.steersman.leads
    assert not second.steersman.leads
    assert not second.source.asked
    assert first.threshold == second.threshold > first.start
    await pass_time(hand, 2 * EVERY, second)
    assert second.counted("router_control_leads") == 1
    await pass_time(hand, 6 * WINDOW, second)
    history = second.thresholds.board("auto").held(second.plan.routes["auto"].state).history
    moments = [change.at for change in history]
    assert all(later - sooner >= 0.98 * WINDOW for sooner, later in pairwise(moments))
    assert second.counted("router_threshold_changes_total") > 0


async def test_two_who_both_think_they_lead_still_move_once() -> None:
    """The store forgot the lease: both hold it in turn."""
    hand = Hand()
    store = Memory(clock=hand.clock)
    both = [await replica(store, hand), await replica(store, hand)]
    for _ in range(int(10 * WINDOW / EVERY)):
        hand.at += EVERY
        for each in both:
            store._shelves.pop("lease", None)
            await each.steersman.pulse()
    await both[0].thresholds.refresh("auto")
    history = both[0].thresholds.board("auto")
    moments = [change.at for change in history.held(both[0].plan.routes["auto"].state).history]
    assert moments
    assert all(later - sooner >= 0.98 * WINDOW for sooner, later in pairwise(moments))


async def test_what_was_learned_survives_the_leader() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    first = await replica(store, hand)
    await pass_time(hand, 4 * WINDOW, first)
    hand.at += 2 * EVERY
    second = await replica(store, hand)
    await pass_time(hand, 2 * WINDOW, second)
    assert second.counted("router_control_evidence") > 4 * 200


async def test_an_operator_s_change_begins_a_new_window_and_is_told() -> None:
    hand, alone = await one()
    await pass_time(hand, WINDOW + EVERY, alone)
    state = alone.plan.routes["auto"].state
    change = Change(hand.at, "tuned", alone.start, 0.2, "set")
    await alone.thresholds.edit("auto", lambda board: board.changed(state, change))
    await pass_time(hand, WINDOW, alone)
    assert alone.threshold == 0.2
    assert any("→ 0.2000 (set)" in line for line in alone.said)
    assert alone.counted("router_threshold_changes_total", reason="set") == 1
    assert [(one["after"], one["cause"]) for one in alone.records if one["cause"] == "set"] == [(0.2, "set")]


async def test_what_an_operator_did_while_nobody_led_is_told_by_who_leads_next_and_once() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    first = await replica(store, hand)
    await pass_time(hand, WINDOW, first)
    hand.at += 2 * EVERY
    state = first.plan.routes["auto"].state
    change = Change(hand.at, "tuned", first.threshold, 0.2, "set")
    await first.thresholds.edit("auto", lambda board: board.changed(state, change).freeze(frozen=True))
    second = await replica(store, hand)
    await pass_time(hand, EVERY, second)
    hand.at += 2 * EVERY
    third = await replica(store, hand)
    await pass_time(hand, EVERY, third)
    told = [[line for line in each.said if "(set)" in line or "frozen:" in line] for each in (second, third)]
    assert [len(lines) for lines in told] == [2, 0]


async def test_a_change_on_a_route_that_nothing_steers_is_told_all_the_same() -> None:
    hand = Hand()
    alone = await replica(Memory(clock=hand.clock), hand, plan(TWO_TIERS))
    await pass_time(hand, EVERY, alone)
    state = alone.plan.routes["auto"].state
    await alone.thresholds.edit(
        "auto",
        lambda board: board.changed(state, Change(hand.at, "tuned", 0.3, 0.2, "set")).rolled_back(state, hand.at),
    )
    await pass_time(hand, EVERY, alone)
    assert [one["cause"] for one in alone.records] == ["set", "rollback"]
    assert alone.counted("router_threshold_changes_total") == 2
    assert [line.partition(":")[0] for line in alone.said] == ["control auto"] * 3
    assert not alone.source.asked


async def test_an_edited_policy_says_which_threshold_it_drops_though_nothing_steers() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    before = await replica(store, hand, plan(TWO_TIERS))
    await pass_time(hand, EVERY, before)
    state = before.plan.routes["auto"].state
    await before.thresholds.edit("auto", lambda board: board.changed(state, Change(1.0, "tuned", 0.3, 0.2, "set")))
    hand.at += 2 * EVERY
    after = await replica(store, hand, plan(TWO_TIERS.replace("below: 0.3", "below: 0.4")))
    await pass_time(hand, EVERY, after)
    assert any(line.endswith("tuned 0.4000, no more 0.2000 (set)") for line in after.said)


@pytest.mark.parametrize(
    "gap", ["a process restarted: a counter was set back", "scrapes of 1 of 2 processes are missing"]
)
async def test_nothing_moves_on_a_gap(gap: str) -> None:
    hand, alone = await one()
    alone.source.gap = gap
    await pass_time(hand, 8 * WINDOW, alone)
    assert alone.threshold == alone.start
    assert any(gap in line for line in alone.said)
    assert alone.counted("router_control_windows_total", verdict="unmeasured") >= 7


async def test_nothing_moves_while_prometheus_is_gone_and_it_goes_on_afterwards() -> None:
    hand, alone = await one()
    alone.source.down = True
    await pass_time(hand, 8 * WINDOW, alone)
    assert alone.threshold == alone.start
    assert [line for line in alone.said if "did not answer" in line] == [
        "control auto: Prometheus at http://p did not answer in 10 s; no threshold moves"
    ]
    alone.source.down = False
    await pass_time(hand, 8 * WINDOW, alone)
    assert alone.threshold > alone.start


async def test_ten_requests_or_no_labels_move_nothing() -> None:
    hand, alone = await one()
    alone.source.world = World(requests=10.0)
    await pass_time(hand, 6 * WINDOW, alone)
    alone.source.world = World(lost=1.0)
    await pass_time(hand, 6 * WINDOW, alone)
    assert alone.threshold == alone.start


class Broken(Memory):
    broken = False

    @override
    async def get(self, key: str) -> bytes | None:
        if self.broken:
            raise StoreDown
        return await super().get(key)


async def test_without_the_store_thresholds_stay_at_the_last_known_value() -> None:
    hand = Hand()
    store = Broken(clock=hand.clock)
    alone = await replica(store, hand)
    await pass_time(hand, 6 * WINDOW, alone)
    before = alone.threshold
    store.broken = True
    await pass_time(hand, 3 * WINDOW, alone)
    assert alone.threshold == before > alone.start
    assert "control auto: the store cannot be reached; no threshold moves" in alone.said


async def test_what_cannot_be_read_is_collected_anew() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    alone = await replica(store, hand)
    await store.set(_place(alone.plan.routes["auto"]), b"{", None)
    await pass_time(hand, 2 * WINDOW, alone)
    assert any("collected anew" in line for line in alone.said)
    assert alone.counted("router_control_evidence") > 0


async def test_another_state_begins_anew_and_says_so() -> None:
    hand = Hand()
    store = Memory(clock=hand.clock)
    await pass_time(hand, 6 * WINDOW, before := await replica(store, hand))
    assert before.threshold > before.start
    hand.at += 2 * EVERY
    after = await replica(store, hand, steered(**{"model: s": "model: s2"}))
    await pass_time(hand, EVERY, after)
    assert after.threshold == after.start
    assert any("begin anew with the policy's" in line for line in after.said)
    assert after.counted("router_threshold_changes_total", reason="reset") == 1


async def test_a_full_tier_is_not_what_a_threshold_moves_for() -> None:
    hand, alone = await one()
    alone.source.world = World(down=0.3)
    await pass_time(hand, 8 * WINDOW, alone)
    assert alone.threshold == alone.start
    assert (await alone.source.window(alone.plan.routes["auto"], 0, 1)).requests[LOW].any()


async def test_routes_without_objectives_are_left_alone() -> None:
    hand = Hand()
    alone = await replica(Memory(clock=hand.clock), hand, plan(TWO_TIERS))
    await pass_time(hand, 2 * WINDOW, alone)
    assert not alone.source.asked
    assert not alone.source.noted  # no counter is read for nothing, on the loop that serves requests
    assert alone.said == []


class Noting(Memory):
    """Says when control has written down what it learned."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.learned = asyncio.Event()

    @override
    async def set(self, key: str, value: bytes, ttl: float | None) -> None:
        await super().set(key, value, ttl)
        self.learned.set()


async def test_who_stops_lets_go_of_the_lead() -> None:
    hand = Hand()
    store = Noting(clock=hand.clock)
    alone = await replica(store, hand, quick())
    running = asyncio.create_task(alone.steersman.run())
    await asyncio.wait_for(store.learned.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await Lease(store, "control", b"another", 60.0).hold()
    assert alone.counted("router_control_leads") == 0


def quick() -> Plan:
    """A plan that looks every tenth of a second."""
    made = steered()
    route = made.routes["auto"]
    assert route.steering is not None
    fast = replace(route, steering=replace(route.steering, every=0.1))
    return replace(made, routes={**made.routes, "auto": fast})
