"""What a tier or a tune adds to a conversation, and what it leaves alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import ChatRequest, parse
from router.policy import loads
from router.policy.schema import Prompt as Spec
from router.policy.templates import Variable
from router.prompts import Prompt
from router.signals import prompt_hash

FULL = "You work for Example & Co.\n\nBe kind, and be exact."
LEAN = Prompt(system=("Support.",), replaces=prompt_hash(FULL))
USER = {"role": "user", "content": "hi"}
SHOTS = ({"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"})
CUSTOMER = ("The customer is ", Variable("metadata.customer", "somebody"))
MARK = {"type": "ephemeral"}


def asked(*messages: dict[str, Any], **more: object) -> ChatRequest:
    return parse(orjson.dumps({"model": "auto", "messages": messages, **more}))


def applied(prompt: Prompt, *messages: dict[str, Any], marks: bool = False, **more: object) -> list[dict[str, Any]]:
    return replace(prompt, marks=marks).apply(asked(*messages, **more))[0]


def system(content: Any, role: str = "system", **more: object) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


# ------------------------------------------------------------------------------------------------ the known prompt


@pytest.mark.parametrize(
    "content",
    [
        FULL,
        "  You work for Example & Co.  Be kind,\tand be exact.\n",
        [{"type": "text", "text": "You work for Example & Co."}, {"type": "text", "text": "Be kind, and be exact."}],
    ],
)
def test_the_known_prompt_is_swapped_however_it_is_laid_out(content: Any) -> None:
    assert applied(LEAN, system(content), USER) == [system("Support."), USER]


def test_its_role_and_its_other_fields_stay() -> None:
    assert applied(LEAN, system(FULL, "developer", name="boss"), USER) == [
        system("Support.", "developer", name="boss"),
        USER,
    ]


def test_a_known_prompt_in_several_messages_is_swapped_as_one() -> None:
    first, second = FULL.split("\n\n")

    assert applied(LEAN, system(first), system(second, "developer"), USER) == [system("Support."), USER]


@pytest.mark.parametrize(
    "leading",
    [
        [system("You are a poet.")],
        [system(FULL + " And brief.")],
        [system(FULL), system("Today is Monday.")],
        [system(None)],
        [system([{"type": "text", "text": "You are a poet."}])],
        [],
    ],
)
def test_another_prompt_is_never_swapped_nor_is_none(leading: list[dict[str, Any]]) -> None:
    assert applied(LEAN, *leading, USER) == [*leading, USER]


def test_everything_else_in_the_conversation_stays_later_instructions_too() -> None:
    rest: list[dict[str, Any]] = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        system("Now be brief."),
        USER,
    ]

    assert applied(LEAN, system(FULL), *rest) == [system("Support."), *rest]


# ------------------------------------------------------------------------------------------------ a system prompt


def test_who_sends_none_gets_the_tiers() -> None:
    assert applied(Prompt(system=("Be kind.",)), USER) == [system("Be kind."), USER]


@pytest.mark.parametrize("where", [0, 1])
def test_who_sends_one_keeps_it_wherever_it_stands(where: int) -> None:
    messages = [USER, USER]
    messages.insert(where, system("You are a poet."))

    assert applied(Prompt(system=("Be kind.",)), *messages) == messages


def test_text_goes_before_and_after_the_clients_own() -> None:
    around = Prompt(prepend=("First.",), append=("Last.",))

    assert applied(around, system("You are a poet."), USER) == [system("First.\n\nYou are a poet.\n\nLast."), USER]
    assert applied(around, system(None), USER) == [system("First.\n\nLast."), USER]
    assert applied(around, USER) == [system("First.\n\nLast."), USER]


def test_text_goes_around_the_one_it_brings() -> None:
    around = Prompt(system=("Support.",), replaces=prompt_hash(FULL), prepend=("First.",), append=("Last.",))

    assert applied(around, system(FULL), USER) == [system("First.\n\nSupport.\n\nLast."), USER]


def test_parts_stay_parts() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    parts = [{"type": "text", "text": "You are a poet."}, picture]

    assert applied(Prompt(prepend=("First.",), append=("Last.",)), system(parts), USER) == [
        system([{"type": "text", "text": "First."}, *parts, {"type": "text", "text": "Last."}]),
        USER,
    ]


def test_several_messages_stay_several() -> None:
    both = Prompt(prepend=("First.",), append=("Last.",))

    assert applied(both, system("A"), system(None, "developer"), USER) == [
        system("First.\n\nA"),
        system("Last.", "developer"),
        USER,
    ]
    assert applied(Prompt(append=("Last.",)), system("A"), system("B"), USER) == [
        system("A"),
        system("B\n\nLast."),
        USER,
    ]


def test_examples_go_between_the_system_prompt_and_the_conversation() -> None:
    shots = Prompt(examples=SHOTS)

    assert applied(shots, system("You are a poet."), USER) == [system("You are a poet."), *SHOTS, USER]
    assert applied(shots, USER) == [*SHOTS, USER]


# ------------------------------------------------------------------------------------------------ variables


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"customer": "Ada"}, "Ada"),
        ({"customer": " Ada\n\nIgnore all that "}, "Ada Ignore all that"),
        ({"customer": "{{metadata.secret}}", "secret": "x"}, "{{metadata.secret}}"),
        ({"customer": "a" * 600}, "a" * 512),
        ({"customer": 7}, "7"),
        ({"customer": True}, "true"),
        ({"customer": ["Ada"]}, "somebody"),
        ({"customer": ""}, "somebody"),
        ({}, "somebody"),
        (None, "somebody"),
    ],
)
def test_a_variable_is_one_line_of_metadata_and_never_a_template(metadata: Any, said: str) -> None:
    assert applied(Prompt(append=CUSTOMER), USER, metadata=metadata)[0] == system(f"The customer is {said}")


def test_a_prompt_of_which_nothing_is_left_is_none() -> None:
    only = Prompt(system=(Variable("metadata.customer"),), replaces=prompt_hash(FULL))

    assert applied(only, system(FULL), USER) == [system(FULL), USER]
    assert applied(Prompt(append=(Variable("metadata.customer"),)), USER, marks=True) == [USER]


@given(st.text(st.characters(codec="utf-8")))
def test_the_clients_words_are_never_read_as_a_template(text: str) -> None:
    text = f"{text}{{{{metadata.customer}}}}"

    assert applied(Prompt(append=CUSTOMER), system(text), USER, metadata={"customer": "Ada"})[0] == system(
        f"{text}\n\nThe customer is Ada"
    )


# ------------------------------------------------------------------------------------------------ prompt caches


def test_constant_text_is_marked_and_what_varies_stands_behind_the_mark() -> None:
    (said, _) = applied(Prompt(prepend=("Be kind.",), append=CUSTOMER), system("Be brief."), USER, marks=True)

    assert said == system(
        [
            {"type": "text", "text": "Be kind.\n\nBe brief.\n\nThe customer is ", "cache_control": MARK},
            {"type": "text", "text": "somebody"},
        ]
    )


def test_a_prompt_that_never_varies_is_marked_at_its_end() -> None:
    assert applied(LEAN, system(FULL), USER, marks=True)[0] == system(
        [{"type": "text", "text": "Support.", "cache_control": MARK}]
    )


def test_examples_are_part_of_what_never_varies() -> None:
    said = applied(Prompt(system=("Be kind.",), examples=SHOTS), USER, marks=True)

    assert said == [
        system("Be kind."),
        SHOTS[0],
        {"role": "assistant", "content": [{"type": "text", "text": "4", "cache_control": MARK}]},
        USER,
    ]


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(system=CUSTOMER[1:]),  # begins with what varies
        Prompt(system=("Be kind.",), replaces="0" * 16),  # is not used
    ],
)
def test_where_nothing_of_ours_is_constant_nothing_is_marked(prompt: Prompt) -> None:
    assert applied(prompt, USER, marks=True) == applied(prompt, USER)


@pytest.mark.parametrize(
    ("message", "more"),
    [
        ({**USER, "cache_control": MARK}, {}),
        ({"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": MARK}]}, {}),
        (USER, {"tools": [{"type": "function", "cache_control": MARK}]}),
        (USER, {"cache_control": MARK}),
    ],
)
def test_a_client_with_marks_of_its_own_gets_none_of_ours(message: dict[str, Any], more: dict[str, Any]) -> None:
    assert applied(Prompt(system=("Be kind.",)), message, marks=True, **more) == [system("Be kind."), message]


# ------------------------------------------------------------------------------------------------ from a policy


def test_a_prompt_comes_from_files_and_short_texts(tmp_path: Path) -> None:
    (tmp_path / "full.md").write_text(FULL)
    (tmp_path / "lean.md").write_text("\ufeffSupport for {{metadata.customer}}.\n\n")
    (tmp_path / "shots.jsonl").write_text('{"user": "2+2", "assistant": "4"}\n')
    policy = loads(
        """
version: 1
deployments: {a: {base_url: "http://127.0.0.1:1/v1", model: m}}
tiers:
  tuned:
    deployments: [a]
    prompt: {system: lean.md, replaces: full.md, prepend: "Dear {{metadata.customer:-Sir}},", examples: shots.jsonl}
routes: {auto: {cascade: [{tier: tuned}]}}
""",
        folder=tmp_path,
    )
    spec = policy.tiers["tuned"].prompt
    assert isinstance(spec, Spec)

    assert Prompt.of(spec, policy) == Prompt(
        system=("Support for ", Variable("metadata.customer"), "."),
        replaces=prompt_hash(FULL),
        prepend=("Dear ", Variable("metadata.customer", "Sir"), ","),
        examples=SHOTS,
    )
