"""Replicas that tell each other of deployments that fail."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import orjson
import pytest

from router.clock import SYSTEM
from router.demo.answers import Answer
from router.health import CLOSED
from router.policy.store_url import read_store_url
from router.server.breakers import Breakers
from router.store import PREFIX, Memory
from router.store.redis_store import RedisStore
from router.upstream.pool import Pool
from tests.canned import Canned
from tests.plans import plan
from tests.proxy import Proxy, proxy
from tests.redis_server import RedisServer, redis_program, running, valkey_program
from tests.talking import Heard, talk

BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'
PATIENCE = 10.0


@pytest.fixture(params=[redis_program, valkey_program], ids=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with running(request.param()) as server:
        yield server


async def ask(served: Proxy) -> Heard:
    async with talk(served.base_url) as client:
        return await client.say("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(BODY))}, BODY)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await anyio.wait_all_tasks_blocked()


def pool() -> Pool:
    return Pool.of(plan().deployments, lambda _: Canned(), None)


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
