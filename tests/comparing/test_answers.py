"""When two answers say the same."""

import timeit
from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import Choice, Completion
from router.comparing import Method, compare
from router.comparing.answers import SAME


def said(text: str) -> Completion:
    return Completion((Choice("stop", text),), None, None)


def calling(*calls: tuple[str, Any]) -> Completion:
    made = tuple({"id": f"c{i}", "function": {"name": name, "arguments": text}} for i, (name, text) in enumerate(calls))
    return Completion((Choice("tool_calls", tool_calls=made),), None, None)


@pytest.mark.parametrize(
    ("one", "other", "score", "method"),
    [
        ("42", "42.0", 1, "numeric"),
        ("$1,234", "1234", 1, "numeric"),
        ("The answer is **42**.", "so 6 * 7 = 42\n#### 42", 1, "numeric"),
        ("The answer is 42", "The answer is 43", 0, "numeric"),
        (r"thus \boxed{-3.5}", "−3.5", 1, "numeric"),
        ("5 kg", "5kg", 1, "numeric"),
        ("0.1", "0.10000001", 1, "numeric"),
        ('{"a": 1, "b": [1, 2]}', '```json\n{"b": [1, 2.0], "a": 1}\n```', 1, "json"),
        ('{"a": 1}', '{"a": 1, "b": null}', 0, "json"),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', 0, "json"),
        ('{"a": true}', '{"a": 1}', 0, "json"),
        ('{"a": 1}', "I cannot say.", 0, "json"),
        ('{"a": 1}', '{"a": 1', 0, "json"),
        ("Paris", "paris.", 1, "exact"),
        ("Yes", "No", 0, "exact"),
        ("...", "...", 1, "exact"),
        ("", "", 1, "exact"),
        ("東京", "東京。", 1, "exact"),
        ("one two three four five six", "one two three four five seven", 10 / 12, "f1"),
        ("one two three four five six", "", 0, "f1"),
        ("東京は日本の首都です", "日本の首都は東京です", 1, "f1"),
    ],
)
def test_the_method_follows_from_the_shape(one: str, other: str, score: float, method: Method) -> None:
    for first, second in ((one, other), (other, one)):
        compared = compare(said(first), said(second))
        assert compared.method == method
        assert compared.score == pytest.approx(score)


def test_an_operator_may_say_which_method() -> None:
    assert compare(said("we need 6 eggs, then 12"), said("it is 12"), "numeric").score == 1
    assert compare(said("no number here"), said("nor here"), "numeric").score == 0
    assert compare(said("Paris"), said("Paris, France"), "f1").score == pytest.approx(2 / 3)
    assert compare(said("Paris"), said("Paris, France"), "exact").score == 0
    assert compare(said("1"), said("[1]"), "json").score == 0


def test_calls_are_compared_as_calls_whatever_the_method() -> None:
    one = calling(("refund", '{"order": 7, "why": "late"}'), ("mail", "{}"))
    assert compare(one, calling(("mail", "{}"), ("refund", '{"why":"late","order":7.0}')), "f1").score == 1
    assert compare(one, calling(("refund", '{"order": 8, "why": "late"}'), ("mail", "{}"))).score == 0
    assert compare(one, said("I have sent the refund.")).score == 0
    assert compare(one, one).method == "tools"


@pytest.mark.parametrize("arguments", ["{", "", None, 7, {"a": {"b": 1}}, '{"a": NaN}'])
def test_calls_that_no_program_can_read_are_compared_all_the_same(arguments: Any) -> None:
    one = calling(("f", arguments))
    assert compare(one, one).score == 1
    assert compare(one, calling(("f", '{"x": 1}'))).score == 0


def test_a_call_of_the_old_kind_counts_too() -> None:
    old = Completion((Choice("function_call", tool_calls=({"name": "f", "arguments": "{}"},)),), None, None)
    assert compare(old, calling(("f", "{}"))).score == 1


def test_a_refusal_is_an_answer_of_its_own() -> None:
    refused = Completion((Choice("stop", refusal="I cannot help with that, sorry."),), None, None)
    assert compare(refused, refused).score == 1
    assert compare(refused, said("Mix both and stir well.")).score < SAME


texts = st.text(max_size=200) | st.sampled_from(["1e999", "{}", "[[", "```\n1\n```", "#### ", "answer: 1,23"])


@given(texts, texts, st.sampled_from([None, "exact", "json", "numeric", "f1"]))
def test_agreement_is_a_share_and_mutual(one: str, other: str, method: Method | None) -> None:
    score = compare(said(one), said(other), method).score
    assert 0 <= score <= 1
    assert score == compare(said(other), said(one), method).score


@given(texts)
def test_everything_agrees_with_itself(text: str) -> None:
    assert compare(said(text), said(text)).score == 1


@pytest.mark.parametrize(
    ("begin", "row", "end"),
    [
        ("The answer is", " ", "!"),
        ("The answer is", "\n", "42"),
        ("answer", " *", ""),
        ("####", "$", "x"),
        ("7", " ", "a b"),
        ("7", "*", "x"),
        ("", "*", "7x y"),
        ("7", "1", "x y"),
        ("```\n", "\n", "!"),
        ("```", "a", "```"),
        ("{", "{", ""),
        ("1", ",111", "x y"),
        ("", "answer ", ""),
    ],
)
def test_a_model_that_writes_without_end_takes_no_longer_than_its_text_is_long(begin: str, row: str, end: str) -> None:
    def seconds(size: int) -> float:
        one, other = said(begin + row * (size // len(row)) + end), said("42")
        return min(timeit.repeat(lambda: compare(one, other), timer=thread_time, number=1, repeat=3))

    assert seconds(60_000) < 40 * seconds(6_000)  # a hundred times as long, if it were squared
