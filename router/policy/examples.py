"""Example turns for a prompt, in JSON Lines: read once at load, so that a bad line is a fault and not a bad answer."""

from collections.abc import Iterator
from typing import Any

import orjson

__all__ = ["ExamplesError", "read"]

_ROLES = ("user", "assistant", "tool")


class ExamplesError(ValueError):
    """A file of examples cannot be used; the message begins with the line."""


def read(content: bytes) -> tuple[dict[str, Any], ...]:
    """Return the messages of every line, in order.

    A line is `{"user": "…", "assistant": "…"}`, or `{"messages": […]}` with whole messages of user, assistant and tool
    that begin with a user's and end with an assistant's.

    Raises:
        ExamplesError: a line is something else, or there is none.
    """
    messages: list[dict[str, Any]] = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if line.strip():
            messages += _turns(line, f"line {number}")
    if not messages:
        raise ExamplesError("has no examples")
    return tuple(messages)


def _turns(line: bytes, where: str) -> Iterator[dict[str, Any]]:
    try:
        turn = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ExamplesError(f"{where}: not JSON: {error}") from error
    match turn:
        case {"user": str(asked), "assistant": str(answered), **rest} if not rest:
            yield {"role": "user", "content": asked}
            yield {"role": "assistant", "content": answered}
        case {"messages": [*messages], **rest} if messages and not rest:
            _check(messages, where)
            yield from messages
        case _:
            raise ExamplesError(f'{where}: neither {{"user": "…", "assistant": "…"}} nor {{"messages": […]}}')


def _check(messages: list[Any], where: str) -> None:
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise ExamplesError(f"{where}: a message is of user, assistant or tool; the rest belongs into `system`")
        content = message.get("content")
        if not isinstance(content, str | list) and not message.get("tool_calls"):
            raise ExamplesError(f"{where}: a message without content")
    if messages[0]["role"] != "user" or messages[-1]["role"] != "assistant":
        raise ExamplesError(f"{where}: an example begins with a user's message and ends with an assistant's")
