"""The response object tells what was asked, what was done of it, and what it took."""

from typing import Any

import pytest

from router.dialects.responses_answer import Answer, ending
from tests.dialects.responding import HEAD, asked

TOLD_AGAIN: dict[str, Any] = {
    "instructions": "Be kind.",
    "max_output_tokens": 50,
    "max_tool_calls": 3,
    "metadata": {"team": "a"},
    "parallel_tool_calls": False,
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "service_tier": "flex",
    "temperature": 0.5,
    "tool_choice": {"type": "function", "name": "find"},
    "top_logprobs": 2,
    "top_p": 0.9,
    "user": "ann",
}


def answer(first: dict[str, Any] | None = None, **fields: Any) -> Answer:
    body = {"model": "auto", "input": "hello", **fields}
    return Answer(body, asked(**fields), HEAD if first is None else first)


def told(first: dict[str, Any] | None = None, usage: object = None, **fields: Any) -> dict[str, Any]:
    return answer(first, **fields).told("completed", [], usage=usage)


def test_what_was_asked_is_told_again() -> None:
    tools = [{"type": "function", "name": "find"}]
    response = told(**TOLD_AGAIN, tools=tools)
    assert {name: response[name] for name in TOLD_AGAIN} == TOLD_AGAIN


def test_nothing_is_stored_and_nothing_cut_off_whatever_was_asked() -> None:
    response = told(store=True, truncation="auto", background=False)
    assert (response["store"], response["truncation"], response["background"]) == (False, "disabled", False)


def test_a_format_and_a_verbosity_are_told_again() -> None:
    schema = {"type": "json_schema", "name": "t", "schema": {"type": "object"}, "strict": True}
    assert told(text={"format": schema, "verbosity": "low"})["text"] == {"format": schema, "verbosity": "low"}
    assert told(text={"format": None, "verbosity": "low"})["text"] == {"format": {"type": "text"}, "verbosity": "low"}


def test_a_tool_is_told_again_with_what_holds_when_it_does_not_say() -> None:
    custom = {"type": "custom", "name": "sql"}
    assert told(tools=[{"type": "function", "name": "find", "strict": None}, custom])["tools"] == [
        {"type": "function", "name": "find", "parameters": None, "strict": False},
        custom,
    ]


def test_the_upstream_says_what_service_it_was() -> None:
    response = answer({**HEAD, "service_tier": "default"}, service_tier="flex")
    assert response.told("completed", [])["service_tier"] == "default"


def test_the_name_of_the_completion_is_the_response_s() -> None:
    assert answer().named == "chatcmpl-1"


def test_without_a_name_the_request_and_the_second_make_one() -> None:
    unnamed = {"created": 7}
    name = answer(unnamed).named
    assert name == answer({**unnamed, "id": ""}).named
    assert len({name, answer({"created": 8}).named, answer(unnamed, temperature=1).named}) == 3


def test_what_it_took() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert told(usage=usage)["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 15,
    }


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many"}, {"completion_tokens": 1}, 7])
def test_what_nobody_counted_is_not_told(usage: object) -> None:
    assert "usage" not in told(usage=usage)


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        (None, "completed", None),
        (7, "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_how_an_answer_ends(finish: object, status: str, reason: str | None) -> None:
    assert ending(finish) == (status, reason)


@pytest.mark.parametrize("code", ["stream_broken", None, 7, {}])
def test_an_error_is_of_a_code_that_responses_have(code: object) -> None:
    response = answer().told("failed", [], error={"message": "it broke", "code": code})
    assert response["error"] == {"code": "server_error", "message": "it broke"}
