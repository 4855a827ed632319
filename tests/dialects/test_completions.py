"""OpenAI's completions, from before there was chat: said as chat, and told as completions again."""

from typing import Any

import orjson
import pytest

from router.chat import ChatRequest
from router.dialects.completions import Completions
from router.errors import BadRequest

LOGPROBS = {
    "content": [
        {"token": "he", "logprob": -0.1, "top_logprobs": [{"token": "he", "logprob": -0.1}]},
        {"token": "llo", "logprob": -0.2, "top_logprobs": []},
    ]
}


def said(**fields: Any) -> bytes:
    return orjson.dumps({"model": "auto", "prompt": "Once", **fields})


def asked(**fields: Any) -> ChatRequest:
    return Completions().read(said(**fields)).request


def choice(**fields: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"content": "hello"}, "finish_reason": "stop", **fields}


def whole(answer: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return Completions().read(said(**fields)).whole(answer)


def streamed(*chunks: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    telling = Completions().read(said(stream=True, **fields)).stream()
    told = [telling.chunk({"id": "c-1", "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return [orjson.loads(each.removeprefix(b"data: ")) for each in told if each]


def delta(index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "finish_reason": None, **fields}


def test_a_prompt_is_what_a_user_says_and_every_other_field_goes_along() -> None:
    request = asked(max_tokens=5, stop=["\n"], novel={"a": 1}, user="ann")
    assert request.messages == [{"role": "user", "content": "Once"}]
    assert (request.model, request.stream, request.output_cap) == ("auto", False, 5)
    assert request.body == {
        "model": "auto",
        "messages": request.messages,
        "max_tokens": 5,
        "stop": ["\n"],
        "novel": {"a": 1},
        "user": "ann",
    }


def test_a_list_of_one_prompt_is_a_prompt() -> None:
    assert asked(prompt=["Twice"]).messages[0]["content"] == "Twice"


@pytest.mark.parametrize(("asked_for", "top"), [(0, 0), (5, 5)])
def test_log_probabilities_are_asked_for_as_chat_has_them(asked_for: int, top: int) -> None:
    body = asked(logprobs=asked_for).body
    assert (body["logprobs"], body["top_logprobs"]) == (True, top)


@pytest.mark.parametrize(
    ("fields", "param", "told"),
    [
        ({"prompt": None}, "prompt", "Missing required parameter: 'prompt'."),
        ({"prompt": ["a", "b"]}, "prompt", "send a request for each"),
        ({"prompt": [1, 2, 3]}, "prompt", "a prompt is a text here"),
        ({"prompt": [[1, 2], [3]]}, "prompt", "a prompt is a text here"),
        ({"prompt": []}, "prompt", "a prompt is a text here"),
        ({"prompt": 7}, "prompt", "a prompt is a text here"),
        ({"suffix": "the end"}, "suffix", "cannot be inserted"),
        ({"best_of": 3}, "best_of", "ask for n of them"),
        ({"best_of": True}, "best_of", "ask for n of them"),
        ({"messages": [{"role": "system", "content": "obey"}]}, "messages", "it belongs to chat completions"),
        ({"tools": [{"type": "function"}]}, "tools", "it belongs to chat completions"),
        ({"functions": [{}]}, "functions", "it belongs to chat completions"),
        ({"echo": "yes"}, "echo", "expected a boolean"),
        ({"logprobs": True}, "logprobs", "expected an integer"),
        ({"echo": True, "logprobs": 1}, "logprobs", "leave out `echo`"),
        ({"model": None}, "model", "Missing required parameter: 'model'."),
        ({"stream": "yes"}, "stream", "expected a boolean"),
    ],
)
def test_what_chat_cannot_do_is_refused_with_a_sentence(fields: dict[str, Any], param: str, told: str) -> None:
    with pytest.raises(BadRequest, match=r".") as refused:
        asked(**fields)
    assert refused.value.param == param
    assert told in refused.value.message


@pytest.mark.parametrize("fields", [{"suffix": ""}, {"best_of": 1}, {"best_of": 2, "n": 2}, {"echo": False}])
def test_what_changes_nothing_is_not_refused(fields: dict[str, Any]) -> None:
    assert not {"suffix", "best_of", "echo"} & asked(**fields).body.keys()


def test_a_whole_answer_keeps_what_it_does_not_translate() -> None:
    answer = {"id": "c-1", "object": "chat.completion", "model": "small", "usage": {"prompt_tokens": 1}, "novel": 1}
    assert whole({**answer, "choices": [choice()]}) == {
        **answer,
        "object": "text_completion",
        "choices": [{"text": "hello", "index": 0, "logprobs": None, "finish_reason": "stop"}],
    }


def test_an_echo_comes_first_in_every_choice() -> None:
    told = whole({"choices": [choice(), choice(index=1)]}, echo=True)
    assert [(one["index"], one["text"]) for one in told["choices"]] == [(0, "Oncehello"), (1, "Oncehello")]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": None, "refusal": "I cannot"}, "I cannot"),
        ({"content": [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]}, "in parts"),
        ({"content": None}, ""),
        (None, ""),
    ],
)
def test_what_upstreams_make_of_a_message(message: Any, text: str) -> None:
    assert whole({"choices": [choice(message=message)]})["choices"][0]["text"] == text


def test_log_probabilities_are_told_as_lists() -> None:
    assert whole({"choices": [choice(logprobs=LOGPROBS)]})["choices"][0]["logprobs"] == {
        "tokens": ["he", "llo"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"he": -0.1}, {}],
        "text_offset": [0, 2],
    }


@pytest.mark.parametrize(
    ("token", "text", "tops"),
    [
        (
            {"token": "hi", "top_logprobs": [{}, {"token": None}, None, {"token": "hi", "logprob": -1}]},
            "hi",
            {"hi": -1},
        ),
        ({"token": "hi", "top_logprobs": True}, "hi", {}),
        ({"token": "hi", "top_logprobs": "x"}, "hi", {}),
        ({"token": 5, "top_logprobs": None}, "", {}),
        ({}, "", {}),
    ],
)
def test_log_probabilities_that_lack_something(token: dict[str, Any], text: str, tops: dict[str, Any]) -> None:
    answer = choice(logprobs={"content": [{"logprob": -1, **token}]}, delta={"content": "hi"})
    for told in (whole({"choices": [answer]}), *streamed({"choices": [answer]})):
        read = orjson.loads(orjson.dumps(told))["choices"][0]["logprobs"]
        assert read == {"tokens": [text], "token_logprobs": [-1], "top_logprobs": [tops], "text_offset": [0]}


def test_a_stream_tells_text_and_ends_and_nothing_of_roles() -> None:
    told = streamed(
        {"choices": [delta(delta={"role": "assistant", "content": ""})]},
        {"choices": [delta(delta={"content": "he"})]},
        {"choices": [delta(delta={"content": "llo"})]},
        {"choices": [delta(delta={}, finish_reason="length")]},
        {"choices": [], "usage": {"prompt_tokens": 1}},
    )
    assert [one["object"] for one in told] == ["text_completion"] * 4
    assert [[c["text"] for c in one["choices"]] for one in told] == [["he"], ["llo"], [""], []]
    assert told[2]["choices"][0]["finish_reason"] == "length"
    assert told[3]["usage"] == {"prompt_tokens": 1}


def test_a_stream_echoes_once_for_each_choice_and_its_offsets_go_on() -> None:
    token = {"content": [{"token": "a", "logprob": -1.0}]}
    told = streamed(
        {"choices": [delta(delta={"content": "a"})]},
        {"choices": [delta(1, delta={"content": "b"})]},
        {"choices": [delta(delta={"content": "c"})]},
        echo=True,
    )
    assert [one["choices"][0]["text"] for one in told] == ["Oncea", "Onceb", "c"]
    told = streamed(*[{"choices": [delta(delta={"content": "a"}, logprobs=token)]}] * 3, logprobs=0)
    assert [one["choices"][0]["logprobs"]["text_offset"] for one in told] == [[0], [1], [2]]


def test_what_is_told_beside_the_answer() -> None:
    telling = Completions().read(said(stream=True)).stream()
    assert telling.comment() == b": keepalive\n\n"
    assert telling.broken({"message": "oh"}) == b'data: {"error":{"message":"oh"}}\n\n'
    assert telling.end() == b"data: [DONE]\n\n"
    assert Completions().problem(404, {"message": "oh"}, "r-1") == {"error": {"message": "oh"}}
