"""Numbers that several processes count together: each series has its place in memory that all of them share.

A sheet is one worker's part of that memory: it alone writes there, and everybody may read. So a scrape of any worker
shows the sum of all and waits for none, and what a worker has counted is still there after it was killed. The memory is
anonymous and goes to workers by fork: there is no folder that two servers could take from each other.

What is written belongs to one thread, the event loop's; reading and rendering are done there too, in slices.
"""

import mmap
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from math import isnan, nan
from typing import Any, Literal

import orjson

__all__ = ["Counter", "Family", "Gauge", "Histogram", "Metric", "Sample", "Series", "Sheets"]

_NAMES = 4 * 2**20
"""Bytes for the names of a worker's series; none of it is taken before it is used."""
_NUMBERS = 2**19
"""Numbers of a worker; a histogram takes one for each bucket and two more."""
_SHEET = mmap.PAGESIZE + _NAMES + 8 * _NUMBERS
_SLICE = 250
"""Lines that are made in one go."""
_SLICE_OF_NAMES = 2048
"""Bytes of names that are read in one go: a few dozen."""

Sample = tuple[str, dict[str, str], float]
"""A name, its labels, its value: one line of what Prometheus reads."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as it is declared and told in docs/metrics.md."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    across: Literal["sum", "max", "min"] = "sum"
    """What one gauge shows of several workers'."""

    @property
    def size(self) -> int:
        """How many numbers one of its series takes: for a histogram its buckets, that without end, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1


class _Sheet:
    """One worker's numbers and their names."""

    __slots__ = ("__weakref__", "head", "names", "numbers")

    def __init__(self, memory: memoryview) -> None:
        self.head = memory[: mmap.PAGESIZE].cast("q")
        self.names = memory[mmap.PAGESIZE : mmap.PAGESIZE + _NAMES]
        self.numbers = memory[mmap.PAGESIZE + _NAMES :].cast("d")

    @property
    def written(self) -> int:
        """Bytes of names so far."""
        return self.head[0]

    @property
    def taken(self) -> int:
        """Numbers that are taken."""
        return self.head[1]

    @property
    def alive(self) -> bool:
        """Whether somebody writes here."""
        return bool(self.head[2])

    def add(self, name: str, labels: Sequence[str], size: int) -> int | None:
        """Give a new series its place; None when there is no room."""
        line = orjson.dumps([name, labels, self.taken], option=orjson.OPT_APPEND_NEWLINE)
        at, end = self.taken, self.written + len(line)
        if end > _NAMES or at + size > _NUMBERS - _SPARE:
            return None
        self.names[self.written : end] = line
        self.head[1] = at + size
        self.head[0] = end  # last: now others may read it
        return at

    def entries(self, since: int, most: int = _NAMES) -> tuple[list[tuple[str, tuple[str, ...], int]], int]:
        """Some series that were added from byte `since` on (name, labels and place), and the byte they end at."""
        lines = bytes(self.names[since : min(self.written, since + most)])
        lines = lines[: lines.rfind(b"\n") + 1] or bytes(self.names[since : self.written])
        read = [orjson.loads(line) for line in lines.splitlines()]
        return [(name, tuple(labels), at) for name, labels, at in read], since + len(lines)


_SPARE = 64
"""Numbers at the end of a sheet into which series are counted for which there is no room."""


class Sheets:
    """The memory of so many workers, shared by every process that is forked after it was made."""

    def __init__(self, workers: int = 1) -> None:
        memory = memoryview(mmap.mmap(-1, workers * _SHEET))
        self._sheets = [_Sheet(memory[number * _SHEET : (number + 1) * _SHEET]) for number in range(workers)]

    def __len__(self) -> int:
        return len(self._sheets)

    def __getitem__(self, worker: int) -> _Sheet:
        return self._sheets[worker]

    def begins(self, worker: int) -> None:
        """A worker writes from now on."""
        self._sheets[worker].head[2] = 1

    def ended(self, worker: int) -> None:
        """A worker writes no more: what it has counted stays, what it has gauged goes."""
        self._sheets[worker].head[2] = 0


class Counter:
    """A number that goes up."""

    __slots__ = ("_at", "_numbers")

    def __init__(self, numbers: "memoryview[float]", at: int) -> None:
        self._numbers = numbers
        self._at = at

    def inc(self, by: float = 1.0) -> None:
        """Count one more, or so many."""
        self._numbers[self._at] += by


class Histogram:
    """How many values fell under each of its edges, and their sum."""

    __slots__ = ("_at", "_edges", "_numbers", "_sum")

    def __init__(self, numbers: "memoryview[float]", at: int, edges: tuple[float, ...]) -> None:
        self._numbers = numbers
        self._at = at
        self._edges = edges
        self._sum = at + len(edges) + 1

    def observe(self, value: float) -> None:
        """Count a value."""
        numbers = self._numbers
        numbers[self._at + bisect_left(self._edges, value)] += 1.0
        numbers[self._sum] += value


class Gauge:
    """A number that goes up and down; NaN while there is nothing to show."""

    __slots__ = ("_at", "_functions", "_numbers")

    def __init__(self, numbers: "memoryview[float]", at: int, functions: dict[int, Callable[[], float]]) -> None:
        self._numbers = numbers
        self._at = at
        self._functions = functions

    def set(self, value: float) -> None:
        """Show this from now on."""
        self._numbers[self._at] = value

    def set_function(self, function: Callable[[], float]) -> None:
        """Show what this gives whenever somebody looks."""
        self._functions[self._at] = function

    def clear(self) -> None:
        """Show nothing."""
        self._functions.pop(self._at, None)
        self._numbers[self._at] = nan


class Family:
    """A gauge's series by their label values; one without labels is its own only series."""

    def __init__(self, labels: Callable[..., Gauge]) -> None:
        self._made: dict[tuple[str, ...], Gauge] = {}
        self._make = labels

    def labels(self, *values: str) -> Gauge:
        """One series."""
        if (gauge := self._made.get(values)) is None:
            gauge = self._made[values] = self._make(*values)
        return gauge

    def set(self, value: float) -> None:
        """Show this from now on."""
        self.labels().set(value)

    def set_function(self, function: Callable[[], float]) -> None:
        """Show what this gives whenever somebody looks."""
        self.labels().set_function(function)

    def clear(self) -> None:
        """Show none of them."""
        for gauge in self._made.values():
            gauge.clear()


@dataclass(slots=True)
class _Found:
    """A series as somebody reads it: the beginnings of its lines, and its place on each sheet."""

    starts: list[str]
    samples: list[tuple[str, dict[str, str]]]
    places: list[tuple[_Sheet, int]] = field(default_factory=list)


class Series:
    """Every series of the metrics that were declared: written by one worker, read from all."""

    def __init__(self, metrics: Sequence[Metric], sheets: Sheets | None = None, worker: int = 0) -> None:
        """Write on the sheet of a worker; who takes over from one that has died goes on counting where it stopped."""
        self._metrics = {metric.name: metric for metric in metrics}
        self._sheets = Sheets() if sheets is None else sheets
        self._own = self._sheets[worker]
        self._places = {(name, labels): at for name, labels, at in self._own.entries(0)[0]}
        self._functions: dict[int, Callable[[], float]] = {}
        self._bases: dict[int, float] = {}
        self._read = [0] * len(self._sheets)
        self._found: dict[str, dict[tuple[str, ...], _Found]] = {metric.name: {} for metric in metrics}
        for (name, _), at in self._places.items():
            if self._metrics[name].kind == "gauge":
                self._own.numbers[at] = nan
        self._sheets.begins(worker)

    def counted(self, name: str) -> Callable[..., Any]:
        """A counter's or a histogram's series by their label values; each is looked up once."""
        metric, numbers = self._metrics[name], self._own.numbers
        if metric.kind == "counter":
            return cache(lambda *labels: Counter(numbers, self._place(name, labels)))
        return cache(lambda *labels: Histogram(numbers, self._place(name, labels), metric.buckets))

    def gauges(self, name: str) -> Family:
        """The like for a gauge, which shows nothing until it is set."""
        return Family(lambda *labels: Gauge(self._own.numbers, self._place(name, labels), self._functions))

    def count_with(self, name: str, function: Callable[[], float]) -> None:
        """Let a counter without labels show what somebody else counts from 0 in this process."""
        at = self._place(name, ())
        self._bases[at] = self._own.numbers[at]
        self._functions[at] = function

    def _place(self, name: str, labels: tuple[str, ...]) -> int:
        """Where the numbers of a series are; without any room left, where they disturb nobody."""
        if (at := self._places.get((name, labels))) is not None:
            return at
        metric = self._metrics[name]
        if len(labels) != len(metric.labels):
            raise ValueError(f"{name} has the labels {metric.labels}, not {labels}")
        at = self._own.add(name, labels, metric.size)
        if at is None:
            return _NUMBERS - _SPARE
        self._places[name, labels] = at
        if metric.kind == "gauge":
            self._own.numbers[at] = nan
        return at

    def refresh(self) -> None:
        """Write down what is only known when somebody asks, so that others can read it."""
        for at, function in self._functions.items():
            self._own.numbers[at] = self._bases.get(at, 0.0) + function()

    def parts(self) -> Iterator[bytes]:
        """Everything, as Prometheus reads it, in slices that each take a fraction of a millisecond."""
        yield from self._catch_up()
        lines: list[str] = []
        for name, metric in self._metrics.items():
            lines.append(f"# HELP {name} {_escaped(metric.help)}\n# TYPE {name} {metric.kind}\n")
            for found in list(self._found[name].values()):
                values = _values(metric, found)
                lines += [start + _number(value) for start, value in zip(found.starts, values, strict=False)]
                if len(lines) >= _SLICE:
                    yield "".join(lines).encode()
                    lines.clear()
        yield "".join(lines).encode()

    def samples(self) -> Iterator[tuple[Metric, list[Sample]]]:
        """Everything, metric by metric, as values."""
        list(self._catch_up())
        for name, metric in self._metrics.items():
            found = self._found[name].values()
            yield (
                metric,
                [
                    (*sample, value)
                    for one in found
                    for sample, value in zip(one.samples, _values(metric, one), strict=False)
                ],
            )

    def _catch_up(self) -> Iterator[bytes]:
        """Find the series that workers have added since the last look; gives nothing, after each slice of them."""
        self.refresh()
        for number in range(len(self._sheets)):
            sheet = self._sheets[number]
            while self._read[number] < sheet.written:
                entries, self._read[number] = sheet.entries(self._read[number], _SLICE_OF_NAMES)
                for name, labels, at in entries:
                    self._find(name, labels).places.append((sheet, at))
                yield b""

    def _find(self, name: str, labels: tuple[str, ...]) -> _Found:
        """A series as it is read, by whomever it is written."""
        if (one := self._found[name].get(labels)) is None:
            samples = list(_samples(self._metrics[name], labels))
            one = self._found[name][labels] = _Found([_start(*sample) for sample in samples], samples)
        return one


_ACROSS: Mapping[str, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min}


def _values(metric: Metric, found: _Found) -> list[float]:
    """The values of a series' lines over all workers; none for a gauge that nobody shows."""
    if metric.kind == "counter":
        return [sum([sheet.numbers[at] for sheet, at in found.places])]
    if metric.kind == "gauge":
        shown = [sheet.numbers[at] for sheet, at in found.places if sheet.alive]
        known = [value for value in shown if not isnan(value)]
        return [_ACROSS[metric.across](known)] if known else []
    columns = [sheet.numbers[at : at + metric.size].tolist() for sheet, at in found.places]
    summed = [sum(column) for column in zip(*columns, strict=True)]
    buckets = list(accumulate(summed[:-1]))
    return [*buckets, buckets[-1], summed[-1]]


def _samples(metric: Metric, labels: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Name and labels of each of a series' lines."""
    known = dict(zip(metric.labels, labels, strict=True))
    if metric.kind != "histogram":
        yield metric.name, known
        return
    for edge in (*[repr(edge) for edge in metric.buckets], "+Inf"):
        yield f"{metric.name}_bucket", {**known, "le": edge}
    yield f"{metric.name}_count", known
    yield f"{metric.name}_sum", known


def _start(name: str, labels: dict[str, str]) -> str:
    """A line up to its value."""
    inner = ",".join(f'{label}="{_escaped(value, quoted=True)}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inner}}} " if inner else f"{name} "


def _escaped(text: str, *, quoted: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quoted else text


def _number(value: float) -> str:
    return f"{value!r}\n" if value - value == 0 else f"{'+Inf' if value > 0 else '-Inf' if value < 0 else 'NaN'}\n"
