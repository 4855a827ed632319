"""Texts with variables: what is one, what is not, and that filling runs nothing."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy.templates import TemplateError, Variable, constant, fill, of_metadata, parse


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("", ()),
        ("plain", ("plain",)),
        ("Dear {{metadata.name}}!", ("Dear ", Variable("metadata.name"), "!")),
        ("{{ metadata.name }}", (Variable("metadata.name"),)),
        ("{{metadata.a.b-c_d:-the client}}", (Variable("metadata.a.b-c_d", "the client"),)),
        (r"\{{metadata.name}} and \{% if %}", ("{{metadata.name}} and {% if %}",)),
        ('{"a": {"b": {}}}', ('{"a": {"b": {}}}',)),
        ("a }} b %} c { { d", ("a }} b %} c { { d",)),
    ],
)
def test_what_is_a_variable(text: str, template: object) -> None:
    assert parse(text, of_metadata) == template


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\n{{user}}", "line 2: '{{user}}' is no variable"),
        ("{{metadata.}}", "line 1: '{{metadata.}}' is no variable"),
        ("{{metadata.name", "line 1: '{{metadata.name' is no variable"),
        ("{{metadata.a b}}", "line 1: '{{metadata.a b}}' is no variable"),
        ("{{metadata.__class__()}}", r"known here: {{metadata.NAME}}; write \{{ for itself"),
        (
            "{% for x in y %}",
            r"line 1: '{% for x in y %}' is no variable; known here: {{metadata.NAME}}; write \{% for",
        ),
        ("{{" + "x" * 100 + "}}", "x…' is no variable"),
    ],
)
def test_anything_else_that_looks_like_one_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(text, of_metadata)
    assert sentence in str(caught.value)


def test_filling_puts_values_in_and_runs_nothing() -> None:
    template = parse("{{metadata.a}} {{metadata.b:-none}}", of_metadata)

    assert fill(template, {"metadata.a": "{{metadata.b}} ${x} {0} %s"}) == "{{metadata.b}} ${x} {0} %s none"


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_without_braces_is_itself(text: str) -> None:
    text = text.replace("{", "(")

    assert fill(parse(text, of_metadata), {}) == text


@given(st.text(st.sampled_from("{}%\\ metadata.x:-\n")))
def test_every_text_is_a_template_or_a_fault(text: str) -> None:
    with suppress(TemplateError):
        assert set(fill(parse(text, of_metadata), {})) <= set(text)


def test_constant_is_what_comes_before_the_first_variable() -> None:
    assert constant(parse("Dear {{metadata.a}}, dear {{metadata.b}}", of_metadata)) == "Dear "
    assert constant(parse("{{metadata.a}}", of_metadata)) == constant(()) == ""
