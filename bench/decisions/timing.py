"""CPU time of small things: the best of many short runs, alternating with what they are compared with."""

import gc
import time
from collections.abc import Callable, Mapping

__all__ = ["micros", "printed"]

_ROUNDS, _ENOUGH = 25, 1e-3


def micros(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return CPU microseconds of one run of each."""
    often, best = dict[str, int](), dict.fromkeys(works, float("inf"))
    for name, work in works.items():
        work()
        often[name] = max(1, round(_ENOUGH / max(1e-7, _took(work, 3))))
    gc.disable()
    try:
        for _ in range(_ROUNDS):
            for name, work in works.items():
                best[name] = min(best[name], _took(work, often[name]))
    finally:
        gc.enable()
    return {name: 1e6 * seconds for name, seconds in best.items()}


def _took(work: Callable[[], object], times: int) -> float:
    begun = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - begun) / times


def printed(title: str, rows: Mapping[str, Mapping[str, float]], digits: int = 2) -> None:
    """Print a table for a document; a column for each name in the first row."""
    columns = list(next(iter(rows.values())))
    print(f"\n| {title} | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{row[column]:,.{digits}f}" for column in columns) + " |")
