"""Hours in minutes: does memory grow, does a request come to cost more, does anything fail?

``python -m bench.soak [--minutes 10] [--share 0.5] [--window 15] [--json]`` finds out how many requests a second one
proxy can answer, asks for that share of it (three in five are new, one a hit, one a stream), and looks at the end of
each window of so many seconds at memory and CPU. Growth is told as a line through the windows after the first minute,
while caches and buffers find their size.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import workload
from bench.load import Found, Load, loaded
from bench.processes import Proxy, proxy, redis, upstream

__all__ = ["Window", "growth", "run", "slope"]

_PROXY, _REST = 0, 1
_SETTLED = 60.0
_NEAR = "4MiB"
"""How much of the answers the process keeps itself: so little that it is full within the first minute."""
_PARTS = (
    (0.6, Load(connections=16)),
    (0.2, Load(connections=8, same=True)),
    (0.2, Load(connections=16, stream=True)),
)
"""The mix of requests, each with its share of them."""


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen in one of them."""

    ended: float
    """Seconds since the beginning."""
    requests: int
    """So far."""
    errors: int
    cpu: float
    """Microseconds of CPU for each request of this window."""
    memory: float
    """MB at its end, PSS."""
    p99: float
    """Milliseconds, of the new requests."""


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much the second value grows for each of the first: least squares."""
    if len(points) < 2:
        return 0.0
    x_mean, y_mean = (sum(values) / len(points) for values in zip(*points, strict=True))
    across = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / across if across else 0.0


def growth(windows: Sequence[Window]) -> dict[str, float]:
    """Return what grows, and by how much, from the first minute's end to the last window's."""
    settled = [one for one in windows if one.ended > _SETTLED] or list(windows)
    minutes = (settled[-1].ended - settled[0].ended) / 60
    memory = slope([(one.ended / 60, one.memory) for one in settled])
    cpu = slope([(one.ended / 60, one.cpu) for one in settled])
    return {
        "minutes": minutes,
        "requests": settled[-1].requests,
        "memory, MB a minute": memory,
        "memory, MB in all": memory * minutes,
        "MB, first": settled[0].memory,
        "MB, last": settled[-1].memory,
        "CPU, µs a request, first": settled[0].cpu,
        "CPU, µs a request, last": settled[-1].cpu,
        "CPU, µs a request, a minute": cpu,
        "errors": sum(one.errors for one in windows),
    }


def _capacity(served: Proxy) -> float:
    """Requests a second that it answers when asked for more."""
    seconds = 2.0
    loaded(served.url, Load(connections=32, seconds=seconds / 2), _REST)
    before = served.process.cpu
    found = loaded(served.url, Load(connections=32, seconds=seconds), _REST)
    busy = (served.process.cpu - before) / found.seconds
    return found.per_second / max(busy, 0.05)  # what a core would do that is all its own


def _window(served: Proxy, rate: float, seconds: float) -> list[Found]:
    """Ask all parts of the mix at once."""
    found: list[Found] = []

    def ask(share: float, load: Load) -> None:
        found.append(loaded(served.url, replace(load, seconds=seconds, rate=rate * share), _REST))

    asking = [threading.Thread(target=ask, args=part) for part in _PARTS]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    return sorted(found, key=lambda one: one.events)


def run(minutes: float, share: float, seconds: float) -> list[Window]:
    """Soak."""
    windows: list[Window] = []
    with TemporaryDirectory() as folder, upstream(_REST) as mock, redis(_REST) as cache:
        policy = workload.write(Path(folder), mock, cache or "memory://", memory=_NEAR)
        with proxy(policy, core=_PROXY) as served:
            rate = share * _capacity(served)
            print(f"{rate:.0f} requests a second for {minutes:g} minutes", file=sys.stderr)
            begun, requests = time.monotonic(), 0
            while time.monotonic() - begun < 60 * minutes:
                before = served.process.cpu
                found = _window(served, rate, seconds)
                asked = sum(one.requests for one in found)
                requests += asked
                windows.append(
                    Window(
                        time.monotonic() - begun,
                        requests,
                        sum(one.errors for one in found),
                        1e6 * (served.process.cpu - before) / max(1, asked),
                        served.process.memory,
                        found[0].latency["p99"],
                    )
                )
                print(_line(windows[-1]), file=sys.stderr)
    return windows


def _line(one: Window) -> str:
    return (
        f"{one.ended:6.0f} s  {one.requests:9,} requests  {one.errors} errors  {one.cpu:6.0f} µs  "
        f"{one.memory:6.1f} MB  p99 {one.p99:.1f} ms"
    )


def main() -> int:
    """Soak and tell; 1 when a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--share", type=float, default=0.5, help="of what one core can do")
    parser.add_argument("--window", type=float, default=15.0, help="seconds")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    windows = run(options.minutes, options.share, options.window)
    grown = growth(windows)
    if options.json:
        document = {"windows": [asdict(one) for one in windows], "growth": grown}
        print(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        for name, value in grown.items():
            print(f"{name:28} {value:12,.3f}")
    return 1 if grown["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
