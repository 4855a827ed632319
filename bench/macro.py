"""The proxy under load: requests a second, CPU for each, what it adds, events, hits, memory, start.

``python -m bench.macro [--json] [--plot FILE] [--cases u1,u50,…] [--seconds 2] [--repeat 3] [--workers N]`` starts a
mock deployment, a Redis where one is installed, and one proxy with everything on: the proxy on the first core,
everything else on the second, where there are two. Added time is that of the same load on the mock deployment itself,
taken off. Streams that begin at the same moment wait for each other at every token; those of spread50 and early50
begin one after the other, as those of strangers do. Of the repetitions the one with the middle CPU time is told.
Compare figures of one run only, and measure on a machine that has nothing else to do.
"""

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import workload
from bench.load import AT, Found, Load, loaded
from bench.processes import Proxy, proxy, redis, upstream

__all__ = ["CASES", "Case", "Report", "case", "document", "measure"]

_PROXY, _REST = 0, 1
_PACED = Load(connections=50, stream=True, marker="#mock:20,30,10#")
_EARLY, _LENGTH = "#mock:20,30,10,early#", 0.31
"""What has the role come at once; seconds that a paced stream takes."""

CASES: Mapping[str, tuple[str, Load]] = {
    "u1": ("one client, every request different", Load()),
    "u50": ("50 clients, every request different", Load(connections=50)),
    "h50": ("50 clients, all the same: exact hits", Load(connections=50, same=True)),
    "c50": ("50 clients, sampled: not looked for in the cache", Load(connections=50, temperature=1)),
    "u10_100k": ("10 clients, 100 KB", Load(connections=10, size=102_400)),
    "s50": ("50 streams of 34 events in one burst", Load(connections=50, stream=True)),
    "paced50": ("50 streams, 10 ms between tokens, all at once", _PACED),
    "spread50": ("the same, begun one after the other", replace(_PACED, spread=_LENGTH)),
    "early50": ("as spread50, the role at once", replace(_PACED, spread=_LENGTH, marker=_EARLY)),
    "paced200": ("200 streams, 10 ms between tokens, all at once", replace(_PACED, connections=200)),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One case, measured. Times are milliseconds unless they say otherwise."""

    what: str
    per_second: float
    cpu: float
    """Microseconds of the proxy's CPU for each request."""
    errors: int
    direct: Found
    through: Found
    memory: float
    """MB of the proxy afterwards."""

    @property
    def added(self) -> dict[str, float]:
        """What the proxy adds to the time of a whole answer, or of a stream's last byte."""
        return {at: self.through.latency[at] - self.direct.latency[at] for at in ("p50", "p99")}

    @property
    def added_first(self) -> dict[str, float]:
        """What it adds to the time of the first byte; where a role comes early it is held back, so this is much."""
        return {at: self.through.first[at] - self.direct.first[at] for at in ("p50", "p99")}

    @property
    def added_token(self) -> dict[str, float]:
        """What it adds to the time of a stream's first token, the first that somebody can read; of streams."""
        return {at: self.through.token[at] - self.direct.token[at] for at in ("p50", "p99")}

    @property
    def events(self) -> float:
        """Streamed events for each second of the proxy's CPU."""
        return self.through.events / (self.cpu * 1e-6 * self.through.requests) if self.through.events else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured."""

    cases: Mapping[str, Case]
    idle: float
    """MB before the first case."""
    start: float
    """Seconds until the first answer."""
    redis: bool
    workers: int


def measure(names: Sequence[str], *, seconds: float, repeat: int, workers: int = 1) -> Report:
    """Measure these cases."""
    with TemporaryDirectory() as folder, upstream(_REST) as mock, redis(_REST) as cache:
        policy = workload.write(Path(folder), mock, cache or "memory://")
        core = _PROXY if workers == 1 else None
        with proxy(policy, core=core, workers=workers) as served:
            idle, cases = served.process.memory, {}
            for name in names:
                print(f"measuring {name}", file=sys.stderr)
                cases[name] = case(name, served, mock, seconds, repeat)
            return Report(cases, idle, served.started, bool(cache), workers)


def case(name: str, served: Proxy, mock: str, seconds: float, repeat: int) -> Case:
    """Measure one case, through the proxy and without it in turns."""
    what, load = CASES[name]
    load = replace(load, seconds=seconds)
    loaded(served.url, replace(load, seconds=seconds / 4), _REST)
    runs = []
    for _ in range(repeat):
        direct = loaded(mock, load, _REST)
        before = served.process.cpu
        through = loaded(served.url, load, _REST)
        cpu = 1e6 * (served.process.cpu - before) / max(1, through.requests)
        runs.append(Case(what, through.per_second, cpu, through.errors, direct, through, served.process.memory))
    return _median(runs)


def _median(runs: Sequence[Case]) -> Case:
    """The run whose CPU time is the middle one: its figures belong together."""
    return sorted(runs, key=lambda case: case.cpu)[len(runs) // 2]


_HEADS = (
    *("case", "req/s", "mock alone", "CPU µs/req", "added p50 ms", "p99", "to first byte p50", "p99"),
    *("to first token p50", "p99", "events/CPU s", "MB", "errors"),
)


def _table(report: Report) -> str:
    lines = ["| " + " | ".join(_HEADS) + " |", "|---" * len(_HEADS) + "|"]
    for name, case in report.cases.items():
        figures = (
            f"{case.per_second:,.0f}",
            f"{case.direct.per_second:,.0f}",
            f"{case.cpu:,.0f}",
            *(f"{case.added[at]:.2f}" for at in ("p50", "p99")),
            *(f"{case.added_first[at]:.2f}" for at in ("p50", "p99")),
            *(f"{case.added_token[at]:.2f}" if case.events else "" for at in ("p50", "p99")),
            f"{case.events:,.0f}" if case.events else "",
            f"{case.memory:.0f}",
            str(case.errors),
        )
        lines.append(f"| {name}: {case.what} | " + " | ".join(figures) + " |")
    cache = "Redis" if report.redis else "in memory"
    lines.append(
        f"\nfirst answer after {report.start:.2f} s; {report.idle:.0f} MB idle; cache {cache}; "
        f"{report.workers} worker{'s' if report.workers > 1 else ''}; Python {platform.python_version()}"
    )
    return "\n".join(lines)


def document(case: Case) -> dict[str, object]:
    """Return a case with all that follows from it."""
    added = {"added": case.added, "added_first": case.added_first, "added_token": case.added_token}
    return {**asdict(case), **added, "events_per_cpu_s": case.events}


def plot(report: Report, path: Path) -> None:
    """Draw the percentiles of latency, through the proxy and without it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = (len(report.cases) + 1) // 2
    figure, axes = plt.subplots(rows, 2, figsize=(11, 3 * rows), squeeze=False, layout="constrained")
    for axis, (name, case) in zip(axes.flat, report.cases.items(), strict=False):
        for label, found in (("mock deployment", case.direct), ("through the proxy", case.through)):
            axis.plot(range(len(AT)), [found.latency[f"p{at:g}"] for at in AT], marker="o", label=label)
        axis.set_xticks(range(len(AT)), [f"p{at:g}" for at in AT])
        axis.set(title=f"{name}: {case.what}", ylabel="ms", yscale="log")
        axis.grid(visible=True, alpha=0.3)
        axis.legend()
    for axis in axes.flat[len(report.cases) :]:
        axis.set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> int:
    """Measure and tell; 1 when a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw percentiles of latency (SVG, PNG)")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="more than one are pinned to no core")
    options = parser.parse_args()
    names = options.cases.split(",")
    if unknown := set(names) - set(CASES):
        parser.error(f"no case named {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    report = measure(names, seconds=options.seconds, repeat=options.repeat, workers=options.workers)
    if options.plot:
        plot(report, options.plot)
    told = {**asdict(report), "cases": {name: document(case) for name, case in report.cases.items()}}
    print(json.dumps(told, indent=1) if options.json else _table(report))
    return 1 if any(case.errors for case in report.cases.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
