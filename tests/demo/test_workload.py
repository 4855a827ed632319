"""The bundled workload is what it claims to be, and anybody's outcome data can be read."""

import gzip
from collections import Counter
from pathlib import Path

import orjson
import pytest

from router.demo.grading import grade
from router.demo.workload import BUNDLED, Row, load

ROWS = load()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_stored_score_is_what_the_grader_says(row: Row) -> None:
    assert row.expected is not None
    for tier, recorded in row.outcomes.items():
        assert recorded.answer is not None
        assert recorded.score == grade(row.expected, recorded.answer, recorded.tool_calls), tier


def test_five_kinds_of_task_are_there_in_strength() -> None:
    assert Counter(row.task for row in ROWS) == dict.fromkeys(("triage", "extract", "faq", "maths", "code"), 30)


def test_no_conversation_occurs_twice_so_that_every_answer_has_one_question() -> None:
    assert len({orjson.dumps(row.messages) for row in ROWS}) == len(ROWS) == len({row.id for row in ROWS})


def test_the_frontier_is_better_but_not_always() -> None:
    tuned = [row.outcomes["tuned"].score for row in ROWS]
    frontier = [row.outcomes["frontier"].score for row in ROWS]
    assert 0.68 < sum(tuned) / len(ROWS) < 0.76
    assert 0.93 < sum(frontier) / len(ROWS) < 0.97
    assert sum(small > large for small, large in zip(tuned, frontier, strict=True)) >= 2


def test_what_a_row_adds_to_the_request_never_says_which_model_or_whether_to_stream() -> None:
    assert not any({"model", "stream", "messages"} & set(row.request) for row in ROWS)


def test_gzipped_data_without_answers_is_read_too(tmp_path: Path) -> None:
    line = {"messages": [{"role": "user", "content": "hi"}], "outcomes": {"tuned": {"score": 0.5, "cost_usd": 1}}}
    path = tmp_path / "some.jsonl.gz"
    path.write_bytes(gzip.compress(orjson.dumps(line) + b"\n\n"))
    (row,) = load(path)
    assert (row.id, row.task, row.outcomes["tuned"].score, row.outcomes["tuned"].answer) == ("1", "", 0.5, None)


def test_an_answer_of_which_only_the_escalation_is_known_is_passed_over(tmp_path: Path) -> None:
    outcomes = {"tuned": {"escalated": True, "cost_usd": 1}, "frontier": {"score": 1, "escalated": False}}
    line = {"messages": [{"role": "user", "content": "hi"}], "outcomes": outcomes}
    (tmp_path / "some.jsonl").write_bytes(orjson.dumps(line))
    (row,) = load(tmp_path / "some.jsonl")
    assert set(row.outcomes) == {"frontier"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "unexpected end of data"),
        ("[]", "list indices"),
        ('{"outcomes": {}}', "no 'messages'"),
        ('{"messages": [], "outcomes": {}}', "'messages' must be a list of messages, and not empty"),
        (
            '{"messages": [{"role": "user"}], "outcomes": {"tuned": {"score": 3}}}',
            "a score lies between 0 and 1, not 3",
        ),
        ('{"messages": [{"role": "user"}], "outcomes": {"tuned": {}}}', "no 'score'"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(BUNDLED.read_text().splitlines()[0] + "\n" + line + "\n")
    with pytest.raises(ValueError, match=r"bad\.jsonl:2: not a row of outcome data: .*") as caught:
        load(path)
    assert problem in str(caught.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("\n")
    with pytest.raises(ValueError, match="no rows"):
        load(path)
