"""Finding one's way in plain values by patterns such as `routes.*.cascade.*.tier`, whatever shape they really have."""

from collections.abc import Iterator, Mapping

from router.policy.source import FieldPath


def matches(tree: object, pattern: str) -> Iterator[tuple[FieldPath, object]]:
    """Yield path and value of every place a pattern names; `*` is any name or index; what is not there is skipped."""
    yield from _descend(tree, tuple(pattern.split(".")), ())


def _descend(value: object, pattern: tuple[str, ...], path: FieldPath) -> Iterator[tuple[FieldPath, object]]:
    if not pattern:
        yield path, value
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(value, Mapping):
        names = list(value) if head == "*" else [head] if head in value else []
        for name in names:
            yield from _descend(value[name], rest, (*path, name))
    elif isinstance(value, list) and head == "*":
        for index, item in enumerate(value):
            yield from _descend(item, rest, (*path, index))


def texts(tree: object, pattern: str) -> Iterator[tuple[FieldPath, str]]:
    """Yield what `matches` finds, if it is text."""
    for path, value in matches(tree, pattern):
        if isinstance(value, str):
            yield path, value


def names(tree: object, pattern: str) -> list[str]:
    """Return the names in every mapping a pattern finds, in order."""
    return [name for _, value in matches(tree, pattern) if isinstance(value, Mapping) for name in value]
