"""Answers in the other form: what a client can use is the same."""

from typing import Any

import orjson
import pytest

from router import chat
from router.cache.replay import as_stream, as_whole, without_usage
from router.sse import DONE, Splitter, encode

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}},
    {"id": "call_2", "type": "function", "function": {"name": "mail", "arguments": "{}"}},
]
LOGPROBS = {"content": [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -0.2}], "refusal": None}


def whole(*messages: dict[str, Any], finish: str = "stop", **more: Any) -> dict[str, Any]:
    choices = [
        {"index": index, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}
        for index, message in enumerate(messages)
    ]
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices} | more


def events(*chunks: dict[str, Any]) -> bytes:
    return b"".join([*(encode(orjson.dumps(chunk)) for chunk in chunks), DONE])


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


@pytest.mark.parametrize(
    "answer",
    [
        whole({"content": "hello"}, usage=USAGE),
        whole({"content": "one"}, {"content": "two"}, usage=USAGE, system_fingerprint="fp"),
        whole({"content": None, "tool_calls": CALLS}, finish="tool_calls"),
        whole({"content": None, "function_call": {"name": "find", "arguments": "{}"}}, finish="function_call"),
        whole({"content": "42", "reasoning_content": "hm", "refusal": None, "annotations": []}),
    ],
    ids=["text", "two choices", "tool calls", "function call", "reasoning"],
)
def test_a_whole_answer_streamed_and_put_together_is_what_it_was(answer: dict[str, Any]) -> None:
    there = orjson.dumps(answer)
    back = as_whole(as_stream(there, usage=True))

    assert chat.completion(back) == chat.completion(there)
    assert orjson.loads(back)["id"] == "x"
    for choice, before in zip(orjson.loads(back)["choices"], answer["choices"], strict=True):
        said = {name: value for name, value in before["message"].items() if value is not None}
        assert said.items() <= choice["message"].items()


def test_a_custom_tool_s_input_is_put_together() -> None:
    first = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}
    rest = {"index": 0, "custom": {"input": " 1"}}
    put = as_whole(events(chunk({"tool_calls": [first]}), chunk({"tool_calls": [rest]}), chunk({}, "tool_calls")))
    assert orjson.loads(put)["choices"][0]["message"]["tool_calls"] == [
        {"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    ]


def test_a_stream_is_put_together() -> None:
    calls = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"id"'}},
        {"index": 0, "function": {"arguments": ": 7}"}},
        {"index": 1, "id": "call_2", "type": "function", "function": {"name": "mail", "arguments": "{}"}},
    ]
    streamed = events(
        chunk({"role": "assistant", "content": ""}, model="m", created=1),
        chunk({"reasoning_content": "h"}),
        chunk({"reasoning_content": "m"}),
        *(chunk({"tool_calls": [call]}) for call in calls),
        chunk({}, "tool_calls"),
        {"id": "x", "choices": [], "usage": USAGE},
    )
    answer = orjson.loads(as_whole(streamed))

    assert answer["usage"] == USAGE
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": "",
        "reasoning_content": "hm",
        "tool_calls": CALLS,
    }
    assert answer["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("calls", [[None], "x", [1], {"a": 1}, [[]]])
def test_calls_that_are_none_are_not_told(calls: Any) -> None:
    remembered = orjson.dumps(whole({"content": "hello", "tool_calls": calls}))
    assert chat.completion(remembered).choices[0].content == "hello"
    told = as_stream(remembered, usage=False)
    assert b'"content":"hello"' in told
    assert orjson.loads(as_whole(told))["choices"][0]["message"].get("tool_calls", []) == []


def test_calls_of_a_whole_answer_are_told_in_their_order_whatever_they_are_numbered() -> None:
    numbered = [{**call, "index": 0} for call in CALLS]
    put = as_whole(as_stream(orjson.dumps(whole({"content": None, "tool_calls": numbered})), usage=False))
    assert orjson.loads(put)["choices"][0]["message"]["tool_calls"] == CALLS


def test_calls_are_put_together_whatever_numbers_their_upstream_counts_in() -> None:
    far = [{**call, "index": index} for call, index in zip(CALLS, (-1, 10**8), strict=True)]
    put = as_whole(events(chunk({"tool_calls": far}), chunk({}, "tool_calls")))
    assert orjson.loads(put)["choices"][0]["message"]["tool_calls"] == CALLS


def test_calls_that_all_have_one_number_stay_apart_by_their_ids() -> None:
    whole_ones = [{**call, "index": 0} for call in CALLS]
    pieces = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"id"'}},
        {"index": 0, "function": {"arguments": ": 7}"}},
        whole_ones[1],
    ]
    for calls in (whole_ones, pieces):
        put = as_whole(events(*(chunk({"tool_calls": [call]}) for call in calls), chunk({}, "tool_calls")))
        assert orjson.loads(put)["choices"][0]["message"]["tool_calls"] == CALLS


def test_a_call_whose_pieces_have_an_id_each_is_one() -> None:
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "fin", "arguments": ""}},
        {"index": 0, "id": "b", "function": {"name": "d", "arguments": '{"id"'}},
        {"index": 0, "id": "c", "function": {"arguments": ": 7}"}},
        {"index": 0, "id": "d", "function": ""},
        {"index": 0, "id": "e", "function": {"name": "", "arguments": None}},
    ]
    put = as_whole(events(*(chunk({"tool_calls": [piece]}) for piece in pieces), chunk({}, "tool_calls")))
    (call,) = orjson.loads(put)["choices"][0]["message"]["tool_calls"]
    assert call["function"] == CALLS[0]["function"]


def test_custom_calls_that_have_one_number_stay_apart_too() -> None:
    calls = [{"index": 0, "id": each, "type": "custom", "custom": {"name": "sql", "input": each}} for each in "ab"]
    put = as_whole(events(*(chunk({"tool_calls": [call]}) for call in calls), chunk({}, "tool_calls")))
    assert [call["custom"]["input"] for call in orjson.loads(put)["choices"][0]["message"]["tool_calls"]] == ["a", "b"]


@pytest.mark.parametrize("odd", [True, 7, [{"type": "text", "text": ""}]])
def test_text_goes_on_after_content_that_was_none(odd: Any) -> None:
    put = as_whole(events(chunk({"content": odd}), chunk({"content": "a"}), chunk({"content": "b"}, "stop")))
    assert orjson.loads(put)["choices"][0]["message"]["content"] == "ab"


def test_text_in_parts_is_put_together() -> None:
    put = as_whole(events(*(chunk({"content": [{"type": "text", "text": each}]}) for each in "ab"), chunk({}, "stop")))
    assert orjson.loads(put)["choices"][0]["message"]["content"] == "ab"


def test_log_probabilities_come_along() -> None:
    first, second = ({"content": [token], "refusal": None} for token in LOGPROBS["content"] or ())
    streamed = events(
        {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": first}]},
        {"choices": [{"index": 0, "delta": {"content": "b"}, "logprobs": second}]},
        {"choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]},
    )

    assert orjson.loads(as_whole(streamed))["choices"][0]["logprobs"] == LOGPROBS


def test_usage_is_shown_to_whoever_asked() -> None:
    answer = orjson.dumps(whole({"content": "hello"}, usage=USAGE))
    shown = [
        orjson.loads(data) for _, data in Splitter().feed(as_stream(answer, usage=True)) if data != b"[DONE]" and data
    ]
    hidden = [
        orjson.loads(data) for _, data in Splitter().feed(as_stream(answer, usage=False)) if data != b"[DONE]" and data
    ]

    assert [chunk["usage"] for chunk in shown] == [None, None, USAGE]
    assert all("usage" not in chunk for chunk in hidden)
    assert without_usage(as_stream(answer, usage=True)) == as_stream(answer, usage=False)


def test_what_says_nothing_of_usage_stays_as_it_is() -> None:
    odd = b': a comment\r\n\r\ndata: {"choices": [ ]}\r\n\r\n'

    assert without_usage(odd) == odd
    assert without_usage(odd + encode(b'{"x": "usage"}')) == odd + encode(b'{"x": "usage"}')


def test_usage_in_a_chunk_with_choices_is_taken_out_of_it() -> None:
    streamed = events(chunk({"content": "a"}, "stop", usage=USAGE))

    assert without_usage(streamed) == events(chunk({"content": "a"}, "stop"))
