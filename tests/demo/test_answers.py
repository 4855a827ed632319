"""An answer can be described in YAML, and a slip in the description is named."""

import asyncio
from typing import Any

import pytest
import yaml

from router.demo.answers import Answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("{text: hello, finish: length}", Answer(text="hello", finish="length")),
        ("{stream: [he, llo], finish: null, cut_after: 2}", Answer(stream=["he", "llo"], finish=None, cut_after=2)),
        (
            "{status: 429, error: {message: slow, code: rate_limit_exceeded}, headers: {retry-after: 1}}",
            Answer(
                status=429,
                error={"message": "slow", "code": "rate_limit_exceeded"},
                headers={"retry-after": "1"},
            ),
        ),
        ("{reset: before}", Answer(reset="before")),
        ("{stall: true}", Answer(stall=True)),
        ("{refuse: true}", Answer(refuse=True)),
        ("{choices: []}", Answer(choices=[])),
        ("{status: 503}", Answer(status=503)),
        ("{raw: '', status: 200}", Answer(raw="", status=200)),
        ("{text: sorry, refusal: I cannot}", Answer(text="sorry", refusal="I cannot")),
    ],
)
def test_yaml_describes_an_answer(text: str, answer: Answer) -> None:
    assert Answer.from_data(yaml.safe_load(text)) == answer


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"txet": "hi"}, "unknown key 'txet' in an answer; did you mean 'text'?"),
        ({"qqqq": 1}, "unknown key 'qqqq' in an answer; an answer has text, tool_calls"),
        ({"text": "hi", "raw": "hi"}, "an answer is one of raw and text, not both"),
        ({"stream": ["hi"], "error": "no"}, "an answer is one of stream and error, not both"),
        ({"headers": {"a": "b"}}, "an answer says something"),
        ({"text": "hi", "cut_after": 1, "stall_after": 2}, "an answer ends once: cut_after or stall_after"),
        ({"reset": "after"}, "'reset' is 'before' or left out, not 'after'; later resets are reset_after: N"),
        ({"text": "hi", "gate": asyncio.Event()}, "unknown key 'gate'"),
        ({"text": "hi", "headers": ["a"]}, "'headers' of an answer is a mapping of names to values"),
    ],
)
def test_a_slip_is_refused_with_a_sentence(data: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=r"an answer|not 'after'|unknown key") as caught:
        Answer.from_data(data)
    assert problem in str(caught.value)
