"""Frozen values that are made as fast as those that are not.

A frozen dataclass fills itself field by field through `object.__setattr__`, which takes ten times as long as an
assignment; some twenty values with 150 fields are made of one request. `swift` gives it another way in: until it is
full, a new value is of a class of the same slots that may be assigned to. From then on it is as frozen as any.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

__all__ = ["swift"]

Value = TypeVar("Value", bound=type)

_BECOME: Callable[[object, type], None] = object.__dict__["__class__"].__set__


def swift(frozen: Value) -> Value:
    """Let a class that is `@dataclass(frozen=True, slots=True)`, of whatever fields, make its instances fast.

    It stays what it is to everybody: its signature, its defaults, `replace`, equality. It is not to be inherited from.
    """
    cls: Any = frozen
    filling = type(cls.__name__, (), {"__slots__": cls.__slots__})
    given = [each for each in fields(cls) if each.init]
    known = {"_become": _BECOME, "_filling": filling, "_frozen": cls, "_MISSING": MISSING}
    known |= {f"_default_{each.name}": _default(each) for each in given}
    source = [
        f"def __init__(self, {', '.join(_parameter(each) for each in given)}):",
        "_become(self, _filling)",
        *(f"self.{each.name} = {_value(each)}" for each in given),
        "self.__class__ = _frozen",
    ]
    exec("\n ".join(source), known)  # noqa: S102  as dataclasses does: the names are those of the class's own fields
    made: Any = known["__init__"]
    made.__qualname__, made.__annotations__ = cls.__init__.__qualname__, cls.__init__.__annotations__
    cls.__init__ = made
    return frozen


def _default(field: "Field[Any]") -> object:
    return field.default if field.default_factory is MISSING else field.default_factory


def _parameter(field: "Field[Any]") -> str:
    """How a field is named among the parameters; one that is made anew each time is known by its absence."""
    if field.default_factory is not MISSING:
        return f"{field.name}=_MISSING"
    return field.name if field.default is MISSING else f"{field.name}=_default_{field.name}"


def _value(field: "Field[Any]") -> str:
    """What is assigned to a field."""
    if field.default_factory is MISSING:
        return field.name
    return f"_default_{field.name}() if {field.name} is _MISSING else {field.name}"
