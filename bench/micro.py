"""How long each part of a request's way takes, in CPU time held against a loop of Python that is timed beside it.

``python -m bench.micro [--json] [NAME…]``. A machine that is slower, or shared, is slower at both: what is compared
with the budget is the ratio, given in microseconds of a machine on which the loop takes 100 of them. The best of many
short runs counts, each of them timed between two of the loop, so that a neighbour is in both or in none.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bench.parts import PARTS

__all__ = ["Timed", "calibration", "timed"]

_LOOP = 100.0
"""Microseconds that the loop takes on the machine that is called 1."""
_ROUNDS, _ENOUGH = 40, 500e-6
_SLACK = 1.5
"""How much longer than its budget a part may take: clocks are not exact, and C code and Python differ by machine."""


@dataclass(frozen=True, slots=True)
class Timed:
    """What a part takes, in microseconds of CPU for each of the things it does."""

    here: float
    """On this machine, now."""
    normal: float
    """On the machine that is called 1."""
    budget: float
    over: bool


def calibration() -> int:
    """Run a loop that does what the proxy does most: calls, attributes, dicts, strings; about 100 µs."""
    found, seen = 0, dict[int, str]()  # not by text, whose hashes are others in every process
    for number in range(430):
        seen[number & 31] = f"{number}:{found & 7}"
        found += _step(seen.get(number & 15, ""), number)
    return found


def _step(text: str, number: int) -> int:
    return len(text) + number if text.startswith("1") else number


def timed(name: str) -> Timed:
    """Time one part."""
    part = PARTS[name]
    work = part.ready()
    times = _enough(work)
    spent, loops = list[float](), list[float]()
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(_ROUNDS):
            loops.append(_took(calibration, 3))
            spent.append(_took(work, times))
    finally:
        if collecting:
            gc.enable()
    here = 1e6 * min(spent) / part.per
    normal = here * _LOOP / (1e6 * min(loops))
    budget = part.micros / part.per
    return Timed(here, normal, budget, normal > budget * _SLACK)


def _took(work: Callable[[], object], times: int) -> float:
    """Seconds of this thread's CPU that one run takes."""
    begun = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - begun) / times


def _enough(work: Callable[[], object]) -> int:
    """How often it has to run to be timed well; after a first time, which fills what is remembered."""
    work()
    return max(1, round(_ENOUGH / max(1e-7, min(_took(work, 3) for _ in range(3)))))


def main() -> int:
    """Time and tell; 1 when something is over its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts; omitted: all of them")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    unknown = set(options.names) - set(PARTS)
    if unknown:
        parser.error(f"no part named {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    found = {}
    for name in options.names or PARTS:
        print(f"timing {name}", file=sys.stderr)
        found[name] = timed(name)
    if options.json:
        print(json.dumps({name: asdict(one) for name, one in found.items()}, indent=1))
    else:
        print(f"{'CPU µs for each':40} {'here':>8} {'normal':>8} {'budget':>8}")
        for name, one in found.items():
            print(f"{name:40} {one.here:8.2f} {one.normal:8.2f} {one.budget:8.2f}{'  OVER' if one.over else ''}")
    return 1 if any(one.over for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
