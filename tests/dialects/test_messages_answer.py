"""A whole chat completion is told as a message, whatever an upstream has left out or made odd."""

from typing import Any

import pytest
from anthropic.types import Message  # noqa: TID253  what the official client reads

from router.dialects.messages_answer import RAW, message, usage_of


def answer(finish: str | None = "stop", usage: Any = None, choice: Any = None, **said: Any) -> dict[str, Any]:
    given = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": finish, **(choice or {})}
    return {"id": "chatcmpl-7", "model": "m", "choices": [given], "usage": usage}


def told(given: dict[str, Any], *stops: str, thinks: bool = True) -> dict[str, Any]:
    made = message(given, thinks=thinks, stops=stops)
    Message.model_validate(made, strict=True)
    return made


def call(arguments: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": arguments}, **fields}


def test_a_text_is_a_block_in_a_message() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    assert told(answer(content="hello", usage=usage)) == {
        "id": "chatcmpl-7",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 4,
        },
    }


def test_thinking_text_and_calls_come_in_this_order() -> None:
    given = answer("tool_calls", reasoning_content="hm", content="Let me look.", tool_calls=[call('{"id": 7}')])
    assert told(given)["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_1", "name": "find", "input": {"id": 7}},
    ]
    assert [block["type"] for block in told(given, thinks=False)["content"]] == ["text", "tool_use"]


def test_reasoning_that_is_said_twice_is_told_once() -> None:
    assert told(answer(reasoning_content="hm", reasoning="hm"))["content"][0]["thinking"] == "hm"
    assert told(answer(reasoning="hm", reasoning_content=None))["content"][0]["thinking"] == "hm"


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"id": 7}', {"id": 7}),
        ("", {}),
        ("  ", {}),
        (None, {}),
        ({"id": 7}, {"id": 7}),
        ('{"id": ', {RAW: '{"id": '}),
        ("[1]", {RAW: "[1]"}),
        ('{"a":' * 300 + "1" + "}" * 300, {RAW: '{"a":' * 300 + "1" + "}" * 300}),
        ([1], {RAW: [1]}),
    ],
)
def test_arguments_are_an_object_whatever_they_were(arguments: Any, given: dict[str, Any]) -> None:
    assert told(answer("tool_calls", tool_calls=[call(arguments)]))["content"][0]["input"] == given


def test_calls_without_ids_get_some_that_stay_the_same() -> None:
    calls = [call("{}", id=None), call("{}", id="")]
    ids = [block["id"] for block in told(answer("tool_calls", tool_calls=calls))["content"]]
    assert ids == ["toolu_chatcmpl-7_0", "toolu_chatcmpl-7_1"]


def test_a_call_in_the_words_from_before_there_were_tools() -> None:
    given = answer("function_call", function_call={"name": "find", "arguments": "{}"})
    assert told(given)["content"] == [{"type": "tool_use", "id": "toolu_chatcmpl-7_0", "name": "find", "input": {}}]
    assert told(given)["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer("stop", content="x"), "end_turn"),
        (answer("length", content="x"), "max_tokens"),
        (answer("content_filter", content="x"), "refusal"),
        (answer("stop", refusal="I cannot."), "refusal"),
        (answer("length", refusal="I can"), "refusal"),
        (answer("stop", tool_calls=[call("{}")]), "tool_use"),
        (answer("tool_calls", tool_calls=[call("{}")]), "tool_use"),
        (answer("tool_calls", content="x"), "end_turn"),
        (answer("length", tool_calls=[call('{"a')]), "max_tokens"),
        (answer("eos", content="x"), "end_turn"),
        (answer(None, content="x"), "end_turn"),
        (answer("stop_sequence", content="x"), "stop_sequence"),
    ],
)
def test_why_it_ended(given: dict[str, Any], reason: str) -> None:
    assert told(given)["stop_reason"] == reason


def test_a_refusal_is_text_that_says_it_is_one() -> None:
    refused = told(answer(refusal="I cannot."))
    assert refused["content"] == [{"type": "text", "text": "I cannot."}]
    assert refused["stop_details"] == {"type": "refusal", "category": None, "explanation": None}


@pytest.mark.parametrize(
    ("finish", "said", "stops", "ended"),
    [
        ("stop", {"stop_reason": "END"}, ("END", "X"), ("stop_sequence", "END")),
        ("stop", {"matched_stop": "X"}, ("END", "X"), ("stop_sequence", "X")),
        ("stop", {"stop_reason": 151645}, ("END",), ("end_turn", None)),
        ("stop", {"stop_reason": "<|im_end|>"}, ("END",), ("end_turn", None)),
        ("stop", {}, ("END",), ("end_turn", None)),
        ("stop_sequence", {}, ("END",), ("stop_sequence", "END")),
        ("stop_sequence", {}, ("END", "X"), ("stop_sequence", None)),
        ("length", {"stop_reason": "END"}, ("END",), ("max_tokens", None)),
    ],
)
def test_the_text_that_ended_it_is_told_where_the_upstream_says_so(
    finish: str, said: dict[str, Any], stops: tuple[str, ...], ended: tuple[str, str | None]
) -> None:
    made = told(answer(finish, content="x", choice=said), *stops)
    assert (made["stop_reason"], made["stop_sequence"]) == ended


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 30, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 20}}, (10, 0, 20, 4)),
        (
            {
                "prompt_tokens": 30,
                "completion_tokens": 4,
                "cache_creation_input_tokens": 5,
                "prompt_tokens_details": {},
            },
            (25, 5, 0, 4),
        ),
        ({"prompt_tokens": 30, "cache_read_input_tokens": 20}, (10, 0, 20, 0)),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 20}}, (0, 0, 20, 0)),
        ({"prompt_tokens": None, "completion_tokens": -1, "prompt_tokens_details": None}, (0, 0, 0, 0)),
        ({"prompt_tokens": True, "completion_tokens": "4", "prompt_tokens_details": [1]}, (0, 0, 0, 0)),
        (None, (0, 0, 0, 0)),
        ([1], (0, 0, 0, 0)),
    ],
)
def test_tokens_are_counted_as_anthropic_counts_them(usage: Any, counts: tuple[int, ...]) -> None:
    assert tuple(usage_of(usage).values()) == counts


def test_tokens_of_thinking_are_told_apart() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}}
    assert usage_of(usage)["output_tokens_details"] == {"thinking_tokens": 5}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [7]},
        {"choices": [{}]},
        {"choices": [{"message": None, "finish_reason": None}], "id": None, "model": None},
        answer(content=[{"type": "text", "text": ""}, 7]),
        answer(tool_calls=[7]),
        answer(content=[{"text": True}], reasoning=[{"text": 7}]),
        {"choices": [{"message": "hi"}]},
        answer(tool_calls=None, function_call=None, refusal=None),
    ],
)
def test_an_answer_with_nothing_in_it_is_a_message_with_nothing_in_it(given: dict[str, Any]) -> None:
    assert told(given)["content"] == []


def test_text_in_parts_is_text_and_of_several_choices_the_first_is_told() -> None:
    given = answer(content=[{"type": "text", "text": "he"}, {"type": "text", "text": "llo"}])
    given["choices"].append({"index": 1, "message": {"content": "other"}, "finish_reason": "length"})
    assert told(given)["content"] == [{"type": "text", "text": "hello"}]
    assert told(given)["stop_reason"] == "end_turn"
