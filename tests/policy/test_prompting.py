"""What YAML may say about prompts, tunes and handoffs; the golden policies show each mistake."""

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from router.policy import loads
from router.policy.prompting import Handoff, Prompt, Tune, is_file
from router.policy.schema import Tier


@pytest.mark.parametrize("text", ["prompts/lean.md", "lean", "a.b/c"])
def test_a_word_is_a_file(text: str) -> None:
    assert is_file(text)


@pytest.mark.parametrize("text", ["Be brief.", "Be\nbrief.", " lean.md", "lean.md\n", ""])
def test_a_text_has_a_space_in_it(text: str) -> None:
    assert not is_file(text)


@pytest.mark.parametrize("day", ["2027-05-01", dt.date(2027, 5, 1)])
def test_a_day_is_a_day(day: object) -> None:
    assert Tune.model_validate({"id": "v3", "refresh_due": day}).refresh_due == dt.date(2027, 5, 1)


@pytest.mark.parametrize("day", ["20270501", "2027-13-01", 2027, dt.datetime(2027, 5, 1, tzinfo=dt.UTC), "2027-W18-6"])
def test_a_day_is_nothing_else(day: object) -> None:
    with pytest.raises(ValidationError, match="must be a day such as 2027-05-01"):
        Tune.model_validate({"id": "v3", "refresh_due": day})


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (None, None),
        ("draft", Handoff(give="draft")),
        ({"give": "verdict", "template": "own.md"}, Handoff(give="verdict", template="own.md")),
        (Handoff(give="none"), Handoff(give="none")),
    ],
)
def test_a_handoff_is_a_word_or_a_word_with_a_template(said: object, kept: object) -> None:
    assert Tier.model_validate({"deployments": ["a"], "handoff": said}).handoff == kept


def test_a_prompt_without_anything_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="adds nothing"):
        Prompt.model_validate({})


def test_the_version_changes_with_the_words_in_a_file(tmp_path: Path) -> None:
    text = """
version: 1
deployments: {a: {base_url: "http://127.0.0.1:1/v1", model: m}}
tiers:
  tuned: {deployments: [a], prompt: {system: s.md, examples: e.jsonl}, handoff: {give: verdict, template: h.md}}
routes: {auto: {cascade: [{tier: tuned}]}}
"""
    versions = set()
    words = {"s.md": "Be kind.", "e.jsonl": '{"user": "a", "assistant": "b"}', "h.md": "Was {{verdict}}."}
    for changed in (None, *words):
        for name, said in words.items():
            (tmp_path / name).write_text(said + (" \n" if name == changed else ""))
        versions.add(loads(text, folder=tmp_path).version_hash)

    assert len(versions) == 4
