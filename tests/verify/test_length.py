"""`length`."""

import pytest

from router.chat import Choice
from tests.verify.answers import asked, call, made, told, verdict


@pytest.mark.parametrize(
    ("bounds", "text", "reason"),
    [
        ({"min": 3}, "ab", "too_short"),
        ({"min": 3}, "abc", "ok"),
        ({"max": 3}, "abc", "ok"),
        ({"max": 3}, "abcd", "too_long"),
        ({"max": 2, "unit": "words"}, "abcdefgh ijklm", "ok"),
        ({"max": 2, "unit": "words"}, "a b c", "too_long"),
        ({"min": 2, "unit": "words"}, "a", "too_short"),
    ],
)
def test_text_has_its_length(bounds: dict[str, object], text: str, reason: str) -> None:
    assert verdict(made({"length": bounds}), text) == reason


def test_what_has_no_text_or_was_cut_by_the_client_is_never_too_short() -> None:
    check = made({"length": {"min": 3}})

    assert verdict(check, Choice("tool_calls", "", "", (call(),))) == "ok"
    assert verdict(check, Choice("stop", "", "I cannot")) == "ok"
    assert verdict(check, Choice("length", "a"), asked(max_tokens=1)) == "ok"


def test_a_stream_that_is_too_long_is_known_at_once() -> None:
    assert told(made({"length": {"max": 4}}), "ab", "cd", "e", "f") == [None, None, "too_long"]
    assert told(made({"length": {"max": 1, "unit": "words"}}), "a b", " c") == [None, None]
    assert told(made({"length": {"min": 1}}), "a") == [None]
