"""What the design promises and this release does not do yet: refused with a sentence, never ignored.

Building a feature means deleting its row here and giving the schema its field.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from router import __version__
from router.policy.faults import Complaint
from router.policy.tree import matches
from router.policy.values import shown

CHECKS = ("refusal", "json_schema", "tool_calls", "confidence", "judge")
STORES = ("redis://", "rediss://", "redis+", "unix://", "embedded://")
RELEASE = "smallfirst " + ".".join(__version__.split(".")[:2])


def _whatever(_value: object) -> bool:
    return True


def _one_of(*words: str) -> Callable[[object], bool]:
    def is_one(value: object) -> bool:
        """Say yes to a word of the list, alone or with parameters: `judge` and `judge: {…}`."""
        word = next(iter(value), None) if isinstance(value, Mapping) else value
        return isinstance(word, str) and word in words

    return is_one


def _begins_with(*beginnings: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value.startswith(beginnings)


def _turned_on(value: object) -> bool:
    return value is True or isinstance(value, Mapping)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


@dataclass(frozen=True, slots=True)
class Row:
    """A field, or `only` some of its `values`, that is known and not built; `instead` says what to do meanwhile."""

    field: str
    instead: str = "remove it"
    values: Callable[[object], bool] | None = None
    only: str = ""


ROWS = (
    Row("deployments.*.tune"),
    Row("tiers.*.balance", "use least_busy", _one_of("affinity"), "`affinity`"),
    Row("tiers.*.checks.*", "remove it", _one_of(*CHECKS), ", ".join(f"`{check}`" for check in CHECKS)),
    Row("tiers.*.params.response_format", "write the object itself, or remove it", _is_text, "the name of a file"),
    Row("tiers.*.prompt"),
    Row("tiers.*.context"),
    Row("routes.*.cascade.*.below", "write a number from 0 to 1", _one_of("auto"), "`auto`"),
    Row("routes.*.cascade.*.share", "write `below` and a number from 0 to 1"),
    Row("routes.*.cascade.*.calibration"),
    Row("routes.*.calibration"),
    Row("routes.*.scope"),
    Row("routes.*.cache.exact", "write false, or remove it", _turned_on, "`true`, `{ttl: …}`"),
    Row("routes.*.objectives"),
    Row("routes.*.control"),
    Row("routes.*.shadow"),
    Row("routes.*.explore"),
    Row("cache.url", "use memory://", _begins_with(*STORES), "`redis://…`, `embedded://` and the like"),
    Row("records"),
    Row("prometheus"),
)


def complaints(tree: object) -> Iterator[Complaint]:
    """Yield a complaint for everything a policy uses that is not built yet."""
    for row in ROWS:
        for path, value in matches(tree, row.field):
            if (row.values or _whatever)(value):
                what = f"{_said(value)} is not built" if row.values else "not built"
                yield Complaint(path, f"{what} yet in {RELEASE}", row.instead)


def _said(value: object) -> str:
    """Return a value as it may be shown: an address may hold a password, so only its beginning."""
    if isinstance(value, str) and "://" in value:
        return shown(value.split("://")[0] + "://")
    if isinstance(value, Mapping):
        return shown(next(iter(value), ""))
    return shown(value)


def field_names(pattern: str) -> list[str]:
    """Return the known, not yet built fields of the block at a pattern."""
    above = f"{pattern}." if pattern else ""
    found = [row.field.removeprefix(above) for row in ROWS if row.field.startswith(above) and row.values is None]
    return [name for name in found if "." not in name]
