"""A response format from a file."""

from typing import Any

import orjson
import pytest

from router.policy.formats import FormatError, read

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "said",
    [
        {"type": "json_object"},
        {"type": "text"},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}},
    ],
)
def test_openais_own_object_is_taken_as_it_is(said: dict[str, Any]) -> None:
    assert read("a.json", b"\xef\xbb\xbf" + orjson.dumps(said)) == said


@pytest.mark.parametrize(
    "schema", [SCHEMA, {"properties": {}}, {"$schema": "https://json-schema.org/x"}, {"anyOf": []}]
)
def test_a_bare_schema_is_wrapped_and_gets_the_files_name(schema: dict[str, Any]) -> None:
    assert read("formats/triage v2.json", orjson.dumps(schema)) == {
        "type": "json_schema",
        "json_schema": {"name": "triage_v2", "schema": schema},
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"type: object", "is not JSON"),
        (b"[]", "is neither"),
        (b"{}", "is neither"),
        (b'{"type": "json"}', "is neither"),
        (b'{"type": "json_schema"}', "has a json_schema without name and schema"),
        (b'{"type": "json_schema", "json_schema": {"schema": {}}}', "has a json_schema without name and schema"),
    ],
)
def test_anything_else_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        read("a.json", content)
