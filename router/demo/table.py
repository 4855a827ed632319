"""A demo's report as a person reads it in a terminal."""

import shlex
from collections.abc import Mapping

import orjson
from rich.console import Console
from rich.table import Table

from router.demo.report import DemoReport

__all__ = ["print_report", "try_it"]


def print_report(report: DemoReport, console: Console, base_url: str) -> None:
    """Print the report, and a line to paste that asks the proxy at `base_url`."""
    console.print(_comparison(report))
    console.print(_sentence(report))
    console.print(_tasks(report))
    console.print(_speed(report))
    for fault in report.faults:
        console.print(f"  {fault}", style="red", markup=False)
    console.print("The upstreams are fakes that serve recorded answers; prices are the policy's.", style="dim")
    console.print("Try it:\n")
    console.print(try_it(base_url), soft_wrap=True, markup=False, highlight=False)


def try_it(base_url: str) -> str:
    """Give a command that a person can paste: one request, with the headers that say who answered and why."""
    question = "We had 240 open tickets on Monday and closed 185 of them. How many are still open? "
    question += "Answer with the number only."
    body = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": question}]}).decode()
    return f"curl -i {base_url}/chat/completions -H 'content-type: application/json' -d {shlex.quote(body)}"


def _comparison(report: DemoReport) -> Table:
    alone = [name.removeprefix("all_") for name in report.quality if name != "served"]
    table = Table(title=f"{report.requests} requests, {report.errors} errors", title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("smallfirst", justify="right", style="bold")
    for tier in alone:
        table.add_column(f"all {tier}", justify="right")
    columns = ["served", *(f"all_{tier}" for tier in alone)]
    table.add_row("quality", *(_share(report.quality[name]) for name in columns))
    table.add_row("cost, USD", *(_usd(report.cost_usd[name]) for name in columns))
    for tier, count in report.tiers.items():
        table.add_row(f"answered by {tier}", str(count), *(str(report.requests if tier == one else 0) for one in alone))
    return table


def _sentence(report: DemoReport) -> str:
    """Dollars saved, at which quality."""
    last = list(report.quality)[-1]
    quality, most = report.quality["served"], report.quality[last]
    paid, full = report.cost_usd["served"], report.cost_usd[last]
    if not most or not full or quality is None or paid is None:
        return ""
    tier, kept, share = last.removeprefix("all_"), quality / most, paid / full
    return f"{kept:.1%} of the quality of {tier} alone, at {share:.1%} of its cost: {1 - share:.1%} saved.\n"


def _tasks(report: DemoReport) -> Table:
    table = Table(title="by task: answered by, and quality", title_justify="left")
    table.add_column("task")
    table.add_column("requests", justify="right")
    for tier in report.tiers:
        table.add_column(tier, justify="right")
    for name in report.quality:
        table.add_column("quality" if name == "served" else name.replace("_", " "), justify="right")
    for task in report.tasks:
        counts = (str(task.tiers.get(tier, 0)) for tier in report.tiers)
        table.add_row(task.task or "-", str(task.requests), *counts, *(_share(each) for each in task.quality.values()))
    return table


def _speed(report: DemoReport) -> str:
    tiers = ", ".join(f"{tier} {_times(times)}" for tier, times in report.latency_ms.items())
    again = "" if report.graded_again is None else f"graded again from what arrived: {_share(report.graded_again)}\n"
    return (
        f"{again}latency p50/p99: {tiers}\n"
        f"the proxy adds:  {_times(report.overhead_ms)}\n"
        f"{report.streamed} streamed, {report.escalations} escalations, {report.fallbacks} fallbacks\n"
    )


def _times(times: Mapping[str, float]) -> str:
    return f"{times['p50']:.2f} / {times['p99']:.2f} ms"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6f}"
