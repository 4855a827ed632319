"""Tools, and which of them are to be called."""

from typing import Any

import pytest

from router.dialects.responses_tools import choice, tools
from router.errors import BadRequest

FIND = {"type": "function", "name": "find"}


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (FIND, {"type": "function", "function": {"name": "find"}}),
        (
            {**FIND, "description": "finds", "parameters": {"type": "object"}, "strict": True},
            {
                "type": "function",
                "function": {
                    "name": "find",
                    "description": "finds",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            },
        ),
        (
            {**FIND, "strict": None, "parameters": None, "output_schema": {}, "allowed_callers": ["direct"]},
            {"type": "function", "function": {"name": "find"}},
        ),
        (
            {"type": "custom", "name": "sql", "description": "asks", "format": {"type": "text"}},
            {"type": "custom", "custom": {"name": "sql", "description": "asks", "format": {"type": "text"}}},
        ),
        (
            {
                "type": "custom",
                "name": "sql",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"},
            },
            {
                "type": "custom",
                "custom": {
                    "name": "sql",
                    "format": {"type": "grammar", "grammar": {"definition": "start: /a/", "syntax": "lark"}},
                },
            },
        ),
    ],
)
def test_a_tool_is_declared_one_level_deeper(tool: dict[str, Any], expected: dict[str, Any]) -> None:
    assert tools([tool]) == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        (FIND, {"type": "function", "function": {"name": "find"}}),
        ({"type": "custom", "name": "sql"}, {"type": "custom", "custom": {"name": "sql"}}),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [FIND]},
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "find"}}]},
            },
        ),
        (
            {"type": "allowed_tools", "tools": []},
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        ),
    ],
)
def test_what_is_to_be_called(given: Any, expected: Any) -> None:
    assert choice(given) == expected


@pytest.mark.parametrize(
    ("given", "param", "code", "told"),
    [
        ({"type": "web_search"}, "tools[0].type", "unsupported_value", "a function of your own"),
        ({"type": "mcp", "server_label": "x"}, "tools[0].type", "unsupported_value", "'mcp' is a tool"),
        ({"name": "find"}, "tools[0].type", "missing_required_parameter", "type"),
        ({"type": "function"}, "tools[0].name", "missing_required_parameter", "name"),
        (
            {"type": "function", "function": {"name": "find"}},
            "tools[0].name",
            "missing_required_parameter",
            "not in its 'function'",
        ),
        ({"type": "custom", "name": "sql", "format": "x"}, "tools[0].format", "invalid_type", "an object"),
        (
            {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "lark"}},
            "tools[0].format.definition",
            "missing_required_parameter",
            "definition",
        ),
    ],
)
def test_a_tool_that_nobody_here_carries_out_is_refused(
    given: dict[str, Any], param: str, code: str, told: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        tools([given])
    assert (refused.value.param, refused.value.code) == (param, code)
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ("maybe", "tool_choice", "invalid_value"),
        (7, "tool_choice", "invalid_type"),
        ({"name": "find"}, "tool_choice.type", "missing_required_parameter"),
        ({"type": "function"}, "tool_choice.name", "missing_required_parameter"),
        ({"type": "file_search"}, "tool_choice.type", "unsupported_value"),
        ({"type": "allowed_tools"}, "tool_choice.tools", "missing_required_parameter"),
        ({"type": "allowed_tools", "tools": [{"type": "mcp"}]}, "tool_choice.tools[0].type", "unsupported_value"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(given: Any, param: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        choice(given)
    assert (refused.value.param, refused.value.code) == (param, code)
