"""The environment and small files in a policy's text."""

import pytest

from router.policy.expansion import Expansion
from router.policy.values import Expanded

FILES = {"key": "sk-1\r\n", "two": "a\nb\n"}


def expanded(value: object, **env: str) -> tuple[object, list[str]]:
    expansion = Expansion(env, FILES.get)
    result = expansion.expand(value)
    return result, [complaint.message for complaint in expansion.complaints]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain $5 {x}", "plain $5 {x}"),
        ("${A}", "one"),
        ("http://${A}:${B}/v1", "http://one:/v1"),
        ("${C:-two}", "two"),
        ("${B:-two}", "two"),
        ("${A:-two}", "one"),
        ("${C:-}", ""),
        ("${C:-http://h:1/x}", "http://h:1/x"),
        ("$${A}", "${A}"),
        ("${file:key}", "sk-1"),
        ("${file:two}", "a\nb"),
    ],
)
def test_texts_are_expanded(written: str, value: str) -> None:
    assert expanded(written, A="one", B="") == (value, [])


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${C}", "environment variable C is not set"),
        ("${}", "cannot read '${}'"),
        ("${C-x}", "cannot read '${C-x}'"),
        ("${1}", "cannot read '${1}'"),
        ("x${A", "'${' without '}'"),
        ("${file:none}", "no readable text file 'none'"),
    ],
)
def test_what_cannot_be_expanded(written: str, message: str) -> None:
    assert expanded(written, A="one")[1] == [message]


def test_bytes_that_are_no_text_are_refused() -> None:
    assert expanded("${A}", A="\udcff") == ("", ["${A} holds bytes that are not text"])


def test_values_everywhere_and_names_nowhere() -> None:
    value = {"${A}": ["${A}", 3, None, {"x": "${A}"}]}

    assert expanded(value, A="one") == ({"${A}": ["one", 3, None, {"x": "one"}]}, [])


def test_an_expanded_text_remembers_how_it_was_written() -> None:
    result, _ = expanded("${A}", A="one")

    assert isinstance(result, Expanded)
    assert result.written == "${A}"


def test_a_value_cannot_change_what_is_around_it() -> None:
    assert expanded({"model": "${A}"}, A="m\napi_key: stolen") == ({"model": "m\napi_key: stolen"}, [])
