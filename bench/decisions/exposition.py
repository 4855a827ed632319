"""Where metrics are counted so that several workers show one sum: shared memory, or prometheus_client's files.

``python -m bench.decisions.exposition``: CPU microseconds to count what one request counts, and what a scrape of four
workers costs whoever is scraped: all in all, and how long the request loop stands still for it at most.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory

from bench.decisions.timing import micros, printed
from router.meters import METRICS
from router.series import Metric, Series, Sheets

WORKERS, ROUTES = 4, 12
TIMES = 20
BY_NAME = {metric.name: metric for metric in METRICS}
Update = tuple[str, tuple[str, ...], float]


def updates(route: str) -> list[Update]:
    """What a request that was answered at the first tier counts."""
    call = ("chat", "openai", f"m-{route}", f"d-{route}")
    return [
        ("router_requests_total", (route, "tuned", "tuned", "3", "ok"), 1),
        ("router_cache_total", (route, "miss"), 1),
        ("router_request_seconds", (route, "tuned"), 0.8),
        ("router_band_seconds", (route, "tuned", "3"), 0.8),
        ("router_overhead_seconds", (), 0.0004),
        ("router_difficulty", (route,), 0.12),
        ("gen_ai_client_operation_duration_seconds", (*call, ""), 0.8),
        ("router_cost_usd_total", (route, "tuned", "tuned", f"d-{route}", "served", "3"), 1e-5),
        ("router_tokens_total", (route, "tuned", "input"), 200),
        ("router_tokens_total", (route, "tuned", "output"), 30),
        ("gen_ai_client_token_usage", (*call, "input"), 200),
        ("gen_ai_client_token_usage", (*call, "output"), 30),
        ("router_baseline_usd_total", (route,), 1e-3),
    ]


def ours() -> dict[str, float]:
    """Sheets of shared memory (router/series.py)."""
    sheets = Sheets(WORKERS)
    workers = [Series(METRICS, sheets, number) for number in range(WORKERS)]
    names = {name for name, _, _ in updates("r")}
    counted = [{name: worker.counted(name) for name in names} for worker in workers]

    def count(worker: int, route: str) -> None:
        for name, labels, value in updates(route):
            one = counted[worker][name](*labels)
            (one.observe if BY_NAME[name].kind == "histogram" else one.inc)(value)

    for worker in range(WORKERS):
        for number in range(ROUTES):
            count(worker, f"route-{number}")
    made = [
        ((one.observe if BY_NAME[name].kind == "histogram" else one.inc), value)
        for name, labels, value in updates("route-3")
        for one in (counted[0][name](*labels),)
    ]
    looked = [(counted[0][name], labels, value, BY_NAME[name].kind) for name, labels, value in updates("route-3")]
    return {**_counting(made, looked), **_scraped(workers[0].parts)}


def theirs() -> dict[str, float]:
    """prometheus_client's own objects, in files when it is told to."""
    from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    metrics = {name: _theirs(BY_NAME[name], registry, Counter, Histogram) for name in {n for n, _, _ in updates("r")}}

    def child(name: str, labels: tuple[str, ...]) -> object:
        return metrics[name].labels(*labels) if labels else metrics[name]

    several = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    for _ in range(WORKERS if several else 1):
        if several and (forked := os.fork()):
            os.waitpid(forked, 0)
            continue
        for route in range(ROUTES):
            for name, labels, value in updates(f"route-{route}"):
                one = child(name, labels)
                getattr(one, "observe" if BY_NAME[name].kind == "histogram" else "inc")(value)
        if several:
            os._exit(0)
    kept = [(child(name, labels), value, BY_NAME[name].kind) for name, labels, value in updates("route-3")]
    made = [(getattr(one, "observe" if kind == "histogram" else "inc"), value) for one, value, kind in kept]
    looked = [
        (metrics[name].labels if labels else (lambda name=name: metrics[name]), labels, value, BY_NAME[name].kind)
        for name, labels, value in updates("route-3")
    ]
    shown = registry
    if several:
        shown = CollectorRegistry()
        MultiProcessCollector(shown)
    return {**_counting(made, looked), **_scraped(lambda: iter([generate_latest(shown)]))}


def _theirs(metric: Metric, registry: object, counter: type, histogram: type) -> object:
    if metric.kind == "histogram":
        return histogram(metric.name, "help", metric.labels, buckets=metric.buckets or (1.0,), registry=registry)
    return counter(metric.name.removesuffix("_total"), "help", metric.labels, registry=registry)


def _counting(made: list, looked: list) -> dict[str, float]:
    """What counting a request costs: with every series at hand, and with each looked up by its labels."""

    def at_hand() -> None:
        for add, value in made:
            add(value)

    def by_labels() -> None:
        for find, labels, value, kind in looked:
            one = find(*labels)
            (one.observe if kind == "histogram" else one.inc)(value)

    found = micros({"at hand": at_hand, "by labels": by_labels})
    return {"count a request, µs": found["by labels"], "the same, series at hand": found["at hand"]}


def _scraped(parts: Callable[[], Iterator[bytes]]) -> dict[str, float]:
    totals, longest, lines = list[float](), list[float](), 0
    for _ in range(TIMES):
        total, most, text = 0.0, 0.0, b""
        begun = time.thread_time()
        for part in parts():
            text += part
            took, begun = time.thread_time() - begun, time.thread_time()
            total, most = total + took, max(most, took)
        totals.append(total)
        longest.append(most)
        lines = text.count(b"\n")
    return {"scrape, ms": 1e3 * min(totals), "longest slice, ms": 1e3 * min(longest), "lines": lines}


def _elsewhere(what: str, **environment: str) -> dict[str, float]:
    """prometheus_client decides at import where it counts: a process for each."""
    command = [sys.executable, "-m", "bench.decisions.exposition", what]
    told = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment}).stdout
    found: dict[str, float] = json.loads(told)
    return found


def main() -> None:
    """Measure and print."""
    if len(sys.argv) > 1:
        print(json.dumps({"ours": ours, "theirs": theirs}[sys.argv[1]]()))
        return
    with TemporaryDirectory() as folder:
        rows = {
            "shared memory, 4 workers": _elsewhere("ours"),
            "prometheus_client, one process": _elsewhere("theirs"),
            "prometheus_client, multiprocess, 4 workers": _elsewhere("theirs", PROMETHEUS_MULTIPROC_DIR=folder),
        }
    printed("", rows)


if __name__ == "__main__":
    main()
