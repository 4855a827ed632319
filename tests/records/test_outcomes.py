"""Records become what `smallfirst train` learns from."""

from pathlib import Path
from typing import Any

import orjson

from router.learning.data import Tally as Learned
from router.learning.data import rows as learned
from router.outcome import Evidence
from router.records import Feedback
from router.records.facts import gather
from router.records.outcomes import Left, rows
from tests.plans import plan
from tests.records.made import kept, outcome, recorder


def exported(folder: Path, *, agreement: bool = False) -> tuple[list[dict[str, Any]], Left]:
    records, left = kept(folder), Left()
    return list(rows(records, gather(records), left, agreement=agreement)), left


def test_a_request_with_content_and_a_score_becomes_a_row(tmp_path: Path) -> None:
    taking = recorder(tmp_path, "full")
    taking.outcome(outcome(0))
    taking.feedback(Feedback("req_0", 1.0, "grader", reference=1.0))
    taking.evidence(Evidence("req_0", "auto", "s1", 2, "tuned", 0.0, 1.0, source="shadow"))
    taking.outcome(outcome(1))
    taking.close()

    (row,), left = exported(tmp_path)

    assert (left.rows, left.no_score, left.no_content) == (1, 1, 0)
    assert (row["id"], row["task"], row["messages"][0]["content"]) == ("req_0", "auto", "where is my order?")
    assert row["outcomes"] == {
        "tuned": {"score": 0.0, "cost_usd": 0.00015, "latency_seconds": 0.4},
        "frontier": {"score": 1.0, "cost_usd": 0.0015, "latency_seconds": 0.9, "answer": "on its way"},
    }


def test_training_reads_it(tmp_path: Path) -> None:
    taking = recorder(tmp_path / "records", "redacted")
    taking.outcome(outcome(0))
    taking.feedback(Feedback("req_0", 0.5))
    taking.close()
    (tmp_path / "data.jsonl").write_bytes(orjson.dumps(exported(tmp_path / "records")[0][0]))

    (row,) = learned([tmp_path / "data.jsonl"], ("tuned", "frontier"), tally := Learned())

    assert (row.id, row.scores[1], tally.bad) == ("req_0", 0.5, [])


def test_without_content_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    taking = recorder(tmp_path)
    taking.outcome(outcome(0))
    taking.feedback(Feedback("req_0", 1.0))
    taking.close()

    assert exported(tmp_path) == ([], Left(rows=0, no_content=1, no_score=0))


def test_agreement_counts_as_quality_only_where_that_is_asked_for(tmp_path: Path) -> None:
    taking = recorder(tmp_path, "full")
    taking.serve(plan())
    taking.outcome(outcome(0))
    taking.evidence(Evidence("req_0", "auto", "s1", 2, "tuned", 0.0, measure="agreement", source="shadow"))
    taking.close()

    assert exported(tmp_path)[1].no_score == 1
    ((row,), _) = exported(tmp_path, agreement=True)
    assert {tier: one["score"] for tier, one in row["outcomes"].items()} == {"tuned": 0.0, "frontier": 1.0}
