"""Where counters are read: from a Prometheus that scrapes every replica, or from this process alone."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from router.control import Window
from router.loop.reading import NAMES, Reading, window
from router.loop.remote import Prometheus
from router.metrics import Metrics
from router.plan import Route

__all__ = ["FromPrometheus", "Own", "Source"]

_SEEN: Final = "router_inflight"
"""What every process always shows: how often it was scraped tells of gaps."""
_ENOUGH: Final = 0.9


class Source(Protocol):
    """Where windows come from."""

    def note(self, now: float) -> None:
        """Remember the counters of this moment, if nobody else does."""
        ...

    async def window(self, route: Route, since: float, until: float) -> Window:
        """Return what happened to a route between two moments.

        Raises:
            Unreachable: it cannot be known.
        """
        ...


class FromPrometheus:
    """Every replica's counters, as a Prometheus scraped them."""

    def __init__(self, prometheus: Prometheus, match: Mapping[str, str]) -> None:
        """Read series that have these labels besides their own."""
        self._prometheus = prometheus
        self._match = "".join(f",{name}={_quoted(value)}" for name, value in match.items())

    def note(self, now: float) -> None:
        """It remembers by itself."""

    async def window(self, route: Route, since: float, until: float) -> Window:
        """Return what happened to a route between two moments."""
        before, after = await self._read(route, since), await self._read(route, until)
        return window(route, before, after, await self._gap(route, since, until))

    async def _read(self, route: Route, at: float) -> Reading:
        names = "|".join(sorted(NAMES))
        query = f'{{__name__=~"{names}",route={_quoted(route.name)}{self._match}}}'
        points = await self._prometheus.query(query, at)
        return Reading.of(
            at,
            (
                (point.labels.get("__name__", ""), _without_name(point.labels), point.value)
                for point in points
                if point.labels.get("__name__") in NAMES
            ),
        )

    async def _gap(self, route: Route, since: float, until: float) -> str:
        """Whether a process restarted, or scrapes are missing: fewer of a process than in the window before."""
        length = f"[{max(1, round((until - since) * 1000))}ms]"
        resets = f"resets(router_requests_total{{route={_quoted(route.name)}{self._match}}}{length}) > 0"
        if await self._prometheus.query(resets, until):
            return "a process restarted: a counter was set back"
        query = f"count_over_time({_SEEN}{{{self._match.removeprefix(',')}}}{length})"
        before = {_who(point.labels): point.value for point in await self._prometheus.query(query, since)}
        after = {_who(point.labels): point.value for point in await self._prometheus.query(query, until)}
        missing = [who for who, count in before.items() if after.get(who, 0.0) < _ENOUGH * count - 1]
        return f"scrapes of {len(missing)} of {len(before)} processes are missing" if missing else ""


class Own:
    """This process's own counters, remembered for as long as a window may reach back."""

    def __init__(self, metrics: Metrics, *, longest: Callable[[], float]) -> None:
        self._metrics = metrics
        self._longest = longest
        self._readings: deque[Reading] = deque()

    def note(self, now: float) -> None:
        """Remember the counters of this moment."""
        self._readings.append(Reading.of(now, self._metrics.samples(_METRICS)))
        while len(self._readings) > 1 and self._readings[1].at <= now - self._longest():
            self._readings.popleft()

    async def window(self, route: Route, since: float, until: float) -> Window:
        """Return what happened to a route, from the last look before `since` to the last before `until`."""
        before, after = self._at(since), self._at(until)
        return window(route, _of(route, before or Reading(since, {})), _of(route, after or Reading(until, {})))

    def _at(self, moment: float) -> Reading | None:
        return next((each for each in reversed(self._readings) if each.at <= moment), None)


_METRICS: Final = frozenset(
    name.removesuffix("_bucket") if name.endswith("_bucket") else name.removesuffix("_sum") for name in NAMES
)


def _of(route: Route, reading: Reading) -> Reading:
    mine = ("route", route.name)
    return Reading(
        reading.at, {key: value for key, value in reading.series.items() if mine in key[1] and key[0] in NAMES}
    )


def _without_name(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "__name__"}


def _who(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_without_name(labels).items()))


def _quoted(text: str) -> str:
    """A string as PromQL has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
