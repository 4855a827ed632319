"""Records become what `smallfirst train` learns from."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from router import signals
from router.chat import Usage
from router.difficulty import load
from router.learning.data import Tally as Learned
from router.learning.data import rows as learned
from router.learning.train import train
from router.outcome import Attempt, Evidence
from router.records import Feedback, Tally, exporting
from router.records.facts import gather
from router.records.outcomes import Left, rows
from tests.learning.outcomes import lines
from tests.plans import asked, plan
from tests.records.made import kept, outcome, recorder


def exported(folder: Path, *, agreement: bool = False) -> tuple[list[dict[str, Any]], Left]:
    records, left = kept(folder), Left()
    return list(rows(records, gather(records), left, agreement=agreement)), left


def test_embeddings_are_nothing_to_learn_difficulty_from(tmp_path: Path) -> None:
    taking = recorder(tmp_path, "full")
    taking.outcome(replace(outcome(0), operation="embeddings"))
    taking.feedback(Feedback("req_0", 1.0, "grader", reference=1.0))
    taking.close()

    assert exported(tmp_path) == ([], Left())


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
        "tuned": {"score": 0.0, "cost_usd": 0.00015, "latency_seconds": 0.4, "escalated": True},
        "frontier": {
            "score": 1.0,
            "cost_usd": 0.0015,
            "latency_seconds": 0.9,
            "escalated": False,
            "answer": "on its way",
        },
    }


def test_training_reads_it(tmp_path: Path) -> None:
    taking = recorder(tmp_path / "records", "redacted")
    taking.outcome(outcome(0))
    taking.feedback(Feedback("req_0", 0.5))
    taking.close()
    (tmp_path / "data.jsonl").write_bytes(orjson.dumps(exported(tmp_path / "records")[0][0]))

    (row,) = learned([tmp_path / "data.jsonl"], ("tuned", "frontier"), tally := Learned())

    assert (row.id, row.scores[1], tally.bad) == ("req_0", 0.5, [])
    assert row.escalated == (1.0, 0.0)


def test_what_a_shadow_s_checks_said_counts_where_no_client_met_the_answer(tmp_path: Path) -> None:
    taking = recorder(tmp_path, "full")
    served = Attempt("frontier", "big", "served", "ok", Usage(100, 50), 0.0015, 0.9)
    for number, passed in enumerate((True, False)):
        taking.outcome(outcome(number, attempts=(served,)))
        taking.evidence(Evidence(f"req_{number}", "auto", "s1", 2, "tuned", 0.0, 1.0, source="shadow", passed=passed))
    taking.close()

    found = [row["outcomes"]["tuned"]["escalated"] for row in exported(tmp_path)[0]]

    assert found == [False, True]


def test_from_records_to_a_model_that_knows_how_often_answers_escalate(tmp_path: Path) -> None:
    taking = recorder(tmp_path / "records", "full")
    for number, row in enumerate(lines(400)):
        hard = row["task"] == "hard"
        tuned = Attempt("tuned", "small", "escalated" if hard else "served", "truncated" if hard else "ok")
        frontier = Attempt("frontier", "big", "served")
        text = row["messages"][0]["content"]
        taking.outcome(outcome(number, text, attempts=(tuned, frontier) if hard else (tuned,)))
        for tier, said in row["outcomes"].items():
            taking.evidence(
                Evidence(f"req_{number}", "auto", "s1", 2, tier, said["score"], source="judge", passed=not hard)
            )
    taking.close()
    exporting.outcome_data(tmp_path / "records", tmp_path / "data.jsonl.gz", 0.0, Tally(), agreement=False)

    train([tmp_path / "data.jsonl.gz"], tmp_path / "m.model", ("tuned", "frontier"), today=date(2026, 11, 22))
    model = load(tmp_path / "m.model", ("tuned", "frontier"))

    hard, easy = (
        model(request, signals.read(request)).p_escalate
        for request in map(
            asked,
            (
                "Prove that the integral of iron and bread 7 converges absolutely.",
                "What is the well known capital city of iron and bread 7?",
            ),
        )
    )
    assert hard is not None
    assert easy is not None
    assert hard[0] > 0.6
    assert easy[0] < 0.3


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
