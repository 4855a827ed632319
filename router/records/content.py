"""What was asked and answered, as far as a policy lets records keep it.

`none` keeps nothing, which is the default. `redacted` replaces e-mail addresses, card numbers and IBANs, and leaves out
what cannot be searched for them: images, audio, data URLs. It does not know names, streets or telephone numbers: what
is redacted is less personal, not anonymous. `full` keeps everything.
"""

from typing import Any, Final, Literal

import orjson

from router.chat import ChatRequest, Completion
from router.pii import redacted

__all__ = ["MOST", "Content", "shown", "size_of", "text"]

Content = Literal["none", "redacted", "full"]

MOST: Final = 1024 * 1024
"""Bytes of content, about, beyond which none of it is kept."""

_REMOVED: Final = "[removed]"
_UNSEARCHABLE: Final = frozenset({"data", "file_data", "b64_json"})
"""Fields whose text is no text."""
_ALWAYS: Final = ("model", "stream", "stream_options", "user", "safety_identifier", "prompt_cache_key")
"""Fields of a request that say who asked or how the answer travelled, not what was asked."""
_DEEPEST: Final = 64


def size_of(tokens: int, answer: Completion | None) -> int:
    """About how many bytes a content has: `tokens` as signals estimate them, four bytes each."""
    said = sum(len(choice.content) + len(choice.refusal) for choice in answer.choices) if answer else 0
    return 4 * tokens + said


def shown(content: Content, request: ChatRequest, answer: Completion | None) -> dict[str, Any]:
    """The request's body and the answer's choices, as JSON values."""
    asked = {name: value for name, value in request.body.items() if name not in _ALWAYS}
    choices = [
        {
            "finish_reason": choice.finish_reason,
            "content": choice.content or None,
            "refusal": choice.refusal or None,
            "tool_calls": choice.tool_calls or None,
        }
        for choice in (answer.choices if answer else ())
    ]
    kept = {"request": asked, "answer": choices or None}
    return _searched(kept, _DEEPEST) if content == "redacted" else kept


def text(content: Content, said: str | None) -> str | None:
    """What may be kept of one text, such as a correction."""
    if said is None or content == "none":
        return None
    return redacted(said) if content == "redacted" else said


def within(line: bytes, content: dict[str, Any]) -> bytes:
    """A line with content in it, as its last field."""
    return line[:-2] + b',"content":' + orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS) + b"}\n"


def _searched(value: Any, deep: int) -> Any:
    """A copy without personal data, names of fields apart."""
    match value:
        case str():
            return _REMOVED if value[:5].lower() == "data:" else redacted(value)
        case dict() if deep:
            return {
                name: _REMOVED if name in _UNSEARCHABLE and isinstance(each, str) else _searched(each, deep - 1)
                for name, each in value.items()
            }
        case list() | tuple() if deep:
            return [_searched(each, deep - 1) for each in value]
        case dict() | list() | tuple():
            return _REMOVED
        case int() if not isinstance(value, bool):
            return _REMOVED if redacted(str(value)) != str(value) else value  # a card number need not be in quotes
        case _:
            return value
