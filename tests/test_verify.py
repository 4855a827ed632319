"""Is this answer good enough?"""

from typing import Any

import pytest

from router.chat import ChatRequest, Choice, Completion
from router.verify import ACCEPTED, CHECKS, Verdict, complete, judge


def asked(**more: Any) -> ChatRequest:
    return ChatRequest({"model": "auto", "messages": [{"role": "user", "content": "hi"}], **more}, "auto")


def said(*choices: Choice) -> Completion:
    return Completion(choices, None, "m")


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (Choice("stop", "hello"), "ok"),
        (Choice("stop", ""), "empty"),
        (Choice("stop", " \n\t"), "empty"),
        (Choice("length", "half a sent"), "truncated"),
        (Choice("length", ""), "truncated"),
        (Choice("tool_calls", "", "", (CALL,)), "ok"),
        (Choice("stop", "", "I cannot help with that."), "ok"),
        (Choice("content_filter", "something"), "ok"),
    ],
)
def test_an_answer_is_complete(choice: Choice, reason: str) -> None:
    assert complete(said(choice), asked()).reason == reason


@pytest.mark.parametrize("cap", ["max_tokens", "max_completion_tokens"])
def test_a_cut_that_the_client_asked_for_passes(cap: str) -> None:
    assert complete(said(Choice("length", "half a sent")), asked(**{cap: 5})).accepted


def test_one_bad_choice_of_several_is_enough() -> None:
    assert complete(said(Choice("stop", "fine"), Choice("stop", "")), asked()) == Verdict(
        accepted=False, reason="empty"
    )


def test_the_first_check_that_does_not_accept_speaks() -> None:
    never = Verdict(accepted=False, reason="never")

    assert judge(said(Choice("stop", "")), asked(), [complete, lambda *_: never]).reason == "empty"
    assert judge(said(Choice("stop", "x")), asked(), [complete, lambda *_: never]) == never
    assert judge(said(Choice("stop", "")), asked(), []) == ACCEPTED


def test_every_check_a_policy_may_name_is_here() -> None:
    assert set(CHECKS) == {"complete"}
