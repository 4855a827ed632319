"""How checks come to one verdict."""

import pytest

from router.chat import Choice
from router.verify import ACCEPTED, Check, Verdict, judge
from router.verify.verdict import cut
from tests.verify.answers import asked, made, said


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
