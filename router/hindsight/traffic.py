"""Recorded requests, with what was learned about each of them later."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.records import Tally, read
from router.records.facts import Fact, gather

__all__ = ["Later", "Traffic"]


@dataclass(slots=True)
class Later:
    """Everything that was written down beside the requests themselves."""

    facts: Mapping[str, list[Fact]] = field(default_factory=dict)
    """What was learned about the quality of answers, by the request's id."""
    asides: list[Mapping[str, Any]] = field(default_factory=list)
    """Calls that no client waited for: shadows and judges."""
    plans: list[Mapping[str, Any]] = field(default_factory=list)
    """Policies that were in force, in order of time."""

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> "Later":
        """Sort records into what they are."""
        asides, plans, told = list[Mapping[str, Any]](), list[Mapping[str, Any]](), list[Mapping[str, Any]]()
        kinds = {"aside": asides, "plan": plans, "feedback": told, "evidence": told}
        for record in records:
            if (found := kinds.get(record["kind"])) is not None:
                found.append(record)
        return cls(gather(told), asides, sorted(plans, key=lambda plan: float(plan["time"])))


class Traffic:
    """A folder of records, read as often as it takes: it need not fit into memory."""

    def __init__(self, source: Path, since: float = 0.0) -> None:
        """Take the records under a folder, or in a file, from a moment on (seconds since 1970)."""
        self._source = source
        self._since = since
        self.tally = Tally()
        """Of the last reading of outcomes."""

    def outcomes(self) -> Iterator[Mapping[str, Any]]:
        """Yield every request.

        Raises:
            RecordsError: there are no records there.
        """
        self.tally = Tally()
        yield from read(self._source, self.tally, since=self._since, want=_is_outcome)

    def later(self) -> Later:
        """Return everything else.

        Raises:
            RecordsError: there are no records there.
        """
        return Later.of(read(self._source, Tally(), since=self._since, want=lambda line: not _is_outcome(line)))


def _is_outcome(line: bytes) -> bool:
    return b'"kind":"outcome"' in line
