"""A server whose Redis fails in every way that one can: requests go on, at most one waits, and it heals by itself."""

import asyncio
import statistics
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from router.demo.answers import Answer
from tests.redis_server import RedisServer, SlowRoad, redis_program, running, slow_road, valkey_program
from tests.server.test_sharing import Server, servers

pytestmark = [pytest.mark.redis, pytest.mark.slow]
DEADLINE = 0.05
LIMITED = {
    "limits": {
        "all": {"requests_per_minute": 10**6, "tokens_per_minute": 10**9, "parallel": 10**6, "usd_per_day": 10**6}
    }
}


class Way(NamedTuple):
    """A Redis, and the road to it."""

    redis: RedisServer
    road: SlowRoad


def settings(**values: str) -> Callable[[Way], None]:
    def change(way: Way) -> None:
        for name, value in values.items():
            way.redis.ask("CONFIG", "SET", name.replace("_", "-"), value)

    return change


def restarted(way: Way) -> None:
    way.redis.kill()
    way.redis.start()


def busy(way: Way) -> None:
    """It is in a script that does not end, and says so after a moment."""
    way.redis.ask("CONFIG", "SET", "lua-time-limit", "1")
    threading.Thread(target=way.redis.ask, args=("EVAL", "while true do end", "0"), daemon=True).start()


def of_another_type(way: Way) -> None:
    for line in way.redis.ask("KEYS", "sf1:*").split(b"\r\n"):
        if line.startswith(b"sf1:"):
            way.redis.ask("DEL", line.decode())
            way.redis.ask("LPUSH", line.decode(), "nonsense")


def slow(seconds: float) -> Callable[[Way], None]:
    return lambda way: setattr(way.road, "delay", seconds)


CASES: dict[str, tuple[Callable[[Way], object], Callable[[Way], object]]] = {
    "paused": (lambda way: way.redis.pause(), lambda way: way.redis.resume()),
    "killed": (lambda way: way.redis.kill(), lambda way: way.redis.start()),
    "restarted": (restarted, lambda _: None),
    "full": (settings(maxmemory_policy="noeviction", maxmemory="1"), settings(maxmemory="0")),
    "read-only": (
        lambda way: way.redis.ask("REPLICAOF", "127.0.0.1", "1"),
        lambda way: way.redis.ask("REPLICAOF", "NO", "ONE"),
    ),
    "slow": (slow(0.2), slow(0.0)),
    "partitioned": (lambda way: way.road.block(), lambda way: way.road.unblock()),
    "busy": (busy, lambda way: way.redis.ask("SCRIPT", "KILL")),
    "of another type": (of_another_type, lambda _: None),
    "emptied": (lambda way: way.redis.ask("FLUSHALL") + way.redis.ask("SCRIPT", "FLUSH"), lambda _: None),
}


@pytest.fixture(params=[redis_program, valkey_program], ids=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with running(request.param()) as server:
        yield server


@pytest.mark.parametrize("case", CASES)
async def test_requests_go_on_while_redis_is(case: str, redis: RedisServer, tmp_path: Path) -> None:
    breaks, mends = CASES[case]
    async with (
        slow_road(redis.port) as road,
        servers(tmp_path, road.url, Answer(text="hello"), 1, LIMITED) as ((server,), _),
        asyncio.timeout(60),
    ):
        before = [await timed(server, number) for number in range(15)]
        await asyncio.to_thread(breaks, Way(redis, road))
        meanwhile = [await timed(server, number) for number in (*range(15), *range(100, 115))]
        at_once = await asyncio.gather(*(server.ask(seed=number) for number in range(200, 230)))
        ready = await server.get("/readyz")
        await asyncio.to_thread(mends, Way(redis, road))
        while not await given_again(server):
            pass
        while orjson.loads((await server.get("/readyz")).body)["status"] != "ready":
            pass

    assert {heard.status for heard in at_once} == {200}
    assert ready.status == 200
    assert max(meanwhile) < 20 * DEADLINE, "nothing hangs"
    assert statistics.median(meanwhile) < max(0.9 * DEADLINE, 3 * statistics.median(before)), "one waits, and no more"


async def timed(server: Server, number: int) -> float:
    """How long a request takes, whose answer is not in the process."""
    server.service.answers.near.clear()
    begun = asyncio.get_running_loop().time()
    assert (await server.ask(seed=number)).status == 200
    return asyncio.get_running_loop().time() - begun


async def given_again(server: Server) -> bool:
    """Whether an answer comes from Redis."""
    await server.ask(seed=300)
    server.service.answers.near.clear()
    return (await server.ask(seed=300)).headers["x-router-cache"] == "hit"
