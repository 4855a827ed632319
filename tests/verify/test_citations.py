"""`citations`."""

from dataclasses import replace

import pytest

from router.chat import Choice
from tests.verify.answers import asked, call, made, told, verdict

GIVEN = asked("[1] A page.\n[2] Another. Also [7; 8].")
OWN = {"citations": {"cited": r"\[doc:([a-z]+)\]", "sources": r'<source id="([^"]+)">'}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("As [1] says.", "ok"),
        ("As [1, 2] and [8] say.", "ok"),
        ("As [3] says.", "unknown_source"),
        ("As [1, 3] say.", "unknown_source"),
        ("Nobody says so.", "ok"),
    ],
)
def test_only_sources_that_were_given(text: str, reason: str) -> None:
    assert verdict(made("citations"), text, GIVEN) == reason


def test_a_citation_may_be_required() -> None:
    check = made({"citations": {"required": True}})

    assert verdict(check, "Nobody says so.", GIVEN) == "no_citation"
    assert verdict(check, Choice("tool_calls", "", "", (call(),)), GIVEN) == "ok"
    assert verdict(check, Choice("length", "Nobody"), asked("[1]", max_tokens=1)) == "ok"


def test_patterns_of_ones_own() -> None:
    request = asked('<source id="intro">Hello.</source>')

    assert verdict(made(OWN), "As [doc:intro] says.", request) == "ok"
    assert verdict(made(OWN), "As [doc:outro] says.", request) == "unknown_source"
    assert verdict(made({"citations": {"cited": r"§\d+", "sources": r"§\d+"}}), "As §2 says.", asked("§1")) == (
        "unknown_source"
    )


def test_an_assistants_own_words_are_no_source() -> None:
    messages = [{"role": "assistant", "content": "[9]"}, {"role": "user", "content": [{"type": "text", "text": "[1]"}]}]

    assert verdict(made("citations"), "As [9] says.", asked(messages=messages)) == "unknown_source"
    assert verdict(made("citations"), "As [1] says.", asked(messages=messages)) == "ok"


def test_a_stream_is_read_wherever_it_splits() -> None:
    assert told(made("citations"), "As [1", ", 2", "]. And [", "3", "]", request=GIVEN) == [
        *(None, None, None, None),
        "unknown_source",
    ]
    assert told(made("citations"), "x", "[" + "y" * 300, "] [", "1]", request=GIVEN) == [None] * 4
    assert told(made(OWN), "[doc:nowhere]") == [None]


def test_what_was_retrieved_is_all_there_is_to_cite() -> None:
    request = replace(asked("I know [7]."), sources=frozenset({"1", "2"}))
    check = made("citations")

    assert check.fault(Choice("stop", "So it is [1, 2]."), request) is None
    assert check.fault(Choice("stop", "So it is [7]."), request) == "unknown_source"
