"""`citations`."""

import re
import timeit
from dataclasses import replace
from time import thread_time

import pytest

from router.chat import Choice
from router.patterns import compiled
from router.policy.checks import DEFAULT_CITED
from router.verify.citations import Citations
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


def test_what_is_between_ids_takes_a_time_that_grows_with_the_text() -> None:
    """A pattern that lets anything into the brackets; a row of spaces was once looked at from each of them anew."""
    check = made({"citations": {"cited": r"\[([^\]]+)\]", "sources": r"\[([^\]]+)\]"}})

    def seconds(spaces: int) -> float:
        text = f"[1{' ' * spaces}; 2]"
        return min(timeit.repeat(lambda: verdict(check, text, asked(text)), timer=thread_time, number=1, repeat=3))

    assert verdict(check, "[1 ;  2]", asked("[ 2 ] and [1]")) == "ok"
    assert seconds(80_000) < 40 * seconds(8_000)  # a hundred times as long, if it were squared


@pytest.mark.parametrize("piece", ["[", "[1,", "[1 , ", "[12;34", "1,1,", "[1]", "[ 1", "[999 ;999"])
def test_the_built_in_pattern_takes_a_time_that_grows_with_the_text(piece: str) -> None:
    check, given = made("citations"), asked("[1]")
    assert isinstance(check, Citations)

    def taken(size: int) -> float:
        choice = Choice("stop", ("[" + piece * size)[:size])
        return min(timeit.repeat(lambda: check.fault(choice, given), timer=thread_time, number=3, repeat=5))

    small, large = taken(20_000), taken(80_000)
    assert large < 20 * small  # four times as much text: sixteen times as long would be the square


@pytest.mark.parametrize(
    "text", ["[1]", "[1, 2;3]", "[ 1]", "[1234]", "[1,,2]", "a[12]b[3\n,4]", "[١]", "[]", "[1", "1]"]
)
def test_either_engine_finds_the_same(text: str) -> None:
    by_re2 = {found[1] for found in compiled(DEFAULT_CITED).finditer(text)}
    assert {found[1] for found in re.finditer(DEFAULT_CITED, text, re.ASCII)} == by_re2
