"""What a JSON Schema says that can be held against a value while it is still being written.

A shape is a *necessary* condition: whatever a schema accepts has its shape. Types, enums, constants, properties,
required names and closed objects are in it; what is only decided at the end of a value (`not`, `if`, counts, patterns)
is left to the whole answer's check. Where a schema is not understood its shape is None: anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NEVER", "Shape", "shape_of"]

_DRAFTS = ("2020-12", "2019-09", "draft-07")
_OWN = frozenset({"type", "enum", "const", "properties", "required", "additionalProperties", "items"})
_DEEPEST = 8


@dataclass(slots=True, eq=False)
class Shape:
    """Filled once, while its schema is read (a schema may contain itself); never changed after that."""

    kinds: frozenset[str] | None = None
    """The JSON types a value may have; None: any. An `integer` here is a whole number however it is written."""
    among: frozenset[object] | None = None
    """The scalars a value may be, as `key` writes them."""
    names: dict[str, "Shape | None"] = field(default_factory=dict)
    closed: bool = False
    """Whether an object has no other names."""
    others: "Shape | None" = None
    """The shape of values under other names."""
    required: frozenset[str] = frozenset()
    items: "Shape | None" = None
    either: tuple["Shape | None", ...] = ()
    """A value has at least one of these shapes."""
    _narrow: dict[str, "Shape | None"] = field(default_factory=dict)

    def allows(self, kind: str) -> bool:
        """Whether a value of this type may be; a number that is being written may still turn out whole."""
        kinds = self.kinds
        return kinds is None or kind in kinds or (kind == "number" and "integer" in kinds)

    def narrow(self, kind: str, depth: int = 0) -> "Shape | None":
        """The shape of a value once its type is known: of alternatives the only one left, None when several are."""
        if not self.either:
            return self if self.allows(kind) else NEVER
        if kind not in self._narrow:
            self._narrow[kind] = self._alternative(kind, depth) if depth < _DEEPEST else None
        return self._narrow[kind]

    def _alternative(self, kind: str, depth: int) -> "Shape | None":
        left = [one.narrow(kind, depth + 1) if one else None for one in self.either]
        left = [one for one in left if one is not NEVER]
        if not left:
            return NEVER
        if len(left) == 1:
            return left[0]
        if kind in {"object", "array"}:
            return None
        known = [one.among for one in left if one is not None and one.among is not None]
        return Shape(among=frozenset[object]().union(*known)) if len(known) == len(left) else None

    def takes(self, value: object) -> bool:
        """Whether a finished scalar may be."""
        if self.kinds is not None and not _is(value, self.kinds):
            return False
        return self.among is None or key(value) in self.among


NEVER = Shape(kinds=frozenset())
"""What no value has."""


def key(value: object) -> object:
    """A scalar as JSON compares it: 1 and 1.0 are the same number, true is none."""
    return ("true or false", value) if isinstance(value, bool) else value


def _is(value: object, kinds: frozenset[str]) -> bool:
    match value:
        case None:
            return "null" in kinds
        case bool():
            return "boolean" in kinds
        case str():
            return "string" in kinds
        case int():
            return "integer" in kinds or "number" in kinds
        case float():
            return "number" in kinds or ("integer" in kinds and value.is_integer())
        case _:
            return True


def shape_of(schema: object) -> Shape | None:
    """Return the shape of what a schema accepts; None when that may be anything."""
    if isinstance(schema, Mapping) and not any(draft in schema.get("$schema", "2020-12") for draft in _DRAFTS):
        return None
    return None if _relocates(schema) else _Reading(schema).of(schema)


def _relocates(schema: object) -> bool:
    """Whether a schema inside another has an address of its own, so that references mean something else."""
    stack, depth = [schema], 0
    while stack:
        one = stack.pop()
        if isinstance(one, Mapping):
            if depth and ("$id" in one or "$anchor" in one):
                return True
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
        depth += 1
    return False


class _Reading:
    """One schema being read: each part once, however often it is referred to."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._made: dict[int, Shape | None] = {}

    def of(self, schema: object) -> Shape | None:
        """Return a part's shape."""
        if schema is False:
            return NEVER
        if not isinstance(schema, Mapping):
            return None
        schema = self._followed(schema)
        if not isinstance(schema, Mapping):
            return NEVER if schema is False else None
        if id(schema) not in self._made:
            shape = self._made[id(schema)] = Shape()
            self._fill(shape, schema)
        return self._made[id(schema)]

    def _followed(self, schema: Mapping[str, Any]) -> object:
        """What a schema refers to, or the first part of what it puts together, where it says little itself."""
        seen = set()
        found: object = schema
        while isinstance(found, Mapping) and id(found) not in seen:
            seen.add(id(found))
            if "$ref" in found:
                found = self._at(found["$ref"])
            elif found.get("allOf") and not _OWN & found.keys():
                found = found["allOf"][0] if isinstance(found["allOf"], list) else None
            else:
                return found
        return None if isinstance(found, Mapping) else found

    def _at(self, pointer: object) -> object:
        """What a reference inside the same schema points to; None for any other."""
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")) or "%" in pointer:
            return None
        found = self._root
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping):
                found = found.get(name)
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found

    def _fill(self, shape: Shape, schema: Mapping[str, Any]) -> None:
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(alternatives, list) and alternatives and not _OWN & schema.keys():
            shape.either = tuple(self.of(one) for one in alternatives)
            return
        kinds = schema.get("type")
        if isinstance(kinds, str):
            shape.kinds = frozenset({kinds})
        elif isinstance(kinds, list):
            shape.kinds = frozenset(kinds)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(values, list):
            self._among(shape, values)
        names = schema.get("properties")
        if isinstance(names, Mapping):
            shape.names = {name: self.of(one) for name, one in names.items()}
        required = schema.get("required")
        if isinstance(required, list):
            shape.required = frozenset(name for name in required if isinstance(name, str))
        if "additionalProperties" in schema and not schema.get("patternProperties"):
            shape.closed = schema["additionalProperties"] is False
            shape.others = None if shape.closed else self.of(schema["additionalProperties"])
        if "items" in schema and "prefixItems" not in schema:
            shape.items = self.of(schema["items"])

    @staticmethod
    def _among(shape: Shape, values: list[Any]) -> None:
        """Only these values: of scalars which ones, of objects and arrays that there are any."""
        shape.among = frozenset(key(one) for one in values if not isinstance(one, dict | list))
        kinds = {kind for one in values for kind in _kinds(one)}
        shape.kinds = frozenset(kinds) if shape.kinds is None else shape.kinds & (kinds | {"number"})


def _kinds(value: object) -> tuple[str, ...]:
    kinds: tuple[tuple[type | tuple[type, ...], tuple[str, ...]], ...] = (
        (bool, ("boolean",)),
        ((int, float), ("number", "integer")),
        (str, ("string",)),
        (dict, ("object",)),
        (list, ("array",)),
    )
    return next((names for type_, names in kinds if isinstance(value, type_)), ("null",))
