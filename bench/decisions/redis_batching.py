"""How commands go to Redis: those of one turn of the event loop in one write, or each by itself; by us, or by redis-py.

``python -m bench.decisions.redis_batching``. As a request that finds nothing does: one command that is waited for, then
four that nobody waits for; 1 and 50 such requests at a time. CPU of this process and of the server, by request.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio as redis_py
import uvloop
from typing_extensions import override

from bench.decisions.timing import printed
from bench.processes import Process, redis_process
from router.policy.store_url import StoreUrl, read_store_url
from router.store.call import Call, pack
from router.store.dialing import to_host
from router.store.link import Link

KEY, VALUE, TTL = "b:%d:%d", b"x" * 400, "60000"
PUTS = 4
REQUESTS = 4000
Request = Callable[[int], Awaitable[None]]


class OneByOne(Link):
    """The link, without waiting for the end of a turn."""

    @override
    def ask(self, call: Call) -> None:
        super().ask(call)
        self._flush()


def linked(link: Link) -> Request:
    """As the house does it."""

    async def request(number: int) -> None:
        answer = asyncio.get_running_loop().create_future()
        link.ask(Call(pack(("GET", KEY % (number, 0))), answer, writes=False))
        await answer
        for put in range(PUTS):
            link.ask(Call(pack(("SET", KEY % (number, put), VALUE, "PX", TTL)), None))

    return request


def plain(client: redis_py.Redis) -> Request:
    """redis-py's client, a command at a time; what nobody waits for has tasks of its own in an application."""

    async def request(number: int) -> None:
        await client.get(KEY % (number, 0))
        for put in range(PUTS):
            await client.set(KEY % (number, put), VALUE, px=60_000)

    return request


def pipelined(client: redis_py.Redis) -> Request:
    """redis-py's client with a pipeline for each request's puts."""

    async def request(number: int) -> None:
        await client.get(KEY % (number, 0))
        async with client.pipeline(transaction=False) as pipe:
            for put in range(PUTS):
                pipe.set(KEY % (number, put), VALUE, px=60_000)
            await pipe.execute()

    return request


async def measured(request: Request, at_once: int, server: Process) -> dict[str, float]:
    """Microseconds of CPU for a request, here and there, and the time one takes."""
    waited = list[float]()

    async def client(first: int, count: int) -> None:
        for number in range(first, first + count):
            begun = time.perf_counter()
            await request(number)
            waited.append(time.perf_counter() - begun)

    each = REQUESTS // at_once
    await asyncio.gather(*(client(n * each, each // 10) for n in range(at_once)))
    waited.clear()
    ours, theirs = time.process_time(), server.cpu
    await asyncio.gather(*(client(n * each, each) for n in range(at_once)))
    done = at_once * each
    return {
        "CPU here, µs": 1e6 * (time.process_time() - ours) / done,
        "CPU of Redis, µs": 1e6 * (server.cpu - theirs) / done,
        "waited p50, ms": 1e3 * sorted(waited)[len(waited) // 2],
    }


async def everything(url: str, server: Process) -> dict[str, dict[str, float]]:
    """Each way, with one request at a time and with fifty."""
    where: StoreUrl = read_store_url(url)
    host, port = where.hosts[0]
    rows: dict[str, dict[str, float]] = {}
    for at_once in (1, 50):
        links: dict[str, type[Link]] = {"one write for each turn of the loop": Link, "a write for each": OneByOne}
        for name, kind in links.items():
            link = kind(to_host(where, host, port), say=print, heard=lambda *_: None, deadline=5.0)
            await link.begin()
            rows[f"ours, {name}; {at_once} at once"] = await measured(linked(link), at_once, server)
            await link.aclose()
        ways: dict[str, Callable[[Any], Request]] = {"a command at a time": plain, "pipelines": pipelined}
        for name, way in ways.items():
            client = redis_py.Redis(host=host, port=port, max_connections=at_once)
            rows[f"redis-py, {name}; {at_once} at once"] = await measured(way(client), at_once, server)
            await client.aclose()
    return rows


def main() -> None:
    """Measure and print."""
    with redis_process() as (url, server):
        printed("a GET that is waited for, four SETs of 400 bytes", uvloop.run(everything(url, server)))


if __name__ == "__main__":
    main()
