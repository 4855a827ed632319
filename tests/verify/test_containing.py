"""`must_contain` and `must_not_contain`."""

import pytest

from router.chat import Choice
from tests.verify.answers import asked, call, made, told, verdict

MUST = {"must_contain": {"texts": ["Regards", "Ticket"]}}
MUST_NOT = {"must_not_contain": {"texts": ["guarantee", "straße"], "ignore_case": True}}


@pytest.mark.parametrize(
    ("item", "text", "reason"),
    [
        (MUST, "Ticket 1. Regards", "ok"),
        (MUST, "ticket 1. Regards", "text_missing"),
        ({"must_contain": {"texts": ["REGARDS"], "ignore_case": True}}, "regards", "ok"),
        (MUST_NOT, "We hope so.", "ok"),
        (MUST_NOT, "We Guarantee it.", "text_forbidden"),
        (MUST_NOT, "in der STRASSE", "text_forbidden"),
    ],
)
def test_texts_are_looked_for(item: object, text: str, reason: str) -> None:
    assert verdict(made(item), text) == reason


def test_nothing_is_missing_from_a_call_a_refusal_or_what_the_client_cut() -> None:
    assert verdict(made(MUST), Choice("tool_calls", "", "", (call(),))) == "ok"
    assert verdict(made(MUST), Choice("stop", "", "I cannot")) == "ok"
    assert verdict(made(MUST), Choice("length", "Tick"), asked(max_tokens=1)) == "ok"


def test_a_forbidden_text_is_heard_wherever_the_stream_splits_it() -> None:
    assert told(made(MUST_NOT), "We gua", "ran", "TEE it") == [None, None, "text_forbidden"]
    assert told(made({"must_not_contain": {"texts": ["x"]}}), "a", "b", "x") == [None, None, "text_forbidden"]
    assert told(made(MUST), "a") == [None]
