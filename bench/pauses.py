"""How long the request loop stands still, and because of what: collector, scrape, reload, records.

``python -m bench.pauses [--seconds 4] [--routes 20] [--json]`` serves in this process, under a light load, and has a
heart beat on the loop every millisecond or two. Each beat says by how much it is late (that is what a request would
have waited; on a shared machine it is also what others did with the core), and how much CPU this thread has used since
the last one, which is ours alone. The collector's pauses are timed from its beginning to its end, in whichever thread.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import workload
from bench.flat import many
from bench.load import Found, Load, loaded, percentile
from bench.processes import redis, upstream
from router.log import AccessLog
from router.server import run
from router.server.service import Service
from router.settings import Settings

__all__ = ["Heart", "Pauses"]

_BEAT, _LATEST = 0.001, 0.002
"""A loop whose timers know whole milliseconds beats after one or two of them."""
_RATE = 200.0
_ROUTES = 20


@dataclass(frozen=True, slots=True)
class Pauses:
    """The longest, in milliseconds."""

    late: float
    """Of the beats."""
    late_p99: float
    cpu: float
    """CPU of the loop's thread between two beats: requests that came at once, and whatever else there was."""
    collector: float
    beats: int


@dataclass(slots=True)
class Heart:
    """Beats on a loop."""

    delays: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    collections: list[float] = field(default_factory=list)
    _collecting: float = 0.0

    async def beat(self) -> None:
        """Go on until cancelled."""
        used = time.thread_time()
        while True:
            due = time.perf_counter() + _LATEST
            await asyncio.sleep(_BEAT)
            now = time.thread_time()
            self.delays.append(max(0.0, time.perf_counter() - due))
            self.cpus.append(now - used)
            used = now

    def collector(self, phase: str, _info: dict[str, int]) -> None:
        """Hear the collector begin and end."""
        if phase == "start":
            self._collecting = time.thread_time()
        else:
            self.collections.append(time.thread_time() - self._collecting)

    def told(self) -> Pauses:
        """What was seen since this was asked last."""
        delays, cpus = sorted(self.delays), self.cpus
        found = Pauses(
            1e3 * max(delays, default=0.0),
            1e3 * percentile(delays, 99),
            1e3 * max(cpus, default=0.0),
            1e3 * max(self.collections, default=0.0),
            len(delays),
        )
        for each in (self.delays, self.cpus, self.collections):
            each.clear()
        return found


async def _nothing(_service: Service) -> None:
    await asyncio.sleep(0.05)


async def _scrape(service: Service) -> None:
    for _ in service.metrics.parts():  # as the endpoint gives them
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)


async def _reload(service: Service) -> None:
    assert await service.reload()
    await asyncio.sleep(0.2)


async def _records(service: Service) -> None:
    for _ in range(50):
        service.books.move({"route": "mock", "note": "x" * 2000})
    await asyncio.sleep(0.02)


async def _collect(_service: Service) -> None:
    gc.collect()
    await asyncio.sleep(0.2)


CAUSES: dict[str, Callable[[Service], Awaitable[None]]] = {
    "requests alone": _nothing,
    "scrape, 20 a second": _scrape,
    "records, 2,500 more a second": _records,
    "a full collection, 5 a second": _collect,
    "reload, 4 a second": _reload,
}
"""What happens meanwhile. A full collection is forced, to show what it would take; reloads come last, as they freeze
what would be looked at."""


def _rise(by: int) -> None:
    """At real-time priority, put this thread, and those it begins, above what was begun before.

    Among equals whoever runs goes on for 100 ms, so that a thread of ours which reads a policy on one core, and the
    load on the other, would keep the loop waiting as they never do on a machine that is used as usual.
    """
    if hasattr(os, "sched_getscheduler") and (policy := os.sched_getscheduler(0)) in {os.SCHED_RR, os.SCHED_FIFO}:
        os.sched_setscheduler(0, policy, os.sched_param(os.sched_getparam(0).sched_priority + by))


def _asked(url: str, load: Load) -> Found:
    _rise(-1)
    try:
        return loaded(url, load)
    finally:
        _rise(1)


async def _measured(policy: Path, seconds: float) -> dict[str, Pauses]:
    log = AccessLog(os.open(os.devnull, os.O_WRONLY))
    service = Service(policy, Settings(environment=os.environ), log=log)
    found, heart = {}, Heart()
    gc.callbacks.append(heart.collector)
    async with run.running(service) as url:
        run._settle()  # noqa: SLF001  as a process of its own does once it is ready
        await asyncio.to_thread(loaded, url, Load(connections=4, seconds=1.0))
        beating = asyncio.create_task(heart.beat())
        for name, happens in CAUSES.items():
            print(f"measuring: {name}", file=sys.stderr)
            load = Load(connections=4, seconds=seconds, rate=_RATE)
            heart.told()
            asking = asyncio.create_task(asyncio.to_thread(_asked, url, load))
            while not asking.done():
                await happens(service)
            found[name] = heart.told()
            assert not asking.result().errors
        beating.cancel()
    gc.callbacks.remove(heart.collector)
    log.close()
    return found


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each cause")
    parser.add_argument("--routes", type=int, default=_ROUTES, help="and keys: how much there is to scrape and to read")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    with TemporaryDirectory() as folder, upstream(1) as mock, redis(1) as cache:
        changes = many(Path(folder), options.routes, options.routes)
        policy = workload.write(Path(folder), mock, cache or "memory://", **changes)
        _rise(1)
        found = uvloop.run(_measured(policy, options.seconds))
    if options.json:
        print(json.dumps({name: asdict(one) for name, one in found.items()}, indent=1))
        return 0
    print(f"{'ms, longest':32} {'late':>8} {'late p99':>9} {'our CPU':>8} {'collector':>10}")
    for name, one in found.items():
        print(f"{name:32} {one.late:8.2f} {one.late_p99:9.2f} {one.cpu:8.2f} {one.collector:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
