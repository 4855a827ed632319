"""Is what came what was expected? Every difference as a sentence, so that one run tells them all."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["differences"]

_WORDS = frozenset({"regex", "absent", "any", "min", "max", "one_of", "without"})


def differences(expected: Any, actual: Any, where: str) -> Iterator[str]:
    """Yield how `actual` differs from what was expected.

    An object may have more fields than expected, a list has exactly the expected items, and instead of a value there
    may be `{regex: …}`, `{one_of: […]}`, `{min: …, max: …}`, `{without: …}`, `{any: true}` or, for a field that must
    not be there, `{absent: true}`.
    """
    if isinstance(expected, Mapping) and expected and expected.keys() <= _WORDS:
        yield from _in_words(expected, actual, where)
    elif isinstance(expected, Mapping):
        yield from _in_object(expected, actual, where)
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            yield f"{where}: expected {len(expected)} items {expected!r}, got {actual!r}"
            return
        for i, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one, other, f"{where}[{i}]")
    elif expected != actual or isinstance(expected, bool) is not isinstance(actual, bool):
        yield f"{where}: expected {expected!r}, got {actual!r}"


def _in_object(expected: Mapping[str, Any], actual: Any, where: str) -> Iterator[str]:
    """Compare field by field."""
    if not isinstance(actual, Mapping):
        yield f"{where}: expected an object, got {actual!r}"
        return
    for name, value in expected.items():
        if value == {"absent": True}:
            if name in actual:
                yield f"{where}.{name}: should not be there, is {actual[name]!r}"
        elif name not in actual:
            yield f"{where}.{name}: missing; there are {', '.join(map(str, actual)) or 'none'}"
        else:
            yield from differences(value, actual[name], f"{where}.{name}")


def _in_words(expected: Mapping[str, Any], actual: Any, where: str) -> Iterator[str]:
    """Compare with `{regex: …}` and its like."""
    if "regex" in expected and not (isinstance(actual, str) and re.search(expected["regex"], actual)):
        yield f"{where}: expected /{expected['regex']}/, got {actual!r}"
    if "one_of" in expected and actual not in expected["one_of"]:
        yield f"{where}: expected one of {expected['one_of']!r}, got {actual!r}"
    if "without" in expected and isinstance(actual, str) and expected["without"] in actual:
        yield f"{where}: should not hold {expected['without']!r}: {actual!r}"
    if {"min", "max"} & expected.keys():
        low, high = expected.get("min", float("-inf")), expected.get("max", float("inf"))
        if not isinstance(actual, int | float) or not low <= actual <= high:
            yield f"{where}: expected a number from {low} to {high}, got {actual!r}"
