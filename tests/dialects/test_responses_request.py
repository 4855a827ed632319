"""Every field of a request is said in other words, refused with a sentence, or does not matter."""

from pathlib import Path
from typing import Any

import pytest

from router.dialects import responses_request
from router.dialects.responses_request import chat_body
from router.errors import BadRequest

FIND = {"type": "function", "name": "find"}
FORMAT = {"type": "json_schema", "name": "ticket", "schema": {"type": "object"}, "strict": True, "description": "a"}


def body(**fields: Any) -> dict[str, Any]:
    """What the chat completion has besides its model and messages."""
    told = chat_body({"model": "auto", "input": "hello", **fields})
    assert told.pop("model") == "auto"
    assert told.pop("messages") == [{"role": "user", "content": "hello"}]
    return told


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"max_output_tokens": 50}, {"max_completion_tokens": 50}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0, "top_p": 0.5}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        (
            {"stream": True, "stream_options": {"include_obfuscation": False}},
            {"stream": True, "stream_options": {"include_usage": True}},
        ),
        ({"stream": False}, {}),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"reasoning": {"mode": "standard", "context": "auto", "novel": None}}, {}),
        ({"text": {"verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": FORMAT}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {name: value for name, value in FORMAT.items() if name != "type"},
                }
            },
        ),
        ({"tools": [FIND]}, {"tools": [{"type": "function", "function": {"name": "find"}}]}),
        (
            {"tools": [FIND], "tool_choice": "required", "parallel_tool_calls": False},
            {
                "tools": [{"type": "function", "function": {"name": "find"}}],
                "tool_choice": "required",
                "parallel_tool_calls": False,
            },
        ),
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, {}),
        ({"tool_choice": "none"}, {}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
        (
            {"include": ["message.output_text.logprobs"], "top_logprobs": 0},
            {"logprobs": True, "top_logprobs": 0},
        ),
        ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"top_logprobs": 0}, {}),
        ({"include": ["reasoning.encrypted_content", "web_search_call.action.sources"]}, {}),
        (
            {"metadata": {"team": "a"}, "user": "ann", "service_tier": "flex", "prompt_cache_key": "k"},
            {"metadata": {"team": "a"}, "user": "ann", "service_tier": "flex", "prompt_cache_key": "k"},
        ),
        (
            {"safety_identifier": "s", "prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "implicit"}},
            {"safety_identifier": "s", "prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "implicit"}},
        ),
        ({"store": True, "truncation": "auto", "max_tool_calls": 3, "context_management": []}, {}),
        ({"background": False, "n": 1, "modalities": ["text"]}, {}),
        ({"seed": 7, "stop": ["\n"], "ignore_eos": True}, {"seed": 7, "stop": ["\n"], "ignore_eos": True}),
        (
            {"temperature": None, "tools": None, "text": None, "reasoning": None, "background": None, "prompt": None},
            {},
        ),
        ({"stream": None, "include": None, "previous_response_id": None, "novel": None}, {}),
    ],
)
def test_a_field_is_said_as_chat_completions_say_it(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert body(**fields) == expected


def test_every_field_that_is_not_as_it_is_has_its_line_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "responses.md").read_text("utf-8")
    known = {*responses_request._SAID, *responses_request._WITHOUT, *responses_request._REFUSED}
    known |= {*responses_request._MOVED, *responses_request._TYPES}
    assert [name for name in sorted(known) if f"`{name}" not in page] == []


def test_instructions_come_first() -> None:
    told = chat_body({"model": "auto", "input": [{"role": "user", "content": "hi"}], "instructions": "Be kind."})
    assert told["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("fields", "param", "told"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "send the whole conversation in 'input'"),
        ({"conversation": "conv_1"}, "conversation", "send the whole conversation in 'input'"),
        ({"background": True}, "background", "leave it out, and stream"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "send 'instructions' and 'input'"),
        ({"moderation": {"model": "m"}}, "moderation", "its own endpoint"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode", "leave it out"),
        ({"reasoning": {"context": {}}}, "reasoning.context", "leave it out"),
        ({"reasoning": {"max_tokens": 5}}, "reasoning.max_tokens", "leave it out"),
        ({"text": {"novel": 1}}, "text.novel", "leave it out"),
        ({"n": 2}, "n", "send the request several times"),
        ({"modalities": ["audio"]}, "modalities", "a response is text"),
        ({"audio": {"voice": "a"}}, "audio", "a response is text"),
        ({"messages": []}, "messages", "in a response it is 'input'"),
        ({"response_format": {"type": "json_object"}}, "response_format", "'text.format'"),
        ({"max_tokens": 5}, "max_tokens", "'max_output_tokens'"),
        ({"max_completion_tokens": 5}, "max_completion_tokens", "'max_output_tokens'"),
        ({"reasoning_effort": "low"}, "reasoning_effort", "'reasoning.effort'"),
        ({"verbosity": "low"}, "verbosity", "'text.verbosity'"),
        ({"logprobs": True}, "logprobs", "'include'"),
        ({"functions": []}, "functions", "'tools'"),
        ({"function_call": "auto"}, "function_call", "'tool_choice'"),
    ],
)
def test_what_cannot_be_said_is_refused_with_what_to_do(fields: dict[str, Any], param: str, told: str) -> None:
    with pytest.raises(BadRequest) as refused:
        body(**fields)
    assert (refused.value.param, refused.value.code) == (param, "unsupported_parameter")
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"model": 7}, "model", "invalid_type"),
        ({"instructions": ["x"]}, "instructions", "invalid_type"),
        ({"max_output_tokens": "many"}, "max_output_tokens", "invalid_type"),
        ({"max_output_tokens": True}, "max_output_tokens", "invalid_type"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"text": "short"}, "text", "invalid_type"),
        ({"text": {"format": "json"}}, "text.format", "invalid_type"),
        ({"text": {"format": {}}}, "text.format.type", "missing_required_parameter"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name", "missing_required_parameter"),
        ({"reasoning": "low"}, "reasoning", "invalid_type"),
        ({"metadata": []}, "metadata", "invalid_type"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"tools": ["find"]}, "tools[0]", "invalid_type"),
        ({"tool_choice": "maybe"}, "tool_choice", "invalid_value"),
        ({"include": "all"}, "include", "invalid_type"),
        ({"include": ["everything"]}, "include[0]", "invalid_value"),
        ({"include": ["reasoning.encrypted_content", {}]}, "include[1]", "invalid_value"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        chat_body({"model": "auto", "input": "hello", **fields})
    assert (refused.value.param, refused.value.code) == (param, code)
