"""How single values of a policy are written and read: durations, sizes, numbers, names, addresses, patterns.

Each reader takes what YAML gave, returns the value the house uses, or raises with a sentence that says what to write.
The sentences are ours, word for word: `faults` passes them on untouched.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self, cast
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from router.patterns import PatternError, compiled

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
LONGEST_SECONDS = 3650 * 86400.0
LARGEST_COUNT = 2**53  # beyond it, JSON readers in other languages lose digits

_DURATION = re.compile(r"(\d+(?:\.\d+)?(?:ms|s|m|h|d))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"(\d{1,15})\s?(B|kB|MB|GB|KiB|MiB|GiB)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@+-]{0,63}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_EXPANSION = r"\$\{"
_SHOWN = 60


class Expanded(str):
    """Text that came out of `${…}`: it may stand for a number, and faults show how it was written, never its value."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, value: str, written: str) -> Self:
        """Keep the expanded value together with what the policy said."""
        made = super().__new__(cls, value)
        made.written = written
        return made


def wrong(sentence: str) -> PydanticCustomError:
    """Return the error that carries one finished sentence through pydantic."""
    return PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})


def shown(value: object) -> str:
    """Return how a fault shows a value somebody wrote: short, and never what an environment variable held."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value.written if isinstance(value, Expanded) else value
        return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
    return f"{value}"


def _unquoted(value: object) -> object:
    """Let `${MAX}` stand where a number or true/false is wanted."""
    if not isinstance(value, Expanded):
        return value
    text = value.strip()
    if text in {"true", "false"}:
        return text == "true"
    try:
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) else float(text)
    except ValueError:
        return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_text(value: object) -> str:
    """Read text that is not empty."""
    if isinstance(value, str) and value.strip():
        return str(value)
    if isinstance(value, bool | int | float):
        raise wrong(f'must be text; put it in quotes: "{shown(value)}"')
    raise wrong(f"must be text; got {shown(value)}")


def read_name(value: object) -> str:
    """Read a name that is safe in headers, metrics and addresses."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return str(value)
    raise wrong(
        f"a name is 1 to 64 letters, digits or . _ / @ + - beginning with a letter or digit; got {shown(value)}"
    )


def read_secret(value: object) -> str | None:
    """Read a secret without ever showing it; empty text is no secret."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if text and not (text.isascii() and text.isprintable()):
            raise wrong("holds a character that no HTTP header can carry, such as a line end or an accent")
        return text or None
    raise wrong("must be text; put it in quotes, or better write ${VARIABLE}")


def read_flag(value: object) -> bool:
    """Read true or false."""
    plain = _unquoted(value)
    if isinstance(plain, bool):
        return plain
    raise wrong(f"must be true or false; got {shown(value)}")


def read_count(value: object) -> int:
    """Read a whole number from 1."""
    return _whole(value, lowest=1)


def read_index(value: object) -> int:
    """Read a whole number from 0."""
    return _whole(value, lowest=0)


def _whole(value: object, *, lowest: int) -> int:
    plain = _unquoted(value)
    if isinstance(plain, int) and not isinstance(plain, bool) and lowest <= plain <= LARGEST_COUNT:
        return plain
    raise wrong(f"must be a whole number, {lowest} or more; got {shown(value)}")


def read_share(value: object) -> float:
    """Read a number from 0 to 1."""
    plain = _unquoted(value)
    if _is_number(plain) and 0 <= cast("float", plain) <= 1:
        return float(cast("float", plain))
    raise wrong(f"must be a number from 0 to 1; got {shown(value)}")


def read_below(value: object) -> object:
    """Read a threshold: a number from 0 to 1, or `auto`."""
    if value == "auto":
        return "auto"
    try:
        return read_share(value)
    except PydanticCustomError:
        raise wrong(f"must be a number from 0 to 1, or 'auto'; got {shown(value)}") from None


def read_logprob(value: object) -> float:
    """Read the logarithm of a probability."""
    plain = _unquoted(value)
    if _is_number(plain) and cast("float", plain) <= 0:
        return float(cast("float", plain))
    raise wrong(f"must be the logarithm of a probability, 0 or less; got {shown(value)}")


def read_usd(value: object) -> float:
    """Read an amount of US dollars."""
    plain = _unquoted(value)
    if _is_number(plain) and cast("float", plain) >= 0:
        return float(cast("float", plain))
    raise wrong(f"must be a number of US dollars, 0 or more; got {shown(value)}")


def read_duration(value: object) -> float:
    """Read seconds, as a number or as text such as 250ms, 30s, 15m, 1h30m, 7d."""
    plain = _unquoted(value)
    if isinstance(plain, str) and _DURATION.fullmatch(plain):
        plain = sum(float(number) * UNITS[unit] for number, unit in _DURATION_PART.findall(plain))
    if not _is_number(plain):
        raise wrong(f"must be a number of seconds or a duration such as 30s; got {shown(value)}")
    seconds = float(cast("float", plain))
    if not 0 < seconds <= LONGEST_SECONDS:
        raise wrong(f"must be longer than 0 and at most 3650d; got {shown(value)}")
    return seconds


def read_size(value: object) -> int:
    """Read bytes, as a number or as text such as 512KiB or 64MiB."""
    plain = _unquoted(value)
    if isinstance(plain, str) and (match := _SIZE.fullmatch(plain)):
        plain = int(match[1]) * BYTES[match[2]]
    if isinstance(plain, int) and not isinstance(plain, bool) and 1 <= plain <= LARGEST_COUNT:
        return plain
    raise wrong(f"must be a number of bytes or a size such as 64MiB; got {shown(value)}")


def read_header_name(value: object) -> str:
    """Read a header's name, in small letters as the server sees it."""
    if isinstance(value, str) and _HEADER.fullmatch(value):
        return value.lower()
    raise wrong(f"not the name of a header; got {shown(value)}")


def read_pattern(value: object) -> str:
    """Read a regular expression whose search is bounded."""
    pattern = read_text(value)
    try:
        compiled(pattern)
    except PatternError as error:
        raise wrong(str(error)) from error
    return pattern


def read_base_url(value: object) -> str:
    """Read the address of an OpenAI-compatible server, without a slash at the end."""
    text = read_text(value).rstrip("/")
    if "@" in text.partition("://")[2].partition("/")[0]:  # first of all: other faults are told with the address
        raise wrong("an address must not hold a user or password; give the key as api_key: ${VARIABLE}")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
        if host and ":" not in host:
            host.encode("idna")  # as whoever connects does
    except ValueError as error:
        raise wrong(f"its host or port cannot be read; got {shown(value)}") from error
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", text) or not text.isprintable():
        raise wrong(f"must be an address with a host, such as http://127.0.0.1:8001/v1; got {shown(value)}")
    if parts.query or parts.fragment:
        raise wrong(f"an address must not have '?' or '#'; got {shown(value)}")
    if parts.path.endswith("/completions"):
        raise wrong(f"the address ends before the endpoint: leave out '/chat/completions'; got {shown(value)}")
    return text


def read_json(value: object) -> Any:
    """Read whatever JSON can say; what it cannot say is refused here rather than at the first request."""
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case int() if abs(value) < LARGEST_COUNT:
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [read_json(item) for item in value]
        case Mapping():
            return {str(name): read_json(item) for name, item in value.items()}
        case _:
            raise wrong(f"not a value JSON can hold; got {shown(value)}")


def read_object(value: object) -> dict[str, Any]:
    """Read a free JSON object."""
    if not isinstance(value, Mapping):
        raise wrong(f"must be a mapping of names to values; got {shown(value)}")
    return cast("dict[str, Any]", read_json(value))


def read_hold(value: object) -> object:
    """Read a number of chunks, or `all`."""
    if value in ("all", None):
        return value
    try:
        return read_index(value)
    except PydanticCustomError:
        raise wrong(f"must be a number of chunks, 0 or more, or 'all'; got {shown(value)}") from None


def read_difficulty(value: object) -> object:
    """Read a constant from 0 to 1, or text: `builtin` or the file of a model."""
    plain = _unquoted(value)
    if isinstance(plain, str) and plain.strip():
        return str(plain)
    if _is_number(plain) and 0 <= cast("float", plain) <= 1:
        return float(cast("float", plain))
    raise wrong(f"must be 'builtin', a model file or a number from 0 to 1; got {shown(value)}")


def read_flag_or_names(value: object) -> object:
    """Read true, false, or a list of names."""
    plain = _unquoted(value)
    if isinstance(plain, bool):
        return plain
    if isinstance(plain, list | tuple) and plain:
        return tuple(read_text(item) for item in plain)
    raise wrong(f"must be true, false or a list of tool names; got {shown(value)}")


def _typed(read: Callable[[object], object], **schema: object) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(read), WithJsonSchema(dict(schema))


def _or_expansion(**schema: object) -> dict[str, object]:
    return {"anyOf": [schema, {"type": "string", "pattern": _EXPANSION}]}


_NUMBER_OR_TEXT = [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]

Text = Annotated[str, *_typed(read_text, type="string", minLength=1)]
Name = Annotated[str, *_typed(read_name, type="string", pattern=f"^{_NAME.pattern}$")]
Secret = Annotated[str | None, *_typed(read_secret, type="string"), Field(repr=False, exclude=True)]
Flag = Annotated[bool, *_typed(read_flag, **_or_expansion(type="boolean"))]
Count = Annotated[int, *_typed(read_count, **_or_expansion(type="integer", minimum=1))]
Index = Annotated[int, *_typed(read_index, **_or_expansion(type="integer", minimum=0))]
Share = Annotated[float, *_typed(read_share, **_or_expansion(type="number", minimum=0, maximum=1))]
LogProbability = Annotated[float, *_typed(read_logprob, **_or_expansion(type="number", maximum=0))]
Usd = Annotated[float, *_typed(read_usd, **_or_expansion(type="number", minimum=0))]
Duration = Annotated[float, *_typed(read_duration, anyOf=_NUMBER_OR_TEXT)]
Size = Annotated[int, *_typed(read_size, anyOf=_NUMBER_OR_TEXT)]
HeaderName = Annotated[str, *_typed(read_header_name, type="string", pattern=f"^{_HEADER.pattern}$")]
Pattern = Annotated[str, *_typed(read_pattern, type="string", format="regex")]
BaseUrl = Annotated[str, *_typed(read_base_url, type="string")]
JsonObject = Annotated[dict[str, Any], *_typed(read_object, type="object")]
