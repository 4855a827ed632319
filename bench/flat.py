"""What a request costs does not grow with anything but its own bytes: routes, keys, open streams, requests so far.

``python -m bench.flat [--seconds 1]`` measures the CPU time of a proxy in a process of its own, and prints a table: by
the bytes of a request with the slope in microseconds for each KB, by how many routes and keys the policy has, and by
how many streams are open. tests/bench/test_flat.py holds the same in instructions, where no clock is needed.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench import workload
from bench.load import Load, loaded
from bench.processes import Proxy, pinned, proxy, redis, started, upstream
from router.keys import hash_key

__all__ = ["SIZES", "many", "slope"]

_PROXY, _REST = 0, 1
SIZES = (1, 4, 16, 64, 256, 1024)
"""KB."""
_CONNECTIONS = 8
_REPEAT = 3
_STREAMS = 1000
_HELD = "#mock:0,2,60000#"
"""A stream that gives one token and then nothing for a minute."""


def slope(points: Mapping[float, float]) -> tuple[float, float]:
    """Return what grows with each, and what is there from the beginning: least squares of the *relative* distance."""
    weights = {x: 1 / y**2 for x, y in points.items()}
    total = sum(weights.values())
    mean_x = sum(w * x for x, w in weights.items()) / total
    mean_y = sum(w * points[x] for x, w in weights.items()) / total
    across = sum(w * (x - mean_x) ** 2 for x, w in weights.items())
    each = sum(w * (x - mean_x) * (points[x] - mean_y) for x, w in weights.items()) / across if across else 0.0
    return each, mean_y - each * mean_x


def many(folder: Path, routes: int, keys: int) -> dict[str, Any]:
    """Write so many keys, ours among them; return what makes a policy have so many routes."""
    made = [{"name": f"key-{n}", "hash": hash_key(f"sf-other-{n}"), "labels": {}} for n in range(keys - 1)]
    made.insert(keys // 2, {"name": "bench", "hash": hash_key(workload.KEY), "labels": {}})
    (folder / "keys.yaml").write_text(yaml.dump(made, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))
    names = ["mock", *(f"route-{n}" for n in range(routes - 1))]
    return {"routes": {name: {"cascade": [{"tier": "tuned", "below": 0.3}, {"tier": "frontier"}]} for name in names}}


@contextmanager
def _served(**changes: Any) -> Iterator[Proxy]:
    with TemporaryDirectory() as folder, upstream(_REST) as mock, redis(_REST) as cache:
        home = Path(folder)
        if "routes" in changes:
            changes = many(home, changes["routes"], changes["keys"])
        with proxy(workload.write(home, mock, cache or "memory://", **changes), core=_PROXY) as served:
            yield served


def _cpu(served: Proxy, load: Load) -> float:
    """Microseconds of CPU for a request: the least of several short runs."""
    found = []
    for _ in range(_REPEAT):
        before = served.process.cpu
        seen = loaded(served.url, load, _REST)
        if seen.errors or not seen.requests:
            raise RuntimeError(f"{seen.errors} of {seen.requests} requests failed: {served.log.read_text()[-1000:]}")
        found.append(1e6 * (served.process.cpu - before) / seen.requests)
    return min(found)


def by_size(seconds: float) -> dict[float, float]:
    """CPU of a request by its size in KB."""
    with _served() as served:
        load = Load(connections=_CONNECTIONS, seconds=seconds)
        _cpu(served, load)
        return {size: _cpu(served, replace(load, size=size * 1024)) for size in SIZES}


def by_policy(seconds: float, most: int) -> dict[int, float]:
    """CPU of a request by how many routes there are, and twice as many keys."""
    found = {}
    for number in (10, most):
        with _served(routes=number, keys=2 * number) as served:
            found[number] = _cpu(served, Load(connections=_CONNECTIONS, seconds=seconds))
    return found


def by_streams(seconds: float) -> dict[int, float]:
    """CPU of a request by how many streams are open beside it."""
    with _served() as served:
        load = Load(connections=_CONNECTIONS, seconds=seconds)
        _cpu(served, load)
        found = {0: _cpu(served, load)}
        held = Load(connections=_STREAMS, seconds=30, stream=True, marker=_HELD)
        command = [sys.executable, "-m", "bench.load", served.url, json.dumps(asdict(held))]
        with started(pinned(command, _REST)):
            _cpu(served, replace(load, seconds=1.0))  # while they are opened
            found[_STREAMS] = _cpu(served, load)
        return found


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure, three times")
    parser.add_argument("--most", type=int, default=5_000, help="routes of the large policy; keys: twice as many")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    found: dict[str, Mapping[Any, float]] = {}
    for name, measured in (
        ("KB of body", lambda: by_size(options.seconds)),
        ("routes, keys/2", lambda: by_policy(options.seconds, options.most)),
        ("open streams", lambda: by_streams(options.seconds)),
    ):
        print(f"measuring by {name}", file=sys.stderr)
        found[name] = measured()
    each, fixed = slope(found["KB of body"])
    if options.json:
        print(json.dumps({**found, "µs per KB": each, "µs fixed": fixed}, indent=1, ensure_ascii=False))
        return 0
    for name, points in found.items():
        least = min(points)
        for at, micros in points.items():
            print(f"{name:16} {at:7,}  {micros:9,.1f} µs of CPU a request  {micros / points[least]:6.2f}")
    off = statistics.fmean(abs(y / (fixed + each * x) - 1) for x, y in found["KB of body"].items())
    print(
        f"a line through the sizes: {fixed:.0f} µs and {each:.2f} µs for each KB, off by {100 * off:.0f} % on average"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
