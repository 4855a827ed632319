"""Replicas that tell each other of deployments that fail."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from router.clock import SYSTEM
from router.demo.answers import Answer
from router.health import CLOSED
from router.policy.store_url import read_store_url
from router.server.breakers import Breakers
from router.store import PREFIX, Memory
from router.store.redis_store import RedisStore
from router.upstream.pool import Member, Pool
from tests.canned import Canned
from tests.plans import TWO_TIERS, plan
from tests.proxy import Proxy, proxy
from tests.redis_server import RedisServer, SlowRoad, redis_program, running, slow_road, valkey_program
from tests.talking import Heard, talk
from tests.waiting import until

BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'


@pytest.fixture(params=[redis_program, valkey_program], ids=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with running(request.param()) as server:
        yield server


async def ask(served: Proxy) -> Heard:
    async with talk(served.base_url) as client:
        return await client.say("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(BODY))}, BODY)


def pool(policy: str = TWO_TIERS) -> Pool:
    return Pool.of(plan(policy).deployments, lambda _: Canned(), None)


@pytest.mark.redis
async def test_a_breaker_that_one_opens_spares_the_others_until_it_closes_again(
    tmp_path: Path, redis: RedisServer
) -> None:
    """Two replicas of one policy; the small tier's deployment is down, and asked by the first only."""
    breaker = {"breaker": {"failures": 2, "open_for": "5m"}}
    url = {"cache": {"url": redis.url}, "deployments": {"tuned-a": breaker}}
    folders = [tmp_path / "one", tmp_path / "other", tmp_path / "late"]
    for folder in folders:
        folder.mkdir()
    async with proxy(folders[0], Answer(status=500), changes=url) as one:
        addresses = {"deployments": {"tuned-a": {**breaker, "base_url": one.tuned.base_url}}}
        async with proxy(folders[1], Answer(text="hi"), changes={**url, **addresses}) as other:
            while one.counted("router_deployment_up", deployment="tuned-a"):
                assert (await ask(one)).headers["x-router-tier"] == "frontier"
            await until(lambda: other.counted("router_deployment_up", deployment="tuned-a") == 0)
            assert (await ask(other)).headers["x-router-path"] == "tuned:open,frontier:ok"
            async with proxy(folders[2], Answer(text="hi"), changes={**url, **addresses}) as late:
                await until(lambda: late.counted("router_deployment_up", deployment="tuned-a") == 0)
                assert (await ask(late)).headers["x-router-path"] == "tuned:open,frontier:ok"
            one.service.pipeline.pool.members["tuned-a"].succeeded()
            await until(lambda: other.counted("router_deployment_up", deployment="tuned-a") == 1)


@pytest.mark.redis
async def test_without_the_store_each_goes_on_with_its_own(redis: RedisServer) -> None:
    store = RedisStore(read_store_url(redis.url))
    await store.begin()
    redis.kill()
    members = pool()
    breakers = Breakers(store, SYSTEM)
    breakers.adopt(members)
    await breakers.begin()
    member = members.members["small"]
    for _ in range(member.deployment.breaker.failures):
        member.failed(SYSTEM.now())
    assert not member.breaker.allows(SYSTEM.now())
    await until(lambda: not breakers._telling)
    await store.aclose()


@pytest.mark.redis
async def test_what_could_not_be_told_is_told_when_the_store_is_back(redis: RedisServer) -> None:
    async with two(redis) as (road, (one, other)):
        await one.cut_off(road)
        one.opens()
        assert not other.is_open()
        road.unblock()
        await until(other.is_open)

        await one.cut_off(road)
        one.closes()
        assert other.is_open()
        road.unblock()
        await until(lambda: not other.is_open())
        assert not one.is_open()


@pytest.mark.redis
async def test_what_was_not_heard_is_made_up_for_when_the_store_is_back(redis: RedisServer) -> None:
    async with two(redis) as (road, (other, one)):
        await other.cut_off(road)
        one.opens()
        await until(lambda: not one.breakers._telling)
        assert not other.is_open()
        road.unblock()
        await until(other.is_open)

        await other.cut_off(road)
        one.closes()
        await until(lambda: not one.breakers._telling)
        assert other.is_open()
        road.unblock()
        await until(lambda: not other.is_open())


@pytest.mark.redis
async def test_a_store_that_has_forgotten_is_told_again_by_whoever_found_out(redis: RedisServer) -> None:
    async with two(redis) as (road, (one, other)):
        one.opens()
        await until(other.is_open)
        await one.cut_off(road)
        redis.ask("FLUSHALL")
        road.unblock()
        await until(lambda: b"sf1:breaker" in redis.ask("KEYS", "sf1:breaker:*"))
        assert one.is_open()
        assert other.is_open()


@dataclass
class Side:
    """One replica without sockets: its breakers, and the small tier's deployment."""

    store: RedisStore
    breakers: Breakers
    member: Member

    def is_open(self) -> bool:
        return not self.member.breaker.allows(SYSTEM.now())

    def opens(self) -> None:
        for _ in range(self.member.deployment.breaker.failures):
            self.member.failed(SYSTEM.now())
        assert self.is_open()

    def closes(self) -> None:
        self.member.succeeded()

    async def cut_off(self, road: SlowRoad) -> None:
        """Hear and reach nobody until the road is free again."""
        road.block()
        for end in road.ends:
            end.abort()
        await until(lambda: not self.store.up)


@asynccontextmanager
async def two(redis: RedisServer) -> AsyncIterator[tuple[SlowRoad, tuple[Side, Side]]]:
    """Two replicas; the first reaches the store by a road that may be blocked."""
    async with slow_road(redis.port) as road:
        sides = []
        for url in (road.url, redis.url):
            store = RedisStore(read_store_url(url))
            members = pool(TWO_TIERS.replace("labels:", "breaker: {open_for: 5m}\n    labels:"))
            breakers = Breakers(store, SYSTEM)
            breakers.adopt(members)
            await store.begin()
            await breakers.begin()
            sides.append(Side(store, breakers, members.members["small"]))
        yield road, (sides[0], sides[1])
        for side in sides:
            await side.store.aclose()


async def test_one_alone_tells_nobody() -> None:
    members = pool()
    breakers = Breakers(Memory(), SYSTEM)
    breakers.adopt(members)
    await breakers.begin()
    member = members.members["small"]
    for _ in range(member.deployment.breaker.failures):
        member.failed(SYSTEM.now())
    member.succeeded()
    assert not breakers._telling


@pytest.mark.parametrize("told", [b"{", b"[]", b"{}", b'{"from": "x", "breaker": "unknown", "left": 1}'])
async def test_what_makes_no_sense_is_not_believed(told: bytes) -> None:
    members = pool()
    breakers = Breakers(Memory(), SYSTEM)
    breakers.adopt(members)
    breakers._heard(told)
    assert all(member.breaker is CLOSED for member in members.members.values())


async def test_nobody_closes_a_deployment_for_longer_than_its_own_policy_would() -> None:
    members = pool()
    breakers = Breakers(Memory(), SYSTEM)
    breakers.adopt(members)
    (identity,) = (name for name, member in breakers._members.items() if member.deployment.name == "small")
    breakers._heard(orjson.dumps({"from": "x", "breaker": identity, "left": 1e9}))
    member = members.members["small"]
    assert member.breaker.open_until is not None
    assert member.breaker.open_until <= SYSTEM.now() + member.deployment.breaker.open_for
    assert identity.startswith(PREFIX)
