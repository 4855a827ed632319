"""Up the cascade, step by step: who is asked, what is noted of it, and what is told when nobody is left."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from router.clock import SYSTEM, Clock
from router.decide import Decision, Step
from router.demo.upstream import FakeUpstream
from router.errors import Problem, Unavailable, UpstreamTimedOut
from router.ids import Signer
from router.journey import Journey
from router.plan import Plan
from router.upstream.climb import Climb, Served
from router.upstream.connect import connect
from router.upstream.pool import Pool
from tests.plans import asked, plan

POLICY = """
version: 1
deployments:
  a: {base_url: "${a}", model: small, price: {input: 1, output: 1}, context_window: 100}
  b: {base_url: "${b}", model: small, context_window: 1000}
  c: {base_url: "${c}", model: large, price: {input: 10, output: 10}}
tiers:
  tuned: {deployments: [a, b]}
  frontier: {deployments: [c]}
routes:
  auto: {difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""
DOWN = {"status": 503, "error": {"message": "down", "code": "busy"}}


class Way:
    """A policy, its deployments at work, and the notes of the last request."""

    def __init__(self, policy: Plan, clock: Clock) -> None:
        self.plan = policy
        self.pool = Pool.of(policy.deployments, connect, None)
        self.clock = clock
        self.journey = Journey(clock, Signer(b"k" * 32), "p")

    async def up(self, deadline: float = 10.0, **more: Any) -> Served:
        request = asked(**more)
        self.journey = Journey(self.clock, Signer(b"k" * 32), "p", stream=request.stream)
        steps = tuple(Step(tier, tier.deployments) for tier in self.plan.tiers.values())
        route = replace(self.plan.routes["auto"], deadline=deadline)
        decision = Decision(steps, "easy")
        return await Climb(request, self.journey, self.pool, self.clock, route=route, decision=decision).run()

    @property
    def path(self) -> list[tuple[str, str, str]]:
        return [(one.deployment, one.result, one.verdict) for one in self.journey.outcome().attempts]


@asynccontextmanager
async def way(
    answers: Mapping[str, Any], policy: str = POLICY, clock: Clock = SYSTEM
) -> AsyncIterator[tuple[Way, dict[str, FakeUpstream]]]:
    async with AsyncExitStack() as stack:
        upstreams = {}
        for name in "abc":
            fake = FakeUpstream.from_data(answers.get(name, {"text": f"hello from {name}"}))
            upstreams[name] = await stack.enter_async_context(fake)
            policy = policy.replace(f"${{{name}}}", fake.base_url)
        one = Way(plan(policy), clock)
        yield one, upstreams
        await one.pool.retire()


async def test_the_first_answer_that_is_good_enough_is_served() -> None:
    async with way({}) as (one, upstreams):
        served = await one.up()
        assert served.live is None
        assert b"hello from" in served.body
        assert [(result, verdict) for _, result, verdict in one.path] == [("served", "ok")]
        assert len(upstreams["c"].requests) == 0


async def test_what_failed_and_what_was_not_good_enough_are_noted_apart() -> None:
    async with way({"a": DOWN, "b": {"text": "cut", "finish": "length"}}) as (one, _):
        one.pool.members["b"].busy = 1  # so that `a` comes first
        await one.up()
        assert one.path == [("a", "failed", "status_503"), ("b", "escalated", "truncated"), ("c", "served", "ok")]
        one.pool.members["b"].busy = 0


async def test_a_failed_call_counts_against_health_and_an_answer_does_not() -> None:
    async with way({"a": DOWN, "b": {"text": "cut", "finish": "length"}}) as (one, _):
        one.pool.members["b"].busy = 1
        await one.up()
        assert {name: member.breaker.failed for name, member in one.pool.members.items()} == {"a": 1, "b": 0, "c": 0}
        one.pool.members["b"].busy = 0
        assert [member.busy for member in one.pool.members.values()] == [0, 0, 0]


async def test_when_all_fail_the_last_tier_has_the_last_word() -> None:
    last = {"status": 429, "error": {"message": "slow", "code": "rate"}, "headers": {"retry-after": "9"}}
    async with way({"a": DOWN, "b": DOWN, "c": last}) as (one, _):
        with pytest.raises(Problem) as caught:
            await one.up()
        assert (caught.value.status, caught.value.headers["retry-after"]) == (429, "9")
        assert len(one.path) == 5


async def test_the_client_hears_of_the_highest_tier_that_was_asked() -> None:
    last = {"status": 429, "error": {"message": "slow", "code": "rate"}, "headers": {"retry-after": "9"}}
    async with way({"a": DOWN, "b": DOWN, "c": last}) as (one, _):
        with pytest.raises(Problem):
            await one.up()
        heard = one.journey.outcome().heard
        assert heard is not None
        assert (heard.deployment, heard.verdict) == ("c", "status_429")


async def test_when_nobody_may_be_called_it_is_told_when_to_come_back() -> None:
    async with way({}) as (one, upstreams):
        for member in one.pool.members.values():
            for _ in range(5):
                member.failed(one.clock.now())
        with pytest.raises(Unavailable) as caught:
            await one.up()
        assert (caught.value.status, caught.value.headers) == (503, {"retry-after": "10"})
        assert {result for _, result, _ in one.path} == {"skipped"}
        assert sum(len(upstream.requests) for upstream in upstreams.values()) == 0


async def test_a_deadline_that_has_passed_asks_nobody() -> None:
    async with way({}) as (one, upstreams):
        with pytest.raises(UpstreamTimedOut, match="deadline"):
            await one.up(deadline=0.0)
        assert sum(len(upstream.requests) for upstream in upstreams.values()) == 0


async def test_a_window_that_is_too_small_asks_the_larger_ones_only() -> None:
    long = {"status": 400, "error": {"code": "context_length_exceeded"}}
    async with way({"a": long, "b": DOWN}) as (one, upstreams):
        one.pool.members["b"].busy = 1
        await one.up()
        assert one.path == [("a", "failed", "context"), ("b", "failed", "status_503"), ("c", "served", "ok")]
        assert len(upstreams["a"].requests) == 1
        one.pool.members["b"].busy = 0


async def test_a_window_that_is_too_small_does_not_ask_a_smaller_one() -> None:
    long = {"status": 400, "error": {"code": "context_length_exceeded"}}
    async with way({"b": long}) as (one, upstreams):
        one.pool.members["a"].busy = 1
        await one.up()
        assert one.path == [("b", "failed", "context"), ("c", "served", "ok")]
        assert len(upstreams["a"].requests) == 0
        one.pool.members["a"].busy = 0


async def test_a_committed_stream_keeps_its_place_until_it_is_closed() -> None:
    async with way({"a": {"text": "a b c", "stall_after": 2}, "b": DOWN}) as (one, upstreams):
        one.pool.members["b"].busy = 1
        served = await one.up(stream=True)
        assert served.live is not None
        assert one.pool.members["a"].busy == 1
        await served.live.aclose()
        assert one.pool.members["a"].busy == 0
        await upstreams["a"].left(1)
        one.pool.members["b"].busy = 0


async def test_a_stream_that_is_not_good_enough_is_let_go_before_the_next_is_asked() -> None:
    held = POLICY.replace("deployments: [a, b]}", "deployments: [a], hold: 1}")
    async with way({"a": {"stream": ["x"], "finish": "length", "stall_after": 3}}, held) as (one, upstreams):
        served = await one.up(stream=True)
        assert served.live is not None
        assert one.path == [("a", "escalated", "truncated"), ("c", "served", "ok")]
        await upstreams["a"].left(1)
        assert one.pool.members["a"].busy == 0
        await served.live.aclose()


async def test_who_leaves_is_noted_and_lets_go() -> None:
    async with way({"a": {"stall": True}, "b": {"stall": True}}) as (one, upstreams):
        one.pool.members["b"].busy = 1
        going = asyncio.create_task(one.up())
        await upstreams["a"].saw(1)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        assert one.path == [("a", "left", "left")]
        await upstreams["a"].left(1)
        one.pool.members["b"].busy = 0
        assert [member.busy for member in one.pool.members.values()] == [0, 0, 0]
