"""Items of a conversation, as the messages that say the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.responses_input import messages
from router.errors import BadRequest
from tests.dialects.responding import whole

CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_a",
    "name": "find",
    "arguments": "{}",
    "status": "completed",
}
OTHER = {**CALL, "id": "fc_2", "call_id": "call_b"}
SQL = {"type": "custom_tool_call", "call_id": "call_c", "name": "sql", "input": "SELECT 1"}


def output(call_id: str, text: Any = "found") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def said(role: str, *parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def text(words: str, kind: str = "input_text") -> dict[str, Any]:
    return {"type": kind, "text": words}


def function(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "find", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("hello", [{"role": "user", "content": "hello"}]),
        ([{"role": "user", "content": "hello"}], [{"role": "user", "content": "hello"}]),
        ([said("developer", text("obey"))], [{"role": "developer", "content": "obey"}]),
        ([said("user")], [{"role": "user", "content": ""}]),
        (
            [said("user", text("a"), text("b"))],
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
        ),
        (
            [said("user", text("see"), {"type": "input_image", "image_url": "data:x", "detail": "low"})],
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "see"},
                        {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
                    ],
                }
            ],
        ),
        (
            [said("user", {"type": "input_file", "file_data": "data:x", "filename": "a.pdf", "detail": "auto"})],
            [
                {
                    "role": "user",
                    "content": [{"type": "file", "file": {"file_data": "data:x", "filename": "a.pdf"}}],
                }
            ],
        ),
        (
            [said("user", {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}})],
            [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}]}],
        ),
        (
            [said("user", {**text("long"), "prompt_cache_breakpoint": {"mode": "explicit"}})],
            [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "long", "prompt_cache_breakpoint": {"mode": "explicit"}}],
                }
            ],
        ),
        (
            [said("assistant", text("hi", "output_text")), {"role": "user", "content": "and?"}],
            [{"role": "assistant", "content": "hi"}, {"role": "user", "content": "and?"}],
        ),
        (
            [said("assistant", {"type": "refusal", "refusal": "no"})],
            [{"role": "assistant", "content": None, "refusal": "no"}],
        ),
        (
            [said("assistant", text("hm", "output_text"), {"type": "refusal", "refusal": "no"})],
            [{"role": "assistant", "content": "hm", "refusal": "no"}],
        ),
    ],
)
def test_a_message_says_what_its_item_says(items: Any, expected: list[dict[str, Any]]) -> None:
    assert messages(items) == expected


def test_calls_one_after_the_other_are_one_message_and_each_output_is_its_own() -> None:
    assert messages([CALL, OTHER, output("call_a", "a"), output("call_b", [text("b")])]) == [
        {"role": "assistant", "content": None, "tool_calls": [function("call_a"), function("call_b")]},
        {"role": "tool", "tool_call_id": "call_a", "content": "a"},
        {"role": "tool", "tool_call_id": "call_b", "content": "b"},
    ]


def test_what_is_said_beside_a_call_is_part_of_its_message() -> None:
    spoken = {"role": "assistant", "content": "I look", "tool_calls": [function("call_a")]}
    result = {"role": "tool", "tool_call_id": "call_a", "content": "found"}
    before = [said("assistant", text("I look", "output_text")), CALL, output("call_a")]
    after = [CALL, said("assistant", text("I look", "output_text")), output("call_a")]
    assert messages(before) == messages(after) == [spoken, result]


@pytest.mark.parametrize(
    ("before", "after", "content"),
    [
        ("t1", "t2", "t1t2"),
        ([text("t1", "output_text")] * 2, "t2", [{"type": "text", "text": each} for each in ("t1", "t1", "t2")]),
        ("", "t2", "t2"),
        ("t1", "", "t1"),
    ],
)
def test_what_is_said_around_a_call_is_one_message(before: Any, after: Any, content: Any) -> None:
    talk = messages(
        [
            {"role": "assistant", "content": before},
            CALL,
            {"role": "assistant", "content": after},
            output("call_a"),
        ]
    )
    assert [message["role"] for message in talk] == ["assistant", "tool"]
    assert (talk[0]["content"], len(talk[0]["tool_calls"])) == (content, 1)


def test_what_is_refused_around_a_call_is_part_of_its_message() -> None:
    no = said("assistant", {"type": "refusal", "refusal": "no"})
    (told,) = messages([said("assistant", text("t1", "output_text")), CALL, no, no])
    assert (told["content"], told["refusal"]) == ("t1", "nono")


def test_what_is_said_before_and_after_a_thought_is_one_message() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    talk = messages([{"role": "assistant", "content": "a"}, thought, {"role": "assistant", "content": "b"}])
    assert talk == [{"role": "assistant", "content": "ab"}]


def test_a_call_after_an_output_is_a_message_of_its_own() -> None:
    roles = [message["role"] for message in messages([CALL, output("call_a"), OTHER, output("call_b")])]
    assert roles == ["assistant", "tool", "assistant", "tool"]


def test_two_messages_of_the_assistant_stay_two() -> None:
    first, second = {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}
    assert messages([first, second]) == [first, second]


def test_a_custom_tool_s_call_and_its_output() -> None:
    given = {"type": "custom_tool_call_output", "call_id": "call_c", "output": "1"}
    assert messages([SQL, given]) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}],
        },
        {"role": "tool", "tool_call_id": "call_c", "content": "1"},
    ]


def test_reasoning_is_left_out() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "…"}
    assert messages([reasoning, {"role": "user", "content": "hi"}]) == [{"role": "user", "content": "hi"}]


def test_the_output_of_one_turn_can_be_the_input_of_the_next() -> None:
    calls = [function("call_a"), {"id": "call_c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]
    response = whole({"reasoning_content": "hm", "content": "I look", "tool_calls": calls}, "tool_calls")
    assert messages([{"role": "user", "content": "hi"}, *response["output"]]) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "I look", "tool_calls": calls},
    ]


@pytest.mark.parametrize(
    ("items", "param", "code", "told"),
    [
        (None, "input", "missing_required_parameter", "'input'"),
        (7, "input", "invalid_type", "a string or an array"),
        ([], "input", "empty_array", "at least one message"),
        ([{"type": "reasoning", "id": "rs_1"}], "input", "empty_array", "at least one message"),
        (["hi"], "input[0]", "invalid_type", "an object"),
        ([{}], "input[0].type", "missing_required_parameter", "type"),
        ([{"type": {}}], "input[0].type", "invalid_type", "a string"),
        ([{"id": "msg_1"}], "input[0].type", "unsupported_value", "send the item itself"),
        ([{"type": "item_reference", "id": "msg_1"}], "input[0].type", "unsupported_value", "stores nothing"),
        ([{"type": "web_search_call", "id": "ws_1"}], "input[0].type", "unsupported_value", "leave it out"),
        ([{"role": "tool", "content": "x"}], "input[0].role", "invalid_value", "'assistant', 'developer', 'system'"),
        ([{"type": "message", "content": "x"}], "input[0].role", "missing_required_parameter", "role"),
        ([{"role": "user"}], "input[0].content", "invalid_type", "but got null"),
        ([{"role": "user", "content": [7]}], "input[0].content[0]", "invalid_type", "an object"),
        ([said("user", {"text": "x"})], "input[0].content[0].type", "missing_required_parameter", "type"),
        ([said("user", text("x", "text"))], "input[0].content[0].type", "invalid_value", "'input_text'"),
        ([said("user", {"type": "input_text"})], "input[0].content[0].text", "missing_required_parameter", "text"),
        ([said("assistant", {"type": "refusal"})], "input[0].content[0].refusal", "missing_required_parameter", "ref"),
        ([said("user", {"type": "refusal", "refusal": "x"})], "input[0].content[0].type", "invalid_value", "refusal"),
        (
            [said("user", {"type": "input_image", "file_id": "f"})],
            "input[0].content[0].file_id",
            "unsupported_parameter",
            "send a URL",
        ),
        (
            [said("user", {"type": "input_image"})],
            "input[0].content[0].image_url",
            "missing_required_parameter",
            "image_url",
        ),
        (
            [said("user", {"type": "input_file", "file_url": "f"})],
            "input[0].content[0].file_url",
            "unsupported_parameter",
            "'file_data'",
        ),
        (
            [said("user", {"type": "input_file", "file_id": "f", "detail": "high"})],
            "input[0].content[0].detail",
            "unsupported_parameter",
            "leave out 'detail'",
        ),
        (
            [said("user", {"type": "input_file", "filename": "f"})],
            "input[0].content[0].file_data",
            "missing_required_parameter",
            "file_data",
        ),
        ([{**CALL, "call_id": None}], "input[0].call_id", "missing_required_parameter", "call_id"),
        ([{**CALL, "arguments": {}}], "input[0].arguments", "invalid_type", "a string"),
        ([{**SQL, "input": None}], "input[0].input", "missing_required_parameter", "input"),
        ([output("call_a")], "input[0].call_id", "invalid_value", "send the call's item too"),
        ([CALL, output("call_a", 7)], "input[1].output", "invalid_type", "a string or an array"),
        (
            [CALL, output("call_a", [{"type": "input_image", "image_url": "x"}])],
            "input[1].output[0]",
            "unsupported_value",
            "in a user's message",
        ),
    ],
)
def test_what_a_chat_completion_cannot_say_is_refused_with_its_place(
    items: Any, param: str, code: str, told: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        messages(items)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert told in refused.value.message


JSON = st.recursive(
    st.none() | st.integers(0, 1) | st.sampled_from(["", "call_a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text"]), inner, max_size=2),
    max_leaves=5,
)
ITEMS = st.dictionaries(
    st.sampled_from(["type", "role", "content", "call_id", "name", "arguments", "output", "id", "input"]),
    JSON
    | st.sampled_from(["message", "function_call", "function_call_output", "custom_tool_call", "reasoning", "user"])
    | st.lists(st.fixed_dictionaries({"type": st.sampled_from(["input_text", "refusal", "input_image"])})),
)


@given(JSON | st.lists(ITEMS, max_size=4))
def test_whatever_is_sent_is_read_or_refused(items: Any) -> None:
    place = "input"
    try:
        assert messages(items)
    except BadRequest as refused:
        place = refused.param or "nowhere"
    assert place.startswith("input")
