"""How checks come to one verdict."""

from typing import Any

import pytest

from router.chat import Choice
from router.verify import ACCEPTED, Check, Verdict, judge, usable
from router.verify.verdict import cut
from tests.verify.answers import asked, call, made, said


def test_the_first_check_that_does_not_accept_speaks() -> None:
    complete, length = made("complete"), made({"length": {"min": 3}})

    assert judge(said(Choice("stop", "")), asked(), [complete, length]) == Verdict(accepted=False, reason="empty")
    assert judge(said(Choice("stop", "x")), asked(), [complete, length]) == Verdict(accepted=False, reason="too_short")
    assert judge(said(Choice("stop", "")), asked(), []) == ACCEPTED


def test_one_bad_choice_of_several_is_enough() -> None:
    assert not judge(said(Choice("stop", "fine"), Choice("stop", "")), asked(), [made("complete")]).accepted


@pytest.mark.parametrize("cap", ["max_tokens", "max_completion_tokens"])
def test_a_cut_that_the_client_asked_for_is_known(cap: str) -> None:
    assert cut(Choice("length", "half"), asked("hi", **{cap: 5}))
    assert not cut(Choice("stop", "whole"), asked("hi", **{cap: 5}))
    assert not cut(Choice("length", "half"), asked())


def test_a_check_says_what_it_looks_for() -> None:
    with pytest.raises(NotImplementedError):
        Check().fault(Choice("stop", ""), asked())
    assert Check().watch(asked()) is None


JSON = {"response_format": {"type": "json_object"}}


@pytest.mark.parametrize(
    ("choice", "request_", "usable_"),
    [
        (Choice("length", "half an ans"), {}, True),
        (Choice("length", '{"a": '), JSON, False),
        (Choice("length", "", "", (call(),)), {}, False),
        (Choice("stop", " "), {}, False),
        (Choice("stop", "", "I will not"), {}, True),
        (Choice("stop", "forbidden"), {}, False),
        (Choice("stop", "too short"), {}, True),
    ],
)
def test_what_is_better_than_nothing(choice: Choice, request_: dict[str, Any], usable_: bool) -> None:  # noqa: FBT001
    checks = [made("complete"), made({"length": {"min": 99}}), made({"must_not_contain": {"texts": ["forbidden"]}})]
    assert usable(said(choice), asked(**request_), checks) is usable_
