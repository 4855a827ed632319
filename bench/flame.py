"""Where the time goes: a flame graph of the proxy under load.

``python -m bench.flame [--case u50] [--seconds 8]`` serves in this process, loads it from others, looks at what it is
doing as often as the kernel's clock lets it (250 times in a second of CPU, on most), and writes two files to build/:
``CASE.svg`` to look at (point at a box to read its name) and ``CASE.collapsed``, which other tools read. What C code
does is counted to the function of Python that called it.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import uvloop

from bench import workload
from bench.flame_svg import drawn
from bench.load import loaded
from bench.macro import CASES
from bench.processes import ROOT, redis, upstream
from router.log import AccessLog
from router.server.run import running
from router.server.service import Service
from router.settings import Settings

__all__ = ["Stack", "own_time", "sampled"]

Stack = tuple[str, ...]
_EVERY = 0.001
_SHOWN = 25


@contextmanager
def sampled(every: float = _EVERY) -> Iterator[Counter[Stack]]:
    """Look at this thread's stack after each `every` seconds of CPU that the process uses."""
    found = Counter[Stack]()

    def look(_number: int, frame: FrameType | None) -> None:
        stack = list[str]()
        while frame is not None:
            stack.append(_named(frame))
            frame = frame.f_back
        found[tuple(reversed(stack))] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, every, every)
    try:
        yield found
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _named(frame: FrameType) -> str:
    code, module = frame.f_code, frame.f_globals.get("__name__", "?")
    return f"{module}.{code.co_qualname}"


def own_time(found: Counter[Stack]) -> list[tuple[str, float]]:
    """Which functions were running themselves, and for what share of the time, the most first."""
    own, total = Counter[str](), sum(found.values())
    for stack, times in found.items():
        own[stack[-1]] += times
    return [(name, times / total) for name, times in own.most_common()]


async def _serve(policy: Path, case: str, seconds: float) -> Counter[Stack]:
    log = AccessLog(os.open(os.devnull, os.O_WRONLY))
    service = Service(policy, Settings(environment=os.environ), log=log)
    load = replace(CASES[case][1], seconds=seconds)
    async with running(service) as url:
        await asyncio.to_thread(loaded, url, replace(load, seconds=1.0))
        with sampled() as found:
            seen = await asyncio.to_thread(loaded, url, load)
    log.close()
    print(f"{seen.requests} requests in {seen.seconds:.1f} s, {seen.errors} errors", file=sys.stderr)
    return found


def main() -> int:
    """Serve, look, write, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="u50", choices=CASES)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    with TemporaryDirectory() as folder, upstream() as mock, redis() as cache:
        policy = workload.write(Path(folder), mock, cache or "memory://")
        found = uvloop.run(_serve(policy, options.case, options.seconds))
    options.out.mkdir(parents=True, exist_ok=True)
    collapsed, graph = (options.out / f"{options.case}.{kind}" for kind in ("collapsed", "svg"))
    collapsed.write_text("".join(f"{';'.join(stack)} {times}\n" for stack, times in sorted(found.items())), "utf-8")
    graph.write_text(drawn(found, f"{options.case}: {CASES[options.case][0]}"), "utf-8")
    for name, share in own_time(found)[:_SHOWN]:
        print(f"{100 * share:5.1f} %  {name}")
    print(f"{sum(found.values())} samples: {graph}, {collapsed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
