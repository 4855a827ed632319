"""A conversation from one request to the next: which one it is, and which of its words are whose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.conversation import answers_call, continued, mark, marked, own, thread, turns

SYSTEM = {"role": "system", "content": "You are kind."}
ASKS = {"role": "user", "content": "hi"}
SAYS = {"role": "assistant", "content": "hello"}
CALLS: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "found"}


def begins(*messages: dict[str, Any], name: str | None = None, owner: str = "ann", **more: Any) -> bytes:
    return thread({"messages": list(messages), **more}, owner, "auto", name=name)


def test_a_conversation_begins_the_same_in_each_of_its_turns() -> None:
    assert begins(SYSTEM, ASKS) == begins(SYSTEM, ASKS, SAYS, {"role": "user", "content": "and?"})


@pytest.mark.parametrize(
    "other",
    [
        begins(ASKS),
        begins(SYSTEM, {"role": "user", "content": "ho"}),
        begins({"role": "system", "content": "You are kind.h"}, {"role": "user", "content": "i"}),
        begins(SYSTEM, ASKS, owner="bob"),
        begins(SYSTEM, ASKS, tools=[{"type": "function", "function": {"name": "find"}}]),
        begins(SYSTEM, ASKS, name="mine"),
    ],
)
def test_what_tells_conversations_apart(other: bytes) -> None:
    assert other != begins(SYSTEM, ASKS)


def test_a_conversation_with_a_name_goes_by_it_alone() -> None:
    assert begins(SYSTEM, name="mine") == begins(ASKS, name="mine")
    assert begins(ASKS, name="mine") != begins(ASKS, name="mine", owner="bob")


def test_odd_tools_and_contents_are_read_as_far_as_they_go() -> None:
    odd = begins({"role": "user"}, tools=[{"type": "web_search"}, {"function": 3}])
    assert odd == begins({"role": "user", "content": None}, tools=[{"type": "web_search"}, {"function": 4}])


def test_the_first_answer_tells_conversations_apart_that_begin_alike() -> None:
    assert continued(begins(ASKS), mark("hello", ())) != continued(begins(ASKS), mark("hi", ()))


def test_an_answer_is_known_again_although_clients_spell_it_anew() -> None:
    assert marked(SAYS) == mark(" hello\n", ())
    assert marked({"role": "assistant", "content": [{"type": "text", "text": "hello"}]}) == marked(SAYS)
    assert marked(CALLS) == mark("", [{"id": "call_1", "function": {"arguments": "{ }"}}])
    assert marked(CALLS) != mark("", [{"id": "call_2"}])
    assert marked({"role": "assistant", "tool_calls": "odd"}) == mark("", ())


@pytest.mark.parametrize(
    ("messages", "answers"),
    [
        ([ASKS], False),
        ([ASKS, CALLS, RESULT], True),
        ([ASKS, CALLS, RESULT, ASKS], True),
        ([ASKS, CALLS, RESULT, SAYS, ASKS], False),
        ([{"role": "function", "name": "find", "content": "x"}], True),
    ],
)
def test_a_turn_that_answers_a_call_is_known(messages: list[dict[str, Any]], answers: bool) -> None:  # noqa: FBT001
    assert answers_call(messages) is answers


def test_what_a_model_wrote_itself_stays() -> None:
    said = [ASKS, {**CALLS, "reasoning_content": "hm"}, RESULT]
    assert own(said, 0) is said


def test_a_conversation_without_anything_of_the_kind_is_left_as_it_is() -> None:
    said = [SYSTEM, ASKS, SAYS, ASKS]
    assert own(said, len(said)) is said


THOUGHTS = {
    "reasoning_content": "hm",
    "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
    "signature": "s",
    "encrypted_content": "e",
    "reasoning_details": [],
}


def test_hidden_reasoning_does_not_cross_to_another_model() -> None:
    assert own([ASKS, {**SAYS, **THOUGHTS}], 2) == [ASKS, SAYS]
    parts = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "a", "signature": "s"}]
    assert own([ASKS, {**SAYS, "content": parts}], 2) == [ASKS, {**SAYS, "content": [{"type": "text", "text": "a"}]}]


def test_what_was_only_thought_is_an_empty_answer() -> None:
    assert own([ASKS, {"role": "assistant", **THOUGHTS}], 2) == [ASKS, {"role": "assistant", "content": ""}]


def test_what_users_say_is_never_touched() -> None:
    said = [{**ASKS, **THOUGHTS}]
    assert own(said, 1) is said


def test_ids_of_another_model_s_calls_are_made_anew_together_with_their_results() -> None:
    seen = own([ASKS, CALLS, RESULT], 3)
    identity = seen[1]["tool_calls"][0]["id"]
    assert seen[2]["tool_call_id"] == identity != "call_1"
    assert len(identity) == 9
    assert identity.isalnum()
    assert own([ASKS, CALLS, RESULT], 3) == seen, "the same every time, so that prompt caches hit"


def test_ids_that_two_models_gave_alike_are_told_apart_by_where_they_stand() -> None:
    seen = own([ASKS, CALLS, RESULT, CALLS, RESULT], 3)
    assert seen[2]["tool_call_id"] != "call_1"
    assert (seen[3], seen[4]) == (CALLS, RESULT)


def test_signatures_on_calls_go_and_odd_calls_stay_as_they_are() -> None:
    signed = {**CALLS["tool_calls"][0], "extra_content": {"google": {"thought_signature": "s"}}, "id": "abcdefghi"}
    seen = own([{**CALLS, "tool_calls": [signed, 3, {"function": {}}]}], 1)
    assert seen[0]["tool_calls"] == [{**CALLS["tool_calls"][0], "id": "abcdefghi"}, 3, {"function": {}}]


@given(st.lists(st.sampled_from([ASKS, SAYS, CALLS, RESULT, {**SAYS, **THOUGHTS}])), st.integers(0, 9))
def test_nothing_hidden_is_left_of_other_models_and_everything_of_its_own(
    said: list[dict[str, Any]], since: int
) -> None:
    seen = own(said, since)
    assert len(seen) == len(said)
    assert not any(THOUGHTS.keys() & one.keys() for one in seen[:since] if one["role"] == "assistant")
    assert turns(seen[since:]) == turns(said[since:])
