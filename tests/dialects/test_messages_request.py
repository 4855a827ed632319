"""Every field of a Messages request is said in a chat completion, dropped because nothing depends on it, or refused."""

from typing import Any, get_type_hints

import pytest
from anthropic.types import message_create_params  # noqa: TID253  what the official client sends

from router.dialects.messages_request import _LEFT_OUT, _READ, _REFUSED, chat_body, stops, thinks
from router.errors import BadRequest

HELLO = [{"role": "user", "content": "hello"}]
BODY: dict[str, Any] = {"model": "auto", "max_tokens": 50, "messages": HELLO}
TOOL: dict[str, Any] = {"name": "find", "input_schema": {"type": "object"}}
CLOSED = {"type": "object", "properties": {"n": {}}, "required": ["n"], "additionalProperties": False}
IN_HEADERS = {"user_profile_id", "workspace_id"}
"""What the client takes as an argument and sends in a header."""


def asked(**fields: Any) -> dict[str, Any]:
    """What is asked beside the usual."""
    body = chat_body({**BODY, **fields})
    return {name: value for name, value in body.items() if BODY.get(name) != value}


def test_a_plain_request_is_a_plain_chat_completion() -> None:
    assert chat_body(BODY) == BODY


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temperature": 0, "top_p": 0.5, "top_k": 40}, {"temperature": 0, "top_p": 0.5, "top_k": 40}),
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ({"stop_sequences": []}, {}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream": False}, {}),
        ({"metadata": {"user_id": "u-1"}}, {"user": "u-1"}),
        ({"metadata": {"user_id": None}}, {}),
        ({"metadata": {"task": "triage"}}, {"metadata": {"task": "triage"}}),
        ({"output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
        ({"output_config": {"effort": "max", "format": None}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, {}),
        ({"service_tier": "auto", "cache_control": {"type": "ephemeral"}, "speed": "fast"}, {}),
        ({"context_management": {"edits": []}, "diagnostics": {}}, {}),
        ({"new_in_2027": None, "thread": None}, {}),
        ({"container": None, "mcp_servers": [], "inference_geo": None, "tools": None, "system": None}, {}),
        ({"system": ""}, {}),
    ],
)
def test_a_field_is_said_or_makes_no_difference(given: dict[str, Any], said: dict[str, Any]) -> None:
    assert asked(**given) == said


def test_a_system_prompt_is_the_first_message() -> None:
    assert asked(system="Be kind.") == {"messages": [{"role": "system", "content": "Be kind."}, *HELLO]}


def test_a_long_name_of_a_user_is_a_short_one_that_stays_the_same() -> None:
    one, other = (asked(metadata={"user_id": name * 70})["user"] for name in "ab")
    assert len(one) == 32
    assert one != other
    assert one == asked(metadata={"user_id": "a" * 70})["user"]


def test_who_only_counts_need_not_say_how_much_is_wanted() -> None:
    assert "max_tokens" not in chat_body({"model": "auto", "messages": HELLO}, counting=True)


# ---------------------------------------------------------------------------------------------------------------- tools


@pytest.mark.parametrize(
    ("tool", "function"),
    [
        (TOOL, {"name": "find", "parameters": {"type": "object"}}),
        (
            {**TOOL, "type": "custom", "description": "Finds.", "strict": True, "cache_control": {"type": "ephemeral"}},
            {"name": "find", "description": "Finds.", "parameters": {"type": "object"}, "strict": True},
        ),
        (
            {**TOOL, "description": "Finds.", "input_examples": [{"id": 7}, {"id": 8}]},
            {
                "name": "find",
                "description": 'Finds.\n\nExamples of its input:\n{"id":7}\n{"id":8}',
                "parameters": {"type": "object"},
            },
        ),
        (
            {**TOOL, "input_examples": [{"id": 7}]},
            {"name": "find", "description": 'Examples of its input:\n{"id":7}', "parameters": {"type": "object"}},
        ),
    ],
)
def test_a_tool_is_a_function(tool: dict[str, Any], function: dict[str, Any]) -> None:
    assert asked(tools=[tool]) == {"tools": [{"type": "function", "function": function}]}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "find"}, {"tool_choice": {"type": "function", "function": {"name": "find"}}}),
        ({"type": "auto", "disable_parallel_tool_use": True}, {"tool_choice": "auto", "parallel_tool_calls": False}),
        ({"type": "any", "disable_parallel_tool_use": False}, {"tool_choice": "required"}),
    ],
)
def test_which_tools_may_be_called(choice: dict[str, Any], said: dict[str, Any]) -> None:
    given = asked(tools=[TOOL], tool_choice=choice)
    del given["tools"]
    assert given == said


@pytest.mark.parametrize("kind", ["auto", "none"])
def test_a_choice_among_no_tools_is_none(kind: str) -> None:
    assert asked(tool_choice={"type": kind}) == {}


# -------------------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_a_schema_is_a_response_format(field: str) -> None:
    wanted = {"type": "json_schema", "schema": CLOSED}
    given = asked(**{field: {"format": wanted} if field == "output_config" else wanted})
    described = {"name": "answer", "schema": CLOSED, "strict": True}
    assert given == {"response_format": {"type": "json_schema", "json_schema": described}}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({"type": "string"}, True),
        ({"type": "object", "properties": {"n": {}}, "required": ["n"]}, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "required": None}, False),
        ({**CLOSED, "properties": {"n": {**CLOSED, "required": []}}}, False),
        ({**CLOSED, "anyOf": [CLOSED, {**CLOSED, "additionalProperties": True}]}, False),
    ],
)
def test_a_schema_is_strict_where_openai_takes_it_for_that(schema: dict[str, Any], *, strict: bool) -> None:
    given = asked(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert given["response_format"]["json_schema"]["strict"] is strict


# ------------------------------------------------------------------------------------------------------------- thinking


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [
        (None, False),
        ({"type": "enabled", "budget_tokens": 2048}, True),
        ({"type": "adaptive"}, True),
        ({"type": "adaptive", "display": "summarized"}, True),
        ({"type": "adaptive", "display": "omitted"}, False),
        ({"type": "between_tools"}, True),
        ({"type": "disabled"}, False),
    ],
)
def test_reasoning_is_shown_to_whoever_asks(thinking: Any, *, shown: bool) -> None:
    assert thinks({"thinking": thinking}) is shown


def test_where_to_stop_is_known_to_whoever_tells_why_it_stopped() -> None:
    assert stops({"stop_sequences": ["a", "b"]}) == ("a", "b")
    assert stops({}) == ()


# -------------------------------------------------------------------------------------------------------------- refused


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "model", "missing_required_parameter"),
    ({"model": 7}, "model", "invalid_type"),
    ({"max_tokens": None}, "max_tokens", "missing_required_parameter"),
    ({"max_tokens": "many"}, "max_tokens", "invalid_type"),
    ({"max_tokens": True}, "max_tokens", "invalid_type"),
    ({"max_tokens": 0}, "max_tokens", "unsupported_parameter"),
    ({"messages": None}, "messages", "missing_required_parameter"),
    ({"messages": "hi"}, "messages", "invalid_type"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"top_k": False}, "top_k", "invalid_type"),
    ({"stream": "yes"}, "stream", "invalid_type"),
    ({"stop_sequences": "END"}, "stop_sequences", "invalid_type"),
    ({"stop_sequences": ["END", 7]}, "stop_sequences.1", "invalid_type"),
    ({"tools": {}}, "tools", "invalid_type"),
    ({"tools": ["find"]}, "tools.0", "invalid_type"),
    ({"tools": [{"name": "find"}]}, "tools.0.input_schema", "missing_required_parameter"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.name", "missing_required_parameter"),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0", "unsupported_parameter"),
    ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools.0", "unsupported_parameter"),
    ({"tool_choice": {"type": "any"}}, "tools", "missing_required_parameter"),
    ({"tool_choice": {"type": "tool", "name": "find"}}, "tools", "missing_required_parameter"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name", "missing_required_parameter"),
    ({"tool_choice": {"type": "some"}}, "tool_choice.type", "unsupported_parameter"),
    ({"tool_choice": "auto"}, "tool_choice", "invalid_type"),
    ({"metadata": {"user_id": 7}}, "metadata.user_id", "invalid_type"),
    ({"output_config": {"effort": "some"}}, "output_config.effort", "unsupported_parameter"),
    ({"output_config": {"task_budget": {}}}, "output_config.task_budget", "unsupported_parameter"),
    ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type", "unsupported_parameter"),
    ({"output_format": {"type": "json_schema"}}, "output_format.schema", "missing_required_parameter"),
    ({"container": "c-1"}, "container", "unsupported_parameter"),
    ({"mcp_servers": [{"type": "url"}]}, "mcp_servers", "unsupported_parameter"),
    ({"inference_geo": "us"}, "inference_geo", "unsupported_parameter"),
    ({"thread": {"type": "create"}}, "thread", "thread_unsupported_request"),
    ({"new_in_2027": 1}, "new_in_2027", "unsupported_parameter"),
]


@pytest.mark.parametrize(("fields", "where", "code"), WRONG)
def test_what_is_wrong_or_cannot_be_said_is_told_with_its_place(fields: dict[str, Any], where: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        chat_body({**BODY, **fields})
    assert (caught.value.param, caught.value.code) == (where, code)
    assert caught.value.message.startswith(where)


def test_an_example_that_is_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(BadRequest, match="too deeply"):
        chat_body({**BODY, "tools": [{**TOOL, "input_examples": [deep]}]})


@pytest.mark.parametrize(
    ("thinking", "where"),
    [({"type": "loud"}, "thinking.type"), ({}, "thinking.type"), ("yes", "thinking")],
)
def test_thinking_that_nobody_knows_is_told(thinking: Any, where: str) -> None:
    with pytest.raises(BadRequest) as caught:
        thinks({"thinking": thinking})
    assert caught.value.param == where


def test_every_field_of_the_official_client_is_decided() -> None:
    known = set(get_type_hints(message_create_params.MessageCreateParamsBase)) - IN_HEADERS
    assert known <= _READ | _LEFT_OUT | set(_REFUSED)
