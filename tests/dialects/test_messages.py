"""Anthropic's Messages API is a dialect: it reads requests, tells answers, streams and errors."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects import Dialect, Exchange, Telling
from router.dialects.messages import Messages, to_count
from router.errors import BadRequest

BODY: dict[str, Any] = {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}


def read(**fields: Any) -> Exchange:
    dialect: Dialect = Messages()
    return dialect.read(orjson.dumps({**BODY, **fields}))


def test_a_request_is_read_as_a_chat_completion_s() -> None:
    request = read(stream=True).request
    assert (request.model, request.stream, request.include_usage, request.output_cap) == ("auto", True, True, 50)
    assert request.body == {**BODY, "stream": True, "stream_options": {"include_usage": True}}


def test_an_answer_is_told_whole_and_streamed_as_the_request_wants_it() -> None:
    exchange = read(thinking={"type": "adaptive"}, stop_sequences=["END"])
    said = {"content": "hi", "reasoning_content": "hm"}
    choice = {"message": said, "finish_reason": "stop", "stop_reason": "END"}
    whole = exchange.whole({"id": "c", "choices": [choice]})
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
    assert whole["stop_sequence"] == "END"
    telling: Telling = exchange.stream()
    assert b'"thinking_delta"' in telling.chunk({"id": "c", "choices": [{"delta": said}]})
    telling.chunk({"choices": [{**choice, "delta": {}}]})
    assert b'"stop_sequence":"END"' in telling.end()


def test_an_error_is_told_in_anthropic_s_envelope() -> None:
    told = Messages().problem(429, {"message": "slow down"}, "req_1")
    error = {"type": "rate_limit_error", "message": "slow down"}
    assert told == {"type": "error", "error": error, "request_id": "req_1"}


@pytest.mark.parametrize("raw", [b"{", b"[]", b"7", b"", b'{"model": "auto"}', orjson.dumps({**BODY, "thinking": 1})])
def test_what_is_no_request_is_told(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        Messages().read(raw)


def test_who_only_counts_asks_for_nothing() -> None:
    request = to_count(orjson.dumps({"model": "auto", "messages": BODY["messages"], "thinking": {"type": "adaptive"}}))
    assert request.body == {"model": "auto", "messages": BODY["messages"]}


# ------------------------------------------------------------------------------------------ whatever one thing is wrong


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 7, -1.5, "", "odd", [], ["odd"], [[]], [{}], {}, {"odd": 1}, {"type": "odd"}]
)
TEXT = {"type": "text", "text": "hello"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAA"}}
RICH: dict[str, Any] = {
    **BODY,
    "system": [TEXT],
    "messages": [
        {"role": "user", "content": [TEXT, IMAGE, {"type": "document", "source": {"type": "text", "data": "x"}}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                TEXT,
                {"type": "tool_use", "id": "t", "name": "find", "input": {"id": 7}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [TEXT, IMAGE]}]},
    ],
    "tools": [{"name": "find", "description": "Finds.", "input_schema": {"type": "object"}, "input_examples": [{}]}],
    "tool_choice": {"type": "tool", "name": "find", "disable_parallel_tool_use": True},
    "metadata": {"user_id": "u", "task": "x"},
    "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"properties": {"a": {}}}}},
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "stream": True,
}
CALL = {"id": "a", "index": 0, "type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}}
SAID = {"content": "hello", "reasoning_content": "hm", "refusal": "no", "tool_calls": [CALL, CALL]}
ANSWER: dict[str, Any] = {
    "id": "c-1",
    "model": "m",
    "choices": [{"index": 0, "message": SAID, "delta": SAID, "finish_reason": "stop", "stop_reason": "END"}],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}


def places(value: Any) -> list[Any]:
    """Every object and array in a JSON value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [place for each in inner for place in places(each)]
    return [value, *found] if isinstance(value, dict | list) and value else found


@st.composite
def spoiled(draw: st.DrawFn, value: Any) -> Any:
    """The same value with one thing in it replaced, or gone."""
    made = orjson.loads(orjson.dumps(value))
    place = draw(st.sampled_from(places(made)))
    at = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    if isinstance(place, dict) and draw(st.booleans()):
        del place[at]
    else:
        place[at] = draw(ODD)
    return made


def test_a_rich_request_is_read() -> None:
    assert len(Messages().read(orjson.dumps(RICH)).request.body["messages"]) == 5


@given(spoiled(RICH))
def test_one_thing_wrong_in_a_request_is_told_or_makes_no_difference(body: Any) -> None:
    try:
        orjson.dumps(Messages().read(orjson.dumps(body)).request.body)
    except BadRequest as told:
        where, message = told.param, told.message
        assert where is not None
        assert message.startswith(where.split(".")[0])


@given(spoiled(ANSWER))
def test_one_thing_odd_in_an_answer_is_no_fault(answer: Any) -> None:
    exchange = read(thinking={"type": "adaptive"}, stop_sequences=["END"])
    orjson.dumps(exchange.whole(answer))
    telling = exchange.stream()
    telling.chunk(ANSWER)
    telling.chunk(answer)
    assert telling.end()
