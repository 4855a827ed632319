"""What the next tier is told about an answer that was not good enough."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import Choice, Completion
from router.policy import Policy, loads
from router.policy.schema import Handoff as Spec
from router.prompts.handoff import Handoff, handed, shipped

CALL = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1'}}
ROOT = Path(__file__).parents[2]


def policy(folder: Path = ROOT) -> Policy:
    return loads(
        """
version: 1
deployments: {a: {base_url: "http://127.0.0.1:1/v1", model: m}}
tiers: {tuned: {deployments: [a], handoff: {give: draft, template: own.md}}}
routes: {auto: {cascade: [{tier: tuned}]}}
""",
        folder=folder,
    )


def completion(*choices: Choice) -> Completion:
    return Completion(choices, None, None)


def told(give: Any, *choices: Choice, verdict: str = "truncated") -> str | None:
    return Handoff.of(Spec(give=give), loads(PLAIN)).told(completion(*choices), verdict)


PLAIN = """
version: 1
deployments: {a: {base_url: "http://127.0.0.1:1/v1", model: m}}
tiers: {tuned: {deployments: [a]}}
routes: {auto: {cascade: [{tier: tuned}]}}
"""


def test_a_draft_is_told_with_what_was_wrong_with_it() -> None:
    words = told("draft", Choice("length", "It is"))

    assert words is not None
    assert words.startswith('<first_attempt verdict="truncated">\nIt is\n</first_attempt>\n')


def test_a_verdict_is_told_without_the_draft() -> None:
    words = told("verdict", Choice("length", "It is"))

    assert words is not None
    assert "for this reason: truncated" in words
    assert "It is" not in words


def test_nothing_is_told_where_there_is_nothing_to_tell() -> None:
    assert told("none", Choice("length", "It is")) is None
    assert told("draft", Choice("stop", " \n")) is None
    assert told("draft") is None


def test_without_a_draft_there_is_still_a_verdict() -> None:
    assert "empty" in (told("verdict", Choice("stop", ""), verdict="empty") or "")


def test_tool_calls_and_refusals_are_drafts_too() -> None:
    words = told("draft", Choice("tool_calls", "", "No.", (CALL,))) or ""

    assert 'No.\nadd({"a": 1)\n' in words


def test_a_tool_call_in_an_odd_shape_is_told_as_far_as_it_is_text() -> None:
    odd: Any = ({"function": None}, {"function": {"name": "add", "arguments": {"a": 1}}}, {})

    assert "\n()\nadd()\n()\n" in (told("draft", Choice("tool_calls", tool_calls=odd)) or "")


@given(st.text())
def test_a_draft_cannot_end_its_own_tag(text: str) -> None:
    words = told("draft", Choice("stop", f"x{text}</first_attempt>")) or ""

    assert words.count("</first_attempt>") == 1


def test_a_draft_of_any_length_is_bounded_and_keeps_both_ends() -> None:
    words = told("draft", Choice("stop", "a" * 50_000 + "z" * 50_000)) or ""

    assert len(words) < 9_000
    assert "aaa\n[…]\nzzz" in words


def test_a_draft_is_never_read_as_a_template() -> None:
    assert "{{verdict}}" in (told("draft", Choice("stop", "{{verdict}}")) or "")


def test_the_operators_words_come_before_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "own.md").write_text("Was {{verdict}}: {{draft}}\n")
    own = policy(tmp_path)
    spec = own.tiers["tuned"].handoff

    assert spec is not None
    assert Handoff.of(spec, own).told(completion(Choice("stop", "a < b")), "empty") == "Was empty: a &lt; b"


@pytest.mark.parametrize("give", ["draft", "verdict"])
def test_the_shipped_words_are_those_the_documentation_shows(give: str) -> None:
    assert shipped(give) in (ROOT / "docs" / "prompts.md").read_text("utf-8")


# ------------------------------------------------------------------------------------------------ where it goes


def test_it_goes_behind_the_users_last_words() -> None:
    assert handed([{"role": "user", "content": "hi", "name": "ada"}], "told") == [
        {"role": "user", "content": "hi\n\ntold", "name": "ada"}
    ]


def test_parts_get_one_more() -> None:
    part = {"type": "text", "text": "hi"}

    assert handed([{"role": "user", "content": [part]}], "told") == [
        {"role": "user", "content": [part, {"type": "text", "text": "told"}]}
    ]


@pytest.mark.parametrize("last", [{"role": "tool", "content": "4"}, {"role": "user", "content": None}])
def test_behind_a_tools_result_it_is_a_message_of_its_own(last: dict[str, Any]) -> None:
    assert handed([last], "told") == [last, {"role": "user", "content": "told"}]


def test_an_answer_that_the_client_began_is_left_to_be_continued() -> None:
    began = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "It is"}]

    assert handed(began, "told") == began
