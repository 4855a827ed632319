"""`tool_calls`."""

from typing import Any

import pytest

from router.chat import Choice
from tests.verify.answers import asked, call, made, told, verdict

PARAMETERS = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
FIND = {"type": "function", "function": {"name": "find", "parameters": PARAMETERS}}
KEEP = {"type": "function", "function": {"name": "keep"}}
GREP = {"type": "custom", "custom": {"name": "grep"}}
TOOLS = [FIND, KEEP, GREP]
GOOD = call('{"id": 7}')
GREPPED = {"id": "call_3", "type": "custom", "custom": {"name": "grep", "input": "any text"}}


def of(*calls: dict[str, Any], text: str = "", finish: str = "tool_calls", **more: Any) -> str:
    return verdict(made("tool_calls"), Choice(finish, text, "", calls), asked(**{"tools": TOOLS, **more}))


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([GOOD], "ok"),
        ([GOOD, call("{}", "keep", "call_2"), GREPPED], "ok"),
        ([call('{"id": 7, "more": 1}')], "ok"),
        ([call('{"id": 7}', "lose")], "unknown_tool"),
        ([call('{"id": 7}', "findfind")], "unknown_tool"),
        ([{"id": "call_1", "type": "function", "function": None}], "unknown_tool"),
        ([{"id": "call_1", "type": "function", "function": "find"}], "unknown_tool"),
        ([call("{}")], "arguments_schema"),
        ([call('{"id": "7"}')], "arguments_schema"),
        ([call("[]")], "arguments_schema"),
        ([call('"id"', "keep")], "arguments_schema"),
        ([call("")], "bad_arguments"),
        ([call('{"id": 7')], "bad_arguments"),
        ([call('{"id": 7}{"id": 8}')], "bad_arguments"),
        ([call({"id": 7})], "bad_arguments"),
        ([GOOD, GOOD], "broken_call"),
        ([call('{"id": 7}', identity=None)], "broken_call"),
    ],
)
def test_a_program_can_carry_it_out(calls: list[dict[str, Any]], reason: str) -> None:
    assert of(*calls) == reason


@pytest.mark.parametrize(
    ("choice", "calls", "reason"),
    [
        ("auto", [], "ok"),
        ("auto", [GOOD], "ok"),
        ("none", [], "ok"),
        ("none", [GOOD], "unwanted_call"),
        ("required", [], "no_call"),
        ("required", [GOOD], "ok"),
        ({"type": "function", "function": {"name": "find"}}, [GOOD], "ok"),
        ({"type": "function", "function": {"name": "keep"}}, [GOOD], "unknown_tool"),
        ({"type": "function", "function": {"name": "keep"}}, [], "no_call"),
        ({"type": "custom", "custom": {"name": "grep"}}, [GREPPED], "ok"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [KEEP]}}, [GOOD], "unknown_tool"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FIND]}}, [], "ok"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [FIND]}}, [], "no_call"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}}, [GOOD], "unwanted_call"),
        ({"type": "nobody knows"}, [], "ok"),
    ],
)
def test_tool_choice_is_honoured(choice: object, calls: list[dict[str, Any]], reason: str) -> None:
    assert of(*calls, text="" if calls else "Hello.", finish="stop", tool_choice=choice) == reason


def test_one_at_a_time_where_the_client_says_so() -> None:
    assert of(GOOD, parallel_tool_calls=False) == "ok"
    assert of(GOOD, call('{"id": 8}', identity="call_2"), parallel_tool_calls=False) == "too_many_calls"


def test_a_call_that_was_promised_or_written_as_text() -> None:
    assert of(text="Hello.") == "no_call"
    assert of(text='\n<tool_call>{"name": "find"}', finish="stop") == "call_as_text"
    assert of(text="Qwen writes <tool_call> before a call.", finish="stop") == "ok"
    assert of(text="<tool_call>", finish="stop", tools=[]) == "ok"


def test_a_refusal_needs_no_call() -> None:
    assert verdict(made("tool_calls"), Choice("stop", "", "No."), asked(tools=TOOLS, tool_choice="required")) == "ok"


def test_what_the_client_cut_is_judged_as_far_as_it_goes() -> None:
    cut: dict[str, Any] = {"finish": "length", "max_tokens": 5}

    assert of(call('{"id": 7'), **cut) == "ok"
    assert of(call('{"id": "'), **cut) == "arguments_schema"
    assert of(call('{"id": 7'), call('{"id": 8}', identity="call_2"), **cut) == "bad_arguments"
    assert of(text="Let me", tool_choice="required", **cut) == "ok"


def test_functions_as_they_were_called_before_tools() -> None:
    request = asked(functions=[{"name": "find", "parameters": PARAMETERS}, "nonsense"], function_call={"name": "find"})
    check = made("tool_calls")

    assert (
        verdict(check, Choice("function_call", "", "", ({"name": "find", "arguments": '{"id": 7}'},)), request) == "ok"
    )
    assert verdict(check, Choice("function_call", "", "", (call("{}", identity=None),)), request) == "arguments_schema"
    assert verdict(check, Choice("stop", "Hello."), request) == "no_call"


def test_odd_declarations_declare_nothing() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"type": "function"},
        {"type": ["x"]},
        {"type": "function", "function": {"name": 3}},
    ]

    assert of(GOOD, tools=odd) == "unknown_tool"
    assert (
        of(call("{}", "keep"), tools=[{"type": "function", "function": {"name": "keep", "parameters": None}}]) == "ok"
    )


def piece(arguments: str = "", name: str | None = None, index: int = 0) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"tool_calls": [{"index": index, "function": function}]}


@pytest.mark.parametrize(
    ("pieces", "more", "heard"),
    [
        ([piece(name="find"), piece('{"id": '), piece("7}")], {}, [None, None, None]),
        ([piece(name="lose"), piece("{")], {}, [None, "unknown_tool"]),
        ([piece(name="fin"), piece(name="d"), piece("{")], {}, [None, None, None]),
        ([piece(name="find"), piece('{"id": "')], {}, [None, "arguments_schema"]),
        ([piece(name="find"), piece("{id")], {}, [None, "bad_arguments"]),
        ([piece("{}", "keep"), piece("x")], {}, [None, "bad_arguments"]),
        ([piece("{}", "keep"), piece("{}", "keep")], {}, [None, "unknown_tool"]),
        (
            [piece("{", "keep"), piece("{", "find", 1), piece("}"), piece("[", index=1)],
            {},
            [None] * 3 + ["bad_arguments"],
        ),
        ([piece("{", "keep"), piece("{", "find", 1)], {"parallel_tool_calls": False}, [None, "too_many_calls"]),
        ([piece("{", "keep")], {"tool_choice": "none"}, ["unwanted_call"]),
        ([piece("anything", "grep")], {}, [None]),
        ([{"tool_calls": [{"index": 0}]}], {}, [None]),
    ],
)
def test_a_stream_breaks_as_soon_as_it_is_known(pieces: list[Any], more: dict[str, Any], heard: list[Any]) -> None:
    assert told(made("tool_calls"), *pieces, request=asked(**{"tools": TOOLS, **more})) == heard
