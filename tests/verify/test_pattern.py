"""`regex`."""

from router.chat import Choice
from tests.verify.answers import asked, call, made, told, verdict

CHECK = {"regex": {"pattern": "#[0-9]+"}}


def test_the_pattern_is_found_anywhere() -> None:
    assert verdict(made(CHECK), "see #12 for more") == "ok"
    assert verdict(made(CHECK), "see # twelve") == "no_match"


def test_nothing_is_looked_for_in_a_call_a_refusal_or_what_the_client_cut() -> None:
    assert verdict(made(CHECK), Choice("tool_calls", "", "", (call(),))) == "ok"
    assert verdict(made(CHECK), Choice("stop", "", "I cannot")) == "ok"
    assert verdict(made(CHECK), Choice("length", "see"), asked(max_tokens=1)) == "ok"
    assert told(made(CHECK), "see") == [None]
