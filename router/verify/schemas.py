"""JSON Schemas of clients, made ready once: the whole validation, and the shape that a stream is held against.

Whole values are validated by jsonschema-rs (docs/decisions/0004-json-schema.md: 1.5 µs an answer, no code made from a
stranger's schema, bounded patterns and recursion). References lead nowhere but into the schema itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from router.verify.shapes import Shape, shape_of

__all__ = ["Schema", "load_library", "ready"]

_MOST_KEPT = 256
_LONGEST_KEPT = 32 * 1024
"""Bytes of a schema that is remembered; a longer one is made ready anew each time."""
_MOST_PARTS = 20_000
"""Parts of a schema, each counted as often as references lead to it: beyond, making it ready could take seconds."""
_BACKTRACKING = 100_000
"""Steps a pattern with look-around may take; others need none."""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """What a value must be."""

    accepts: Callable[[Any], bool]
    shape: Shape | None


ANYTHING = Schema(lambda _: True, None)
"""What a schema comes to that is none, or too elaborate: the upstream's to judge, and JSON for us."""


def load_library() -> None:
    """Import what validates now (20 ms, 7 MB), for policies that need it, so that their first request need not wait."""
    import jsonschema_rs  # noqa: F401


def ready(schema: object) -> Schema:
    """Make a schema ready; equal schemas are made ready once, while they are in use."""
    try:
        raw = orjson.dumps(schema)
    except orjson.JSONEncodeError:  # nested too deeply
        return ANYTHING
    return _kept(raw) if len(raw) <= _LONGEST_KEPT else _made(orjson.loads(raw))


@lru_cache(maxsize=_MOST_KEPT)
def _kept(raw: bytes) -> Schema:
    return _made(orjson.loads(raw))


def _made(schema: Any) -> Schema:
    import jsonschema_rs

    if not isinstance(schema, dict | bool) or _too_elaborate(schema):
        return ANYTHING
    try:
        validator = jsonschema_rs.validator_for(
            schema,
            validate_formats=True,
            retriever=_nowhere,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKING),
        )
    except (ValueError, jsonschema_rs.ReferencingError):
        return ANYTHING
    return Schema(validator.is_valid, shape_of(schema))


def _nowhere(address: str) -> Any:
    """Fetch nothing: a stranger's schema must not make us open files and addresses."""
    raise ValueError(f"not fetched: {address}")


def _too_elaborate(schema: object) -> bool:
    """Whether references multiply a schema beyond measure; circles are walked once."""
    defined: dict[str, object] = {"#": schema}
    if isinstance(schema, dict):
        for group in ("$defs", "definitions"):
            inside = schema.get(group)
            if isinstance(inside, dict):
                defined |= {f"#/{group}/{name}": one for name, one in inside.items()}
    left = _MOST_PARTS
    stack: list[tuple[object, frozenset[str]]] = [(schema, frozenset())]
    while stack and left:
        left -= 1
        part, inside_of = stack.pop()
        if isinstance(part, dict):
            target = part.get("$ref")
            if isinstance(target, str) and target in defined and target not in inside_of:
                stack.append((defined[target], inside_of | {target}))
            stack.extend((one, inside_of) for name, one in part.items() if name not in {"$defs", "definitions"})
        elif isinstance(part, list):
            stack.extend((one, inside_of) for one in part)
    return bool(stack)
