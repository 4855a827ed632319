"""What a field of a Messages request has to be, and what is said when it is something else.

A field that is null counts as absent. Places are told as Anthropic tells them: `messages.0.content.1.text`.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from router.chat import JSON_NAMES
from router.errors import BadRequest

__all__ = ["missing", "named", "optional", "refused", "required", "wrong"]

_Value = TypeVar("_Value", str, bool, int, dict[str, Any], list[Any])


def required(of: Mapping[str, Any], name: str, kind: type[_Value], within: str = "") -> _Value:
    """A field that has to be there; `within` is the place of what has it.

    Raises:
        BadRequest: it is missing, or of another kind.
    """
    value = optional(of, name, kind, within)
    if value is None:
        raise missing(named(within, name))
    return value


def optional(of: Mapping[str, Any], name: str, kind: type[_Value], within: str = "") -> _Value | None:
    """A field that may be there.

    Raises:
        BadRequest: it is of another kind.
    """
    value = of.get(name)
    if value is not None and type(value) is not kind:
        raise wrong(named(within, name), JSON_NAMES[kind], value)
    return value


def named(within: str, name: str | int) -> str:
    """The place of a field."""
    return f"{within}.{name}" if within else str(name)


def missing(where: str) -> BadRequest:
    """What is said of a field that has to be there."""
    return BadRequest(f"{where}: field required.", param=where, code="missing_required_parameter")


def wrong(where: str, expected: str, value: object) -> BadRequest:
    """What is said of a field of another kind."""
    message = f"{where}: expected {expected}, not {JSON_NAMES[type(value)]}."
    return BadRequest(message, param=where, code="invalid_type")


def refused(where: str, why: str, code: str | None = None) -> BadRequest:
    """What is said of a field that a chat completion cannot express; `why` says what to do instead."""
    return BadRequest(f"{where}: {why}.", param=where, code=code or "unsupported_parameter")
