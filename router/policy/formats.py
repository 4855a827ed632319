"""A response format that a tier imposes, from a JSON file: OpenAI's own object, or a bare JSON Schema."""

import re
from pathlib import PurePath
from typing import Any

import orjson

__all__ = ["FormatError", "read"]

_KINDS = ("text", "json_object", "json_schema")


class FormatError(ValueError):
    """A file holds no response format."""


def read(name: str, content: bytes) -> dict[str, Any]:
    """Return a `response_format`; a bare schema is wrapped and gets the file's name.

    Raises:
        FormatError: it is neither OpenAI's object nor a JSON Schema of an object.
    """
    try:
        said = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise FormatError(f"is not JSON: {error}") from error
    match said:
        case {"type": "json_schema", "json_schema": {"name": str(), "schema": dict()}} | {
            "type": "text" | "json_object"
        }:
            return dict(said)
        case {"type": kind} if kind in _KINDS:
            raise FormatError("has a json_schema without name and schema")
        case {"type": "object"} | {"$schema": str()} | {"properties": dict()} | {"anyOf": list()}:
            title = re.sub(r"[^A-Za-z0-9_-]", "_", PurePath(name).stem)[:64]
            return {"type": "json_schema", "json_schema": {"name": title, "schema": said}}
        case _:
            raise FormatError("is neither a response_format of OpenAI's nor a JSON Schema")
