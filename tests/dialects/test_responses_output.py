"""Which item each piece of an answer belongs to, in whatever order they come."""

from collections.abc import Mapping
from typing import Any

import pytest

from router.dialects.responses_output import Output

CALL = {"index": 0, "id": "call_a", "function": {"name": "find", "arguments": "{}"}}


def nobody(event: str, fields: Mapping[str, Any]) -> None:
    """Hear nothing."""


def output(*deltas: Mapping[str, Any], summary: bool = False) -> Output:
    grown = Output("r", nobody, summary=summary)
    for delta in deltas:
        grown.add(delta)
    return grown


@pytest.mark.parametrize(
    ("deltas", "types"),
    [
        ([], []),
        ([{"content": ""}, {"content": None}, {"role": "assistant"}], []),
        ([{"content": "a"}, {"refusal": "b"}, {"content": "c"}], ["message"]),
        ([{"reasoning": "a", "content": "b"}], ["reasoning", "message"]),
        ([{"reasoning_content": "a", "reasoning": "a"}], ["reasoning"]),
        ([{"reasoning": "a"}, {"content": "b"}, {"reasoning": "c"}], ["reasoning", "message", "reasoning"]),
        ([{"content": "a"}, {"tool_calls": [CALL]}], ["message", "function_call"]),
        ([{"tool_calls": [CALL], "content": "a"}], ["message", "function_call"]),
        ([{"tool_calls": [CALL, {**CALL, "index": 1, "id": "b"}]}], ["function_call", "function_call"]),
        ([{"tool_calls": [{"custom": {"name": "sql", "input": "x"}}]}], ["custom_tool_call"]),
        ([{"function_call": {"name": "find", "arguments": ""}}], ["function_call"]),
    ],
)
def test_a_piece_belongs_to_what_it_goes_on_with_or_begins_an_item(deltas: Any, types: list[str]) -> None:
    assert [item["type"] for item in output(*deltas).close("completed")] == types


def test_only_the_last_item_is_cut_off() -> None:
    items = output({"reasoning": "a"}, {"content": "b"}).close("incomplete")
    assert [item["status"] for item in items] == ["completed", "incomplete"]


def test_what_has_come_can_be_told_before_its_end() -> None:
    grown = output({"content": "a"}, {"tool_calls": [CALL]})
    assert [item["status"] for item in grown.told("incomplete")] == ["completed", "incomplete"]


def test_tokens_of_a_character_that_is_not_complete_wait_for_its_text() -> None:
    grown = output()
    for token, text in (("a", ""), ("b", "ab"), ("", "")):
        grown.add({"content": text}, {"content": [{"token": token, "logprob": -1}]})
    (message,) = grown.close("completed")
    assert [one["token"] for one in message["content"][0]["logprobs"]] == ["a", "b", ""]


@pytest.mark.parametrize(
    "logprobs", [None, 7, {}, {"content": None}, {"content": 7}, {"content": [7, {"logprob": "x"}]}]
)
def test_log_probabilities_that_are_none_are_none(logprobs: object) -> None:
    grown = output()
    grown.add({"content": "a"}, logprobs)
    assert grown.close("completed")[0]["content"][0]["logprobs"] == []
