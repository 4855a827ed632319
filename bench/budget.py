"""What a request may cost: read from budgets.toml, compared with what was counted, and written anew.

``python -m bench.budget`` counts and compares; ``--write`` takes what was counted as the new budget.
"""

import argparse
import platform
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bench.counting import Count
from bench.parts import PARTS, count
from bench.path import CASES, measure
from bench.processes import redis

__all__ = ["FILE", "allowed", "budgets", "over"]

FILE = Path(__file__).with_name("budgets.toml")
_GROUPS = ("path", "redis", "parts")
_SLACK, _ELSEWHERE = 1.03, 1.25
"""What may be used beyond the budget: room for what chance does, and for another Python than it was counted on."""
_MORE = {"calls": 2, "c_calls": 2, "instructions": 16}
"""What is counted along with a part when somebody else, who measures coverage, counts too."""
_HEAD = """\
# What one request, and each part of its way, may cost: calls of Python functions, calls from Python into C, and
# instructions of Python's virtual machine. Counted, not timed: the same on every machine. `make test` holds them with
# a slack of 3 %. Written by `make budgets`; whoever makes one larger says in the commit what that buys.
"""


def budgets() -> Mapping[str, Mapping[str, Count]]:
    """Return the budgets, by group (`path`, `redis`, `parts`) and name."""
    read = tomllib.loads(FILE.read_text("utf-8"))
    return {group: {name: Count(**one) for name, one in read[group].items()} for group in _GROUPS}


def allowed(budget: int, python: str) -> int:
    """Return how many may be used of something that has this budget, counted on such a Python."""
    return int(budget * (_SLACK if platform.python_version().startswith(f"{python}.") else _ELSEWHERE))


def over(found: Count, budget: Count) -> list[str]:
    """Say what was used beyond the budget, one sentence each."""
    python = tomllib.loads(FILE.read_text("utf-8"))["python"]
    used, granted = asdict(found), asdict(budget)
    return [
        f"{used[what]:,} {what.replace('_', ' ')} where {granted[what]:,} are granted: spend less, or `make budgets`"
        for what in granted
        if used[what] > allowed(granted[what], python) + _MORE[what]
    ]


def _written(found: Mapping[str, Mapping[str, Count]]) -> str:
    lines = [_HEAD, f'python = "{".".join(platform.python_version_tuple()[:2])}"']
    for group, counts in found.items():
        lines.append(f"\n[{group}]")
        for name, one in counts.items():
            told = ", ".join(f"{what} = {number}" for what, number in asdict(one).items())
            lines.append(f'"{name}" = {{ {told} }}')
    return "\n".join(lines) + "\n"


def main() -> int:
    """Count everything and tell; 1 when something is over its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="take what was counted as the new budgets")
    options = parser.parse_args()
    found = {"path": {name: measure(name) for name in CASES}}
    with redis() as cache:
        found["redis"] = {"miss": measure("miss", cache=cache)} if cache else {}
    found["parts"] = {name: count(name) for name in PARTS}
    if options.write:
        if not cache:
            parser.error("redis-server is not installed (Debian: apt install redis-server)")
        FILE.write_text(_written(found), "utf-8")
        return 0
    granted, faults = budgets(), 0
    for group, counts in found.items():
        for name, one in counts.items():
            told = over(one, granted[group].get(name, Count()))
            faults += len(told)
            numbers = f"{one.calls:7,} calls {one.c_calls:7,} into C {one.instructions:9,} instructions"
            print(f"{group:6} {name:34} {numbers}", *told, sep="\n       " if told else " ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
