"""The text of `/metrics` as numbers that can be added up, and subtracted from a later reading."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Self

__all__ = ["Reading"]

_LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)(?: \d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_COUNTED = ("_total", "_bucket", "_sum", "_count")

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Every sample, by its name and then its labels."""

    samples: Mapping[str, Mapping[Labels, float]]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what Prometheus would; lines that are no samples are left out."""
        samples: dict[str, dict[Labels, float]] = {}
        for line in text.splitlines():
            if found := _LINE.fullmatch(line):
                value = _number(found["value"])
                if value is not None:
                    labels = frozenset((name, _plain(said)) for name, said in _LABEL.findall(found["labels"] or ""))
                    samples.setdefault(found["name"], {})[labels] = value
        return cls(samples)

    def since(self, earlier: Self) -> Self:
        """Give what was counted between two readings; gauges stay as they are now.

        A counter that went down began again at 0, because its process did.
        """
        kept = {
            name: {
                labels: _gained(value, earlier.samples.get(name, {}).get(labels, 0.0)) for labels, value in now.items()
            }
            if name.endswith(_COUNTED)
            else now
            for name, now in self.samples.items()
        }
        return type(self)(kept)

    def has(self, name: str) -> bool:
        """Whether there is such a metric."""
        return name in self.samples

    def total(self, name: str, **where: str) -> float:
        """Add up a metric over everything that is not named."""
        return sum(value for _, value in self._matching(name, where))

    def by(self, name: str, *labels: str, **where: str) -> dict[tuple[str, ...], float]:
        """Add up a metric for each combination of some labels, in their order."""
        sums: dict[tuple[str, ...], float] = {}
        for found, value in self._matching(name, where):
            key = tuple(dict(found).get(label, "") for label in labels)
            sums[key] = sums.get(key, 0.0) + value
        return dict(sorted(sums.items()))

    def quantile(self, share: float, histogram: str, **where: str) -> float | None:
        """Estimate the value that this share of a histogram's observations does not exceed, as Prometheus does."""
        buckets = sorted((_edge(key[0]), count) for key, count in self.by(f"{histogram}_bucket", "le", **where).items())
        if not buckets or not buckets[-1][1]:
            return None
        wanted = share * buckets[-1][1]
        below, under = 0.0, 0.0
        for edge, count in buckets:
            if count >= wanted:
                inside = count - under
                return below if edge == inf else below + (edge - below) * ((wanted - under) / inside if inside else 1.0)
            below, under = edge, count
        return below

    def _matching(self, name: str, where: Mapping[str, str]) -> Iterator[tuple[Labels, float]]:
        wanted = frozenset(where.items())
        return ((labels, value) for labels, value in self.samples.get(name, {}).items() if wanted <= labels)


def _gained(now: float, before: float) -> float:
    return now if now < before else now - before


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _edge(text: str) -> float:
    value = _number(text)
    return inf if value is None else value


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: {"n": "\n"}.get(found[1], found[1]), text)
