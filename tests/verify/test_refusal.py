"""`refusal`; the phrases themselves are in test_phrases.py."""

from router.chat import Choice
from tests.verify.answers import asked, call, made, told, verdict

NO = "I'm sorry, but I can't help with that request."


def test_words_and_the_field_made_for_it() -> None:
    assert verdict(made("refusal"), NO) == "refused"
    assert verdict(made("refusal"), Choice("stop", "", "No.")) == "refused"
    assert verdict(made("refusal"), "Of course!") == "ok"
    assert verdict(made("refusal"), Choice("tool_calls", NO, "", (call(),))) == "ok"


def test_a_stream_is_known_by_its_first_words() -> None:
    words = [f"{word} " for word in NO.split()]

    heard = told(made("refusal"), " \n", *words, "And so on.")

    assert heard[-1] == "refused"
    assert len(heard) < len(words)
    assert told(made("refusal"), {"refusal": "No"}) == ["refused"]


def test_words_after_the_opening_are_not_looked_at() -> None:
    assert told(made("refusal"), "x" * 300, NO, NO) == [None, None, None]


def test_where_a_call_may_follow_only_the_end_can_tell() -> None:
    assert told(made("refusal"), NO, NO, request=asked(tools=[{"type": "function"}])) == [None, None]
