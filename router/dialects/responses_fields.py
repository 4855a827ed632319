"""Reads the fields of a Responses request, and refuses what does not fit in OpenAI's words."""

from collections.abc import Iterable, Mapping
from typing import Any

from router.chat import wrong_type
from router.errors import BadRequest, names

__all__ = ["empty", "missing", "objects", "string", "unknown", "unsupported"]


def missing(where: str) -> BadRequest:
    """What is said of a field that has to be there."""
    return BadRequest(f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter")


def empty(where: str, expected: str) -> BadRequest:
    """What is said of an array that has to hold something."""
    return BadRequest(f"Invalid '{where}': empty array. Expected {expected}.", param=where, code="empty_array")


def unknown(where: str, value: object, known: Iterable[str]) -> BadRequest:
    """What is said of a value that nobody knows."""
    message = f"Invalid value: '{value}'. Supported values of '{where}' are {names(sorted(known))}."
    return BadRequest(message, param=where, code="invalid_value")


def unsupported(where: str, sentence: str, *, value: bool = False) -> BadRequest:
    """What is said of a field, or a field's value, that this proxy cannot honour: what it is, and what to do."""
    return BadRequest(sentence, param=where, code="unsupported_value" if value else "unsupported_parameter")


def string(holder: Mapping[str, Any], name: str, where: str) -> str:
    """A field that has to be a string, of the object that stands at `where`.

    Raises:
        BadRequest: it is not there, or something else.
    """
    value = holder.get(name)
    if isinstance(value, str):
        return value
    raise missing(f"{where}.{name}") if value is None else wrong_type(f"{where}.{name}", "a string", value)


def objects(value: object, where: str) -> list[dict[str, Any]]:
    """An array of objects.

    Raises:
        BadRequest: it is something else, or holds something else.
    """
    if not isinstance(value, list):
        raise wrong_type(where, "an array of objects", value)
    for i, one in enumerate(value):
        if not isinstance(one, dict):
            raise wrong_type(f"{where}[{i}]", "an object", one)
    return value
