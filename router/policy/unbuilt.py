"""What the design promises and this release does not do yet: refused with a sentence, never ignored.

Building a feature means deleting its row here and giving the schema its field.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from router import __version__
from router.policy.faults import Complaint
from router.policy.tree import matches

RELEASE = "smallfirst " + ".".join(__version__.split(".")[:2])


@dataclass(frozen=True, slots=True)
class Row:
    """A field, or `only` some of its values, that is known and not built; `instead` says what to do meanwhile.

    `said` returns how a fault names such a value, and nothing for a value that is built.
    """

    field: str
    instead: str = "remove it"
    only: str = ""
    said: Callable[[object], str] | None = None


ROWS: tuple[Row, ...] = ()


def complaints(tree: object) -> Iterator[Complaint]:
    """Yield a complaint for everything a policy uses that is not built yet."""
    for row in ROWS:
        for path, value in matches(tree, row.field):
            if row.said is None:
                yield Complaint(path, f"not built yet in {RELEASE}", row.instead)
            elif what := row.said(value):
                yield Complaint(path, f"{what} is not built yet in {RELEASE}", row.instead)


def field_names(pattern: str) -> list[str]:
    """Return the known, not yet built fields of the block at a pattern."""
    above = f"{pattern}." if pattern else ""
    found = [row.field.removeprefix(above) for row in ROWS if row.field.startswith(above) and row.said is None]
    return [name for name in found if "." not in name]
