"""A stream, followed chunk by chunk."""

from typing import Any

from router.verify import Watching
from tests.verify.answers import asked, call, made

TOOLS = [{"type": "function", "function": {"name": "find"}}]


def chunk(delta: dict[str, Any] | None, index: int = 0) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta}]}


def test_nothing_is_followed_where_only_the_end_can_tell() -> None:
    assert Watching.of((), asked()) is None
    assert Watching.of((made("complete"), made("json_schema")), asked()) is None
    assert Watching.of((made("complete"), made("json_schema")), asked(response_format={"type": "json_object"}))


def test_each_choice_is_followed_for_itself() -> None:
    watching = Watching.of((made({"length": {"max": 3}}),), asked(n=2))
    assert watching

    assert [watching.add(chunk({"content": "ab"}, index)) for index in (0, 1)] == [None, None]
    assert watching.add(chunk({"content": "cd"}, 1)) == "too_long"


def test_chunks_without_content_say_nothing() -> None:
    watching = Watching.of((made({"length": {"max": 3}}), made("tool_calls"), made("refusal")), asked(tools=TOOLS))
    assert watching

    empty: list[dict[str, Any]] = [{}, {"choices": None}, {"choices": []}, chunk(None), chunk({"role": "assistant"})]
    assert [watching.add(one) for one in empty] == [None] * 5
    assert watching.add(chunk({"content": [{"type": "text", "text": "abcd"}]})) == "too_long"


def test_calls_come_in_several_ways() -> None:
    for delta in (
        {"tool_calls": [{"index": 0, **call("{}", "lose")}]},
        {"tool_calls": [call("{}", "lose")]},
        {"function_call": {"name": "lose", "arguments": "{}"}},
    ):
        watching = Watching.of((made("tool_calls"),), asked(tools=TOOLS))
        assert watching
        assert watching.add(chunk(delta)) == "unknown_tool"
