"""What remembering costs: an answer given again, from the process and from Redis; and Redis for what is not there.

``python -m bench.remembered [--json] [--rounds 1000] [--seconds 1]`` asks, in turn and one at a time: the mock
deployment itself, a proxy that has the answer in the process, and one that has to fetch it from Redis (its
`cache.memory` is too small to keep any). What a hit adds is its time less that of the mock deployment, which it does
not ask, so that the time of asking and answering over a socket is taken off, as for everything that is called added.
All this runs with real-time priority where that may be had.

Then 50 clients ask what is not there, in turn of a proxy without Redis and of one with it: the difference in CPU time
is what Redis costs the proxy for each miss.
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench import workload
from bench.load import Load, loaded, percentile
from bench.path import Client
from bench.processes import Proxy, proxy, redis_process, upstream

__all__ = ["Hits", "Miss", "hits", "misses"]

_PROXY, _REST = 0, 1
_PRIORITY = 10
_ANSWERS = 64
_WARM = 100
_TOO_SMALL = "1KiB"
_MOST = {"process": 0.3, "Redis": 0.6}
"""Milliseconds that a hit may add, in the middle."""
_MOST_CPU = 50.0
"""Microseconds of CPU that Redis may cost for each miss."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Milliseconds for an answer of the mock deployment, and for hits from either level, at several percentiles."""

    direct: Mapping[str, float]
    process: Mapping[str, float]
    redis: Mapping[str, float]

    def added(self, at: str = "p50") -> dict[str, float]:
        """What hits add."""
        return {"process": self.process[at] - self.direct[at], "Redis": self.redis[at] - self.direct[at]}


@dataclass(frozen=True, slots=True)
class Miss:
    """Microseconds of CPU for each request that is not there, at 50 concurrent."""

    without: float
    """The proxy's, without Redis."""
    proxy: float
    """The proxy's, with it."""
    server: float
    """Redis's own."""

    @property
    def added(self) -> float:
        """What Redis costs the proxy."""
        return self.proxy - self.without


def hits(rounds: int) -> Hits:
    """Time hits, one request at a time."""
    with TemporaryDirectory() as near, TemporaryDirectory() as far, _hurrying(), ExitStack() as stack:
        mock = stack.enter_context(upstream(_REST))
        cache, _ = stack.enter_context(redis_process(_REST))
        policies = workload.write(Path(near), mock, cache), _forgetting(workload.write(Path(far), mock, cache))
        served = [stack.enter_context(proxy(policy, core=_PROXY)) for policy in policies]
        clients = [Client(address) for address in (mock, *(one.url for one in served))]
        times: list[list[float]] = [[], [], []]
        for number in range(_WARM + rounds):
            request = workload.request(number % _ANSWERS)
            for client, seen in zip(clients, times, strict=True):
                taken = _timed(client, request)
                if number >= _WARM:
                    seen.append(1000 * taken)
        for client in clients:
            client.close()
        for one in served:
            _found(one, rounds)
    return Hits(*({f"p{at:g}": percentile(seen, at) for at in (50.0, 95.0, 99.0)} for seen in map(sorted, times)))


def _timed(client: Client, request: bytes) -> float:
    begun = time.perf_counter()
    client.ask(request)
    return time.perf_counter() - begun


def _found(served: Proxy, rounds: int) -> None:
    """See that these were hits; raises RuntimeError when they were not."""
    host, port = served.url.removeprefix("http://").removesuffix("/v1").split(":")
    asking = http.client.HTTPConnection(host, int(port), timeout=10)
    asking.request("GET", "/metrics")
    lines = asking.getresponse().read().decode().splitlines()
    asking.close()
    counted = sum(
        float(line.split()[-1]) for line in lines if line.startswith("router_cache_total") and '"hit"' in line
    )
    if counted < rounds:
        raise RuntimeError(f"{counted:.0f} of {rounds} requests were hits")


def misses(seconds: float, repeat: int = 3) -> Miss:
    """Take the CPU time of misses, with Redis and without."""
    with TemporaryDirectory() as alone, TemporaryDirectory() as shared, ExitStack() as stack:
        mock = stack.enter_context(upstream(_REST))
        cache, server = stack.enter_context(redis_process(_REST))
        without = stack.enter_context(proxy(workload.write(Path(alone), mock), core=_PROXY))
        using = stack.enter_context(proxy(workload.write(Path(shared), mock, cache), core=_PROXY))
        runs: list[list[float]] = []
        for number in range(repeat + 1):
            load = Load(connections=50, seconds=seconds)
            plain = _each(load, without.url, lambda: (without.process.cpu,))
            both = _each(load, using.url, lambda: (using.process.cpu, server.cpu))
            if number:  # the first is to warm up
                runs.append([*plain, *both])
    middle = [statistics.median(figures) for figures in zip(*runs, strict=True)]
    return Miss(*middle)


def _each(load: Load, url: str, cpu: Callable[[], Sequence[float]]) -> list[float]:
    """Microseconds of CPU for each request of a load."""
    before = cpu()
    seen = loaded(url, load, _REST)
    if seen.errors or not seen.requests:
        raise RuntimeError(f"{seen.errors} of {seen.requests} requests failed")
    return [1e6 * (now - then) / seen.requests for then, now in zip(before, cpu(), strict=True)]


def _forgetting(policy: Path) -> Path:
    """Let a proxy keep no answer in its process."""
    said = yaml.safe_load(policy.read_text())
    said["cache"]["memory"] = _TOO_SMALL
    policy.write_text(yaml.safe_dump(said, sort_keys=False))
    return policy


@contextmanager
def _hurrying() -> Iterator[None]:
    """Come before whatever else runs here, we and whom we start, where that may be had."""
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    try:
        yield
    finally:
        with suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000, help="hits of each level")
    parser.add_argument("--seconds", type=float, default=1.0, help="of misses, for each of six runs")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    given, missed = hits(options.rounds), misses(options.seconds)
    held = missed.added <= _MOST_CPU and all(given.added()[level] <= most for level, most in _MOST.items())
    if options.json:
        added = {"hit_ms": given.added(), "miss_cpu_us": missed.added}
        print(json.dumps({"hits": asdict(given), "misses": asdict(missed), "added": added, "held": held}))
        return int(not held)
    print("| one at a time, ms | p50 | p95 | p99 | added p50 | at most |\n|---|---|---|---|---|---|")
    for name, seen in (
        ("the mock deployment itself", given.direct),
        *zip(_MOST, (given.process, given.redis), strict=True),
    ):
        figures = " | ".join(f"{value:.3f}" for value in seen.values())
        limits = f"{given.added()[name]:.3f} | {_MOST[name]}" if name in _MOST else " | "
        print(f"| {name if name not in _MOST else f'a hit from {name}'} | {figures} | {limits} |")
    print(
        f"\na miss at 50 concurrent: {missed.without:.0f} µs of CPU without Redis, {missed.proxy:.0f} with it: "
        f"{missed.added:.0f} more, at most {_MOST_CPU:.0f}; Redis itself takes {missed.server:.0f}"
    )
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
