"""Each grading rule, with an answer it takes and answers it does not."""

from typing import Any

import pytest

from router.demo.grading import grade


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ({"exact": "DISTINCT"}, " `DISTINCT`\n", 1),
        ({"exact": "DISTINCT"}, "Use DISTINCT", 0),
        ({"exact": ["a", "b"]}, "```bash\nb\n```", 1),
        ({"exact": "[1]"}, "[1] [2]", 0),
        ({"number": 3600}, "60 a minute, that is 3,600", 1),
        ({"number": 19.8}, "The refund is $19.80.", 1),
        ({"number": 8.5}, "8", 0),
        ({"number": 7}, "seven", 0),
        ({"contains": ["30 days"]}, "Within 30\nDays of it.", 1),
        ({"contains": ["30 days", "CET"]}, "Within 30 days.", 0),
        ({"contains": ["hour"], "excludes": ["DNS"]}, "The dns needs an hour.", 0),
        ({"contains": ["mail"], "max_words": 3}, "Move your mail today", 0),
        ({"json": {"a": 1, "b": [True, None]}}, '{"b": [true, null], "a": 1.0}', 1),
        ({"json": {"a": 1}}, '{"a": 1, "b": 2}', 0),
        ({"json": {"a": 1}}, 'Sure: {"a": 1}', 0),
        ({"regex": {"matches": ["A-1"], "rejects": ["A-"]}}, r"`^[A-Z]-\d+$`", 1),
        ({"regex": {"matches": ["A-1"], "rejects": ["A-"]}}, r"[A-Z]-\d*", 0),
        ({"regex": {"matches": ["A-1"], "rejects": []}}, "[A-", 0),
        ({"tool": {"name": "f", "arguments": {}}}, "f()", 0),
    ],
)
def test_an_answer_is_right_or_wrong(expected: dict[str, Any], answer: str, score: int) -> None:
    assert grade(expected, answer) == score


def test_a_tool_call_must_be_the_only_one_and_the_same() -> None:
    call = {"name": "find_order", "arguments": {"number": "7"}}
    assert grade({"tool": call}, "", [call]) == 1
    assert grade({"tool": call}, "", [call, call]) == 0
    assert grade({"tool": call}, "", [{**call, "arguments": {"number": "8"}}]) == 0


def test_an_unknown_rule_has_no_score_at_all() -> None:
    with pytest.raises(ValueError, match="no rule among"):
        grade({"fuzzy": "x"}, "x")
