"""What a person sees at the end of a demo."""

import io
import shlex
from dataclasses import replace

import orjson
from rich.console import Console

from router.demo.report import DemoReport, Task
from router.demo.table import print_report, try_it

REPORT = DemoReport(
    requests=150,
    errors=0,
    tiers={"tuned": 80, "frontier": 70},
    quality={"served": 0.9, "all_tuned": 0.72, "all_frontier": 0.96},
    cost_usd={"served": 0.0251, "all_tuned": 0.001, "all_frontier": 0.05},
    overhead_ms={"p50": 0.21, "p99": 0.7},
    latency_ms={"tuned": {"p50": 20, "p99": 31}, "frontier": {"p50": 80, "p99": 130}},
    graded_again=0.9,
    streamed=50,
    escalations=2,
    fallbacks=1,
    tasks=(Task("maths", 30, {"tuned": 5, "frontier": 25}, {"served": 0.9, "all_tuned": 0.5, "all_frontier": 1.0}),),
    faults=(),
)


def printed(report: DemoReport) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_report(report, console, "http://127.0.0.1:9/v1")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_shows_what_routing_saved_at_which_quality() -> None:
    text = printed(REPORT)
    assert "150 requests, 0 errors" in text
    assert "93.8% of the quality of frontier alone, at 50.2% of its cost: 49.8% saved." in text
    assert "tuned 20.00 / 31.00 ms, frontier 80.00 / 130.00 ms" in text
    assert "the proxy adds:  0.21 / 0.70 ms" in text
    assert "50 streamed, 2 escalations, 1 fallbacks" in text
    assert "maths" in text
    assert "graded again from what arrived: 90.0%" in text
    assert "fakes that serve recorded answers" in text


def test_what_is_unknown_is_called_so() -> None:
    text = printed(replace(REPORT, cost_usd=dict.fromkeys(REPORT.cost_usd), graded_again=None, faults=("503: [busy]",)))
    assert "unknown" in text
    assert "saved" not in text
    assert "graded again" not in text
    assert "503: [busy]" in text


def test_the_line_to_paste_is_one_line_and_valid() -> None:
    line = try_it("http://127.0.0.1:9/v1")
    words = shlex.split(line)
    assert words[:3] == ["curl", "-i", "http://127.0.0.1:9/v1/chat/completions"]
    assert orjson.loads(words[-1])["model"] == "auto"
    assert line in printed(REPORT)
