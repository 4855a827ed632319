"""`smallfirst demo`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from router.demo.workload import BUNDLED
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


def test_a_model_that_breaks_is_told_as_it_happens_and_drawn(
    smallfirst: Smallfirst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.demo.twins.SCRIPT", (("healthy", 1, 0.0), ("broken", 1, 0.0)))
    data = tmp_path / "some.jsonl"
    data.write_bytes(b"".join(BUNDLED.read_bytes().splitlines(keepends=True)[:20]))

    told = smallfirst("demo", "--break", "tuned", "--data", str(data), "--plot", str(tmp_path / "run.svg"))

    assert told.code == 0
    assert "  1  " in told.out
    assert "Promised: 95% of the large model's quality" in told.out
    assert (tmp_path / "run.svg").stat().st_size > 1_000


def test_a_model_that_breaks_is_one_json_document(
    smallfirst: Smallfirst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.demo.twins.SCRIPT", (("broken", 1, 0.0),))
    data = tmp_path / "some.jsonl"
    data.write_bytes(b"".join(BUNDLED.read_bytes().splitlines(keepends=True)[:10]))

    told = smallfirst("demo", "--break", "tuned", "--json", "--data", str(data))

    assert told.document["requests"] == 10
    assert told.document["rounds"][0]["phase"] == "broken"
    assert "broken" in told.err


def test_without_the_extra_a_plot_is_refused_before_anything_starts(
    smallfirst: Smallfirst, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.cli.demo.find_spec", lambda _: None)

    assert "smallfirst[train]" in smallfirst("demo", "--break", "tuned", "--plot", "out.png").err


def test_what_cannot_be_drawn_or_graded_is_told_before_anything_starts(smallfirst: Smallfirst, tmp_path: Path) -> None:
    ungraded = tmp_path / "mine.jsonl"
    ungraded.write_text(ROW % (1, 1, 1))

    assert "give both" in smallfirst("demo", "--plot", "out.png").err
    assert "no folder" in smallfirst("demo", "--break", "tuned", "--plot", str(tmp_path / "no" / "out.png")).err
    assert "`expected`" in smallfirst("demo", "--break", "tuned", "--data", str(ungraded)).err
