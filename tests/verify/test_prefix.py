"""JSON that is still being written: what no ending can repair is known, what one could is not called broken."""

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.verify.prefix import JsonPrefix
from router.verify.schemas import ready
from router.verify.shapes import shape_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"])
SCHEMA: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.builds(lambda kind: {"type": kind}, TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True))
    | st.builds(lambda values: {"enum": values}, st.lists(JSON, min_size=1, max_size=3))
    | st.builds(lambda value: {"const": value}, JSON)
    | st.just({"$ref": "#/$defs/it"})
    | st.just({}),
    lambda inner: (
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"oneOf": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"allOf": parts}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda items: {"items": items}, inner)
        | st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3)},
            optional={
                "type": st.just("object"),
                "required": st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
                "additionalProperties": inner,
                "patternProperties": st.just({"^b": {}}),
            },
        )
    ),
    max_leaves=6,
)


def read(text: str, size: int = 1, **more: Any) -> str | None:
    prefix = JsonPrefix(**{"shape": None, **more})
    reasons = (prefix.feed(text[at : at + size]) for at in range(0, len(text), size))
    return next((reason for reason in reasons if reason), None)


@given(JSON, st.integers(1, 9), st.booleans())
def test_no_json_is_broken_however_it_is_split(value: object, size: int, indented: bool) -> None:  # noqa: FBT001
    assert read(orjson.dumps(value, option=orjson.OPT_INDENT_2 if indented else None).decode(), size) is None


@given(st.text(alphabet='{}[]",:\\ntrue19.-eu0 \n', max_size=14), st.integers(1, 3))
def test_what_reads_as_json_is_never_called_broken(text: str, size: int) -> None:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    assert read(text, size) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Sure", 0),
        ("{'a'", 1),
        ("{a", 1),
        ('{"a" 1', 5),
        ('{"a":,', 5),
        ('{"a":1,}', 7),
        ("[1,]", 3),
        ("[1 2", 3),
        ("[1}", 2),
        ('{"a":1]', 6),
        ("{} x", 3),
        ("{}{", 2),
        ('"a\nb"', 2),
        (r'"\x', 2),
        (r'"\u12g', 5),
        (r'{"\ud800":1}', 8),
        ("[01,", 3),
        ("[1.,", 3),
        ("[--", 3),
        ("tru3", 3),
        ("[truth", 4),
        ("[nul]", 4),
        ("+1", 0),
        ("[1e999,", 6),
        ("}", 0),
        ("]", 0),
    ],
)
def test_it_breaks_where_nothing_can_repair_it(text: str, at: int) -> None:
    assert read(text[:at]) is None
    assert read(text) == ("not_json" if text != "[--" else None)
    assert read(text, 99) == read(text)


def test_a_code_fence_is_told_apart() -> None:
    assert read("\n```json") == "fenced"
    assert read('{"a": `') == "not_json"


@pytest.mark.parametrize(
    ("schema", "text", "reason"),
    [
        ({"type": "object"}, "[", "schema"),
        ({"type": "object"}, '"', "schema"),
        ({"type": "object"}, "12 ", "schema"),
        ({"type": "object"}, "null", "schema"),
        ({"type": "integer"}, "1.0 ", None),
        ({"type": "integer"}, "1.5 ", "schema"),
        ({"enum": ["ab", 1]}, '"ab"', None),
        ({"enum": ["ab", 1]}, '"a\\u0062"', None),
        ({"enum": ["ab", 1]}, '"a"', "schema"),
        ({"enum": ["ab", 1]}, "1.0 ", None),
        ({"enum": ["ab", 1]}, "true", "schema"),
        ({"enum": ["ab"]}, "{", "schema"),
        ({"const": [1]}, "[2]", None),
        ({"properties": {"a": {"type": "null"}}}, '{"a": 1', None),
        ({"properties": {"a": {"type": "null"}}}, '{"a": 1,', "schema"),
        ({"properties": {"a": False}}, '{"a": ', None),
        ({"properties": {"a": False}}, '{"a": [', "schema"),
        ({"additionalProperties": False}, '{"b"', "schema"),
        ({"additionalProperties": {"type": "string"}}, '{"b": [', "schema"),
        ({"required": ["a"]}, '{"b": 1}', "schema"),
        ({"required": ["a"]}, '{"\\u0061": 1}', None),
        ({"items": {"type": "string"}}, "[1,", "schema"),
        ({"items": {"type": "string"}}, '["a", "b"', None),
        ({"anyOf": [{"type": "null"}, {"items": {"type": "integer"}, "type": "array"}]}, '["', "schema"),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, '"', "schema"),
        ({"anyOf": [{"const": 1}, {"const": 2}]}, "3 ", "schema"),
        ({"anyOf": [{"const": 1}, {"type": "integer"}]}, "3 ", None),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "{}", None),
        ({"$ref": "#/$defs/l", "$defs": {"l": {"type": "array", "items": {"$ref": "#/$defs/l"}}}}, "[[[1,", "schema"),
    ],
)
def test_what_does_not_have_the_shape(schema: dict[str, Any], text: str, reason: str | None) -> None:
    assert read(text, shape=shape_of(schema)) == reason
    assert read(text, 99, shape=shape_of(schema)) == reason


@given(SCHEMA, SCHEMA, JSON, st.integers(1, 9))
def test_what_a_schema_accepts_is_never_called_broken(one: Any, other: Any, value: object, size: int) -> None:
    schema = {"allOf": [one], "$defs": {"it": other}}

    if ready(schema).accepts(value):
        assert read(orjson.dumps(value).decode() + " ", size, shape=shape_of(schema)) is None


def test_numbers_are_compared_as_json_compares_them() -> None:
    assert not math.isnan(orjson.loads("1e3"))
    assert read("1e3 ", shape=shape_of({"enum": [1000]})) is None
