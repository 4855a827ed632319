"""One call beside the traffic."""

import asyncio
from typing import Any

import pytest

from router.chat import Usage
from router.clock import SYSTEM
from router.shadow.asking import Said, ask
from router.shadow.hour import Hour
from router.upstream.client import TransportError
from router.upstream.pool import Member
from tests.canned import SILENCE, Canned, answer
from tests.plans import TWO_TIERS, plan
from tests.waiting import all_blocked

MOST = Usage(1000, 1000)  # 0.002 US dollars


def member(canned: Canned, **said: Any) -> Member:
    more = "".join(f", {name}: {value}" for name, value in said.items())
    text = TWO_TIERS.replace("model: b,", f"model: b{more},")
    return Member(plan(text).deployments["big"], canned)


async def asked(to: Member, hour: Hour | None = None) -> Said:
    return await ask(to, b"{}", hour or Hour(1.0), most=MOST, clock=SYSTEM)


async def test_an_answer_costs_what_it_took() -> None:
    hour = Hour(1.0)
    said = await asked(member(Canned(answer("yes"))), hour)
    assert (said.result, said.deployment) == ("answered", "big")
    assert said.cost == pytest.approx(30 * 10 / 1e6)
    assert said.completion is not None
    assert hour.left(SYSTEM.now()) == pytest.approx(1 - 30 * 10 / 1e6)


async def test_an_answer_without_usage_costs_the_hour_what_was_held_back_and_nobody_knows_what() -> None:
    hour = Hour(1.0)
    said = await asked(member(Canned(answer(usage=None))), hour)
    assert (said.result, said.cost) == ("answered", None)
    assert hour.left(SYSTEM.now()) == pytest.approx(1 - 0.02)


async def test_a_price_that_nobody_knows_is_not_spent() -> None:
    to = Member(
        plan(TWO_TIERS.replace("price: {input: 10, output: 10}", "concurrency: 9")).deployments["big"], Canned()
    )
    assert (await asked(to)).result == "price"


async def test_more_than_is_left_is_not_spent() -> None:
    canned = Canned(answer())
    assert (await asked(member(canned), Hour(0.0199))).result == "budget"
    assert canned.asked == []


async def test_half_of_the_places_belong_to_traffic() -> None:
    to = member(Canned(answer()), concurrency=4)
    assert (await asked(to)).result == "answered"
    await to.enter()
    assert (await asked(to)).result == "answered"
    await to.enter()
    assert (await asked(to)).result == "busy"
    to.leave()
    to.leave()
    assert (await asked(member(Canned(answer()), concurrency=1))).result == "busy"  # the only place is traffic's


@pytest.mark.parametrize("canned", [Canned(answer(), status=500), Canned(TransportError("reset", "gone"))])
async def test_a_failure_moves_no_breaker_and_costs_nothing(canned: Canned) -> None:
    to, hour = member(canned, breaker="{failures: 1, open_for: 10s}"), Hour(1.0)
    results = {(await asked(to, hour)).result for _ in range(3)}
    assert results <= {"status_500", "reset"}
    assert to.breaker.allows(SYSTEM.now())
    assert (to.busy, hour.left(SYSTEM.now())) == (0, 1.0)


async def test_an_answer_does_not_close_a_breaker_and_no_probe_is_taken() -> None:
    to = member(Canned(answer()), breaker="{failures: 1, open_for: 1ms}")
    to.failed(SYSTEM.now() - 10)
    assert to.breaker.allows(SYSTEM.now())  # half open: the probe is for traffic
    assert (await asked(to)).result == "open"


async def test_a_call_that_timed_out_may_have_been_paid_for() -> None:
    to, hour = member(Canned(SILENCE), timeout="{total: 10ms}"), Hour(1.0)
    assert (await asked(to, hour)).result == "timeout"
    assert hour.left(SYSTEM.now()) == pytest.approx(0.98)


async def test_a_call_that_is_given_up_leaves_its_place() -> None:
    to = member(Canned(SILENCE))
    task = asyncio.create_task(asked(to))
    await all_blocked()
    assert to.busy == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert to.busy == 0
