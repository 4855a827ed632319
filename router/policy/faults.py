"""What is wrong with a policy, where, and what to write instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from typing_extensions import override

from router.policy.source import FieldPath, Place

MISSING = "is missing"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One sentence about one place; `line` 0 means the file or folder as a whole."""

    file: str
    line: int
    field: str
    message: str
    suggestion: str = ""

    @override
    def __str__(self) -> str:
        """Spell it as `policies/support.yaml:14 tiers.tuned.chekcs: unknown field; did you mean 'checks'?`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        field = f" {self.field}" if self.field else ""
        suggestion = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}{field}: {self.message}{suggestion}"


class Fault(Finding):
    """Something that keeps a policy from being used."""

    __slots__ = ()


class Caution(Finding):
    """Something that is allowed and probably not meant."""

    __slots__ = ()


class Note(Finding):
    """Something that is meant, and that whoever means it should know more about."""

    __slots__ = ()


class PolicyError(Exception):
    """A policy that cannot be used, with every fault it has; `str()` is one fault per line, by file and line."""

    def __init__(self, faults: Iterable[Fault], files: Iterable[Path] = ()) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        self.files = frozenset(files)
        """Every file that was read or missed on the way to them, for whoever watches for a better policy."""
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Complaint:
    """A fault whose file and line are those of its field, unless it has a place; `meant` names the field to write."""

    path: FieldPath
    message: str
    suggestion: str = ""
    meant: str = ""
    place: Place | None = None


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, or nothing when none is close."""
    names = {each.lower(): each for each in known}
    close = get_close_matches(name.lower().replace("-", "_"), names, n=1) or get_close_matches(name.lower(), names, n=1)
    return names[close[0]] if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean 'checks'?` for the closest known name, or nothing when none is close."""
    close = closest(name, known)
    return f"did you mean '{close}'?" if close else ""
