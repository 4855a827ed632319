"""`smallfirst demo`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calling import Called

Smallfirst = Callable[..., Called]
ROW = (
    '{"id": "%d", "messages": [{"role": "user", "content": "question %d"}],'
    ' "outcomes": {"tuned": {"score": %d}, "frontier": {"score": 1}}}\n'
)


def test_the_demo_is_one_json_document(smallfirst: Smallfirst) -> None:
    told = smallfirst("demo", "--once", "--json")

    report = told.document
    assert told.code == 0
    assert report["requests"] >= 120
    assert report["errors"] == 0
    assert sum(report["tiers"].values()) == report["requests"]
    assert report["quality"]["all_tuned"] < report["quality"]["served"]
    assert report["cost_usd"]["served"] < report["cost_usd"]["all_frontier"]
    assert set(report["overhead_ms"]) == {"p50", "p99"}


def test_the_demo_is_a_table_and_a_line_to_paste(smallfirst: Smallfirst) -> None:
    told = smallfirst("demo", "--once")

    assert told.code == 0
    assert "all frontier" in told.out
    assert "fakes" in told.out
    assert "curl -i http://127.0.0.1:" in told.out


def test_outcome_data_of_ones_own_flows_through(smallfirst: Smallfirst, tmp_path: Path) -> None:
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(ROW % (i, i, i % 2) for i in range(20)))

    report = smallfirst("demo", "--once", "--json", "--data", str(data)).document

    assert (report["requests"], report["errors"], report["quality"]["all_tuned"]) == (20, 0, 0.5)


@pytest.mark.parametrize("text", [None, "nonsense\n", ""])
def test_data_that_is_none_is_told(smallfirst: Smallfirst, tmp_path: Path, text: str | None) -> None:
    data = tmp_path / "data.jsonl"
    if text is not None:
        data.write_text(text)

    told = smallfirst("demo", "--once", "--data", str(data))

    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1
