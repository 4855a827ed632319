"""`complete`."""

import pytest

from router.chat import Choice
from tests.verify.answers import asked, call, made, verdict


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (Choice("stop", "hello"), "ok"),
        (Choice("stop", ""), "empty"),
        (Choice("stop", " \n\t"), "empty"),
        (Choice("length", "half a sent"), "truncated"),
        (Choice("length", ""), "truncated"),
        (Choice("tool_calls", "", "", (call(),)), "ok"),
        (Choice("stop", "", "I cannot help with that."), "ok"),
        (Choice("content_filter", "something"), "ok"),
    ],
)
def test_an_answer_is_complete(choice: Choice, reason: str) -> None:
    assert verdict(made("complete"), choice) == reason


@pytest.mark.parametrize("cap", ["max_tokens", "max_completion_tokens"])
def test_a_cut_that_the_client_asked_for_passes(cap: str) -> None:
    assert verdict(made("complete"), Choice("length", "half a sent"), asked("hi", **{cap: 5})) == "ok"
