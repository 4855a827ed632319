"""`json_object` and `json_schema`."""

from typing import Any

import pytest

from router.chat import Choice
from tests.verify.answers import asked, call, made, told, verdict

FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}
OBJECT = {"type": "json_object"}
BARE = {"type": "json_schema", "json_schema": {"name": "a"}}


@pytest.mark.parametrize(
    ("check", "format_", "text", "reason"),
    [
        ("json_schema", FORMAT, '{"n": 1}', "ok"),
        ("json_schema", FORMAT, '{"n": "1"}', "schema"),
        ("json_schema", FORMAT, '{"n": 1', "not_json"),
        ("json_schema", FORMAT, "", "not_json"),
        ("json_schema", FORMAT, '```json\n{"n": 1}\n```', "fenced"),
        ("json_schema", FORMAT, 'Sure! {"n": 1}', "not_json"),
        ("json_schema", OBJECT, '{"n": "1"}', "ok"),
        ("json_schema", OBJECT, "[1]", "not_object"),
        ("json_schema", BARE, "[1]", "ok"),
        ("json_schema", {"type": "text"}, "text", "ok"),
        ("json_schema", None, "text", "ok"),
        ("json_object", FORMAT, '{"n": "1"}', "ok"),
        ("json_object", FORMAT, "text", "not_json"),
        ("json_object", OBJECT, "[1]", "not_object"),
        ("json_object", OBJECT, "```", "fenced"),
        ("json_object", {"type": "text"}, "text", "ok"),
    ],
)
def test_an_answer_is_the_json_that_was_asked_for(check: str, format_: Any, text: str, reason: str) -> None:
    assert verdict(made(check), text, asked(response_format=format_)) == reason


def test_a_call_or_a_refusal_need_not_be_json() -> None:
    request = asked(response_format=FORMAT)

    assert verdict(made("json_schema"), Choice("tool_calls", "", "", (call(),)), request) == "ok"
    assert verdict(made("json_schema"), Choice("stop", "", "I cannot"), request) == "ok"


def test_what_the_client_cut_is_judged_as_far_as_it_goes() -> None:
    request = asked(response_format=FORMAT, max_tokens=3)

    assert verdict(made("json_schema"), Choice("length", '{"n": 1'), request) == "ok"
    assert verdict(made("json_schema"), Choice("length", '{"n": "'), request) == "schema"


def test_a_tiers_own_format_holds_where_the_client_has_none() -> None:
    check = made("json_schema", FORMAT)

    assert verdict(check, "text", asked()) == "not_json"
    assert verdict(check, "text", asked(response_format={"type": "text"})) == "ok"


def test_a_stream_breaks_at_once() -> None:
    request = asked(response_format=FORMAT)

    assert told(made("json_schema"), '{"n"', ": ", '"1', request=request) == [None, None, "schema"]
    assert told(made("json_schema"), "S", request=request) == ["not_json"]
    assert told(made("json_object"), "[", request=asked(response_format=OBJECT)) == ["not_object"]


def test_where_a_call_may_follow_only_the_end_can_tell() -> None:
    request = asked(response_format=FORMAT, tools=[{"type": "function"}])

    assert told(made("json_schema"), "Let me see", request=request) == [None]
    assert told(made("json_object"), "Let me see", request=asked()) == [None]
