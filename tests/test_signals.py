"""The facts of a request, and whose facts they are."""

import tracemalloc
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import ChatRequest
from router.policy.routes import Language
from router.signals import SUBJECT_LIMIT, clip, content, prompt_hash, read, subject

QUESTION = "Explain in detail how the Banach fixed-point theorem gives existence and uniqueness for this equation."


def request(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    return ChatRequest({"messages": list(messages), **fields}, model="auto")


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_counts_of_a_plain_question() -> None:
    facts = read(request(user("Is 12 + 30 = 42?\nDo not guess.")))
    assert (facts.characters, facts.words, facts.lines, facts.digits) == (30, 9, 2, 6)
    assert (facts.maths, facts.questions, facts.negations, facts.turns) == (2, 1, 1, 1)
    assert (facts.tools, facts.images, facts.system, facts.language, facts.pii) == (0, 0, None, "latin", frozenset())


def test_half_a_character_is_no_question() -> None:
    assert read(request(user("Is it 1, or \ud800?"))).questions == 1


def test_yes_inherits_what_it_says_yes_to() -> None:
    text = subject(request(user(QUESTION), assistant("Shall I go on?"), user("yes")))
    assert text == f"{QUESTION}\nShall I go on?\nyes"


def test_a_long_last_turn_stands_for_itself() -> None:
    assert subject(request(user("hello"), assistant("hi"), user(QUESTION))) == QUESTION


def test_tool_results_belong_to_the_turn_that_asked() -> None:
    turn = request(user(QUESTION), assistant(""), {"role": "tool", "content": "x" * 9_000, "tool_call_id": "1"})
    assert subject(turn) == QUESTION
    assert read(turn).tool_results == 1


def test_the_system_prompt_is_not_the_subject() -> None:
    turn = request({"role": "system", "content": "Be brief.  Be\n kind."}, user("hello"))
    assert subject(turn) == "hello"
    assert read(turn).system == prompt_hash("Be brief. Be kind.")
    assert len(prompt_hash("")) == 16


def test_a_conversation_without_a_user_is_about_its_last_message() -> None:
    assert subject(request(assistant("first"), assistant(QUESTION))) == QUESTION


def test_parts_are_read_and_counted() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "text"},
    ]
    facts = read(request({"role": "user", "content": parts}))
    assert (facts.images, facts.audio, facts.characters) == (1, 1, len("What is this?"))
    assert facts.tokens > 1_000


def test_tools_schema_and_tokens() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"description": "d" * 4_000}}}
    facts = read(request(user("x" * 400), tools=[tool], response_format={"type": "json_schema", "json_schema": {}}))
    assert facts.tools == 1
    assert facts.json_schema
    assert 1_100 < facts.tokens < 1_200
    assert not read(request(user("x"), response_format={"type": "text"})).json_schema


def test_tokens_are_never_capped() -> None:
    assert read(request(user("x" * 4_000_000))).tokens == 1_000_004


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the capital of France?", "latin"),
        ("Où est la bibliothèque ?", "latin"),
        ("Let α and β be angles of a triangle with three equal sides; find both of them.", "latin"),
        ("Какой город столица Франции?", "cyrillic"),
        ("法国的首都是哪里？", "cjk"),
        ("フランスの首都はどこですか", "cjk"),
        ("프랑스의 수도는 어디입니까", "hangul"),
        ("ما هي عاصمة فرنسا؟", "arabic"),
        ("ฝรั่งเศสมีเมืองหลวงชื่ออะไร", "thai"),
        ("Ποια είναι η πρωτεύουσα;", "greek"),
        ("😀😀😀😀😀😀😀😀", "latin"),
    ],
)
def test_language_by_script(text: str, language: str) -> None:
    assert read(request(user(text))).language == language


def test_a_prompt_too_long_to_be_remembered_is_not_and_has_a_fingerprint_all_the_same() -> None:
    long = "a  " * 100_000
    tracemalloc.start()
    try:
        assert prompt_hash(long) == prompt_hash(long.replace("  ", " "))
        assert tracemalloc.get_traced_memory()[0] < len(long) / 2
    finally:
        tracemalloc.stop()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_policy_knows_every_language_there_can_be(text: str) -> None:
    assert read(request(user(text))).language in get_args(Language)


def test_personal_data_are_looked_for_in_history_and_tool_calls_and_only_on_request() -> None:
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "pay", "arguments": '{"iban": "DE89370400440532013000"}'},
    }
    turn = request(
        user("my mail is a@b.io"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "paid with 4111111111111111"},
        user("thanks"),
    )
    assert read(turn, pii=True).pii == {"email", "iban", "card"}
    assert read(turn).pii == frozenset()


def test_personal_data_and_tokens_in_what_a_custom_tool_was_given_are_seen() -> None:
    called = {"id": "c", "type": "custom", "custom": {"name": "mail", "input": "to ann@example.com " + "x" * 400}}
    turn = request({"role": "user", "content": "ok"}, {"role": "assistant", "tool_calls": [called]})
    assert read(turn, pii=True).pii == {"email"}
    assert read(turn).tokens > 100


def test_a_long_text_is_read_at_both_ends() -> None:
    clipped = clip("a" * 50_000 + "b")
    assert len(clipped) == SUBJECT_LIMIT + 1
    assert clipped.endswith("b")


SCALAR = st.sampled_from([None, True, 7, "", "text", "4111111111111111", "\ud800"])
JSON = SCALAR | st.lists(SCALAR, max_size=2) | st.dictionaries(st.sampled_from(["function", "custom", "name"]), SCALAR)
PART = st.dictionaries(st.sampled_from(["type", "text", "image_url"]), JSON, max_size=3)
MESSAGE = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "user", "assistant", "tool", "developer", "?"]),
        "content": SCALAR.filter(lambda value: not isinstance(value, int)) | st.lists(PART, max_size=3),
    },
    optional={"tool_calls": JSON | st.lists(JSON, max_size=2), "function_call": JSON, "refusal": JSON},
)


@given(st.lists(MESSAGE, min_size=1, max_size=4))
def test_nothing_a_client_sends_breaks_reading(messages: list[dict[str, Any]]) -> None:
    facts = read(request(*messages), pii=True)
    assert facts.tokens >= 0
    assert isinstance(content(messages[0]), str)
