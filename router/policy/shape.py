"""Which fields a policy can have and where: read off the schema once, for suggestions and for the reference."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, get_args, get_origin

from pydantic.fields import FieldInfo

from router.policy.block import Block
from router.policy.schema import Policy
from router.policy.source import FieldPath


@cache
def fields() -> Mapping[str, FieldInfo]:
    """Return every field by its pattern, such as `deployments.*.timeout.connect`, in the order of the schema."""
    return dict(_fields_of(Policy, ""))


@cache
def blocks() -> frozenset[str]:
    """Return the patterns at which a block of named fields stands."""
    return frozenset(pattern.rpartition(".")[0] for pattern in fields())


def _fields_of(block: type[Block], pattern: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in block.model_fields.items():
        here = f"{pattern}.{name}" if pattern else name
        yield here, info
        for inner, suffix in _blocks_in(info.annotation):
            yield from _fields_of(inner, here + suffix)


def _blocks_in(annotation: object) -> Iterator[tuple[type[Block], str]]:
    """Yield the blocks an annotation holds, and `.*` for every mapping or list around them."""
    if isinstance(annotation, type) and issubclass(annotation, Block):
        yield annotation, ""
        return
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _blocks_in(inside[0])
        return
    step = ".*" if isinstance(origin, type) and issubclass(origin, Mapping | tuple) else ""
    for each in inside:
        for block, suffix in _blocks_in(each):
            yield block, step + suffix


def pattern_of(path: FieldPath) -> str:
    """Return the pattern of a path: `("tiers", "tuned", "hold")` is `tiers.*.hold`."""
    pattern = ""
    for part in path:
        named = f"{pattern}.{part}".removeprefix(".")
        pattern = named if named in fields() else f"{pattern}.*"
    return pattern


def names_at(pattern: str) -> list[str]:
    """Return the fields of the block at a pattern."""
    return [each.rpartition(".")[2] for each in fields() if each.rpartition(".")[0] == pattern]


def elsewhere(name: str) -> list[str]:
    """Return where a field of this name stands, as people read it, such as `deployments.NAME.timeout`."""
    return [readable(pattern) for pattern in fields() if pattern.rpartition(".")[2] == name]


def readable(pattern: str) -> str:
    """Write a pattern for people: a list's items as `[]`, a mapping's as `NAME`."""
    words: list[str] = []
    for part in pattern.split("."):
        above = ".".join(words)
        if part != "*":
            words.append(part)
        elif _is_list(fields()[above.replace("[]", ".*").replace(".NAME", ".*")].annotation):
            words[-1] += "[]"
        else:
            words.append("NAME")
    return ".".join(words)


def _is_list(annotation: object) -> bool:
    origin = get_origin(annotation)
    if origin is tuple:
        return True
    return not (isinstance(origin, type) and issubclass(origin, Mapping)) and any(map(_is_list, get_args(annotation)))
