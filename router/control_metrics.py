"""What control reads and what it says, as metrics: judged answers by band, objectives, moves of thresholds."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from router.meters import CONTROL
from router.outcome import Evidence
from router.plan import Plan, Route
from router.series import Series

__all__ = ["ControlMetrics"]

_SUMS: Final = ("weight", "weight_sq", "weighted", "weighted_sq")
_BANDS: Final = tuple(str(band) for band in range(10))

_LEADER_S: Final = (
    "router_threshold_proven",
    "router_control_evidence",
    "router_objective",
    "router_objective_measured",
    "router_objective_violated",
    "router_drift",
)
"""What only the replica that moves thresholds knows."""
_REASONS: Final = ("quality", "latency", "escalations", "cost", "cheaper", "set", "rollback", "reset")
_BY_HAND: Final = ("set", "rollback", "reset")
_VERDICTS: Final = ("moved", "proposed", "frozen", "kept", "missed", "unmeasured")


class ControlMetrics:
    """Counts what is learned about answers, and shows what control does with it."""

    def __init__(self, series: Series) -> None:
        """Write into these series."""
        self._gauges = {one.name: series.gauges(one.name) for one in CONTROL if one.kind == "gauge"}
        self._judged = [series.counted(f"router_quality_{name}_total") for name in _SUMS]
        self._changes = series.counted("router_threshold_changes_total")
        self._windows = series.counted("router_control_windows_total")
        self._routes: Mapping[str, Route] = {}
        self._shown: dict[str, dict[tuple[str, ...], float | None]] = {}

    def serve(self, plan: Plan, frozen: Callable[[str], bool]) -> None:
        """Say which plan is in force from now on; `frozen` is asked about its routes whenever somebody looks.

        What control knows of a route that is steered as before is known still; of any other it is not.
        """
        before, shown = self._routes, self._shown
        self._routes = plan.routes
        self.ends()
        for name, values in shown.items():
            now, was = plan.routes.get(name), before.get(name)
            if now is not None and now.steering is not None and was is not None and now.state == was.state:
                self.shows(name, values)
        self._gauges["router_threshold_frozen"].clear()
        for route in plan.routes.values():
            for reason in _BY_HAND if len(route.cascade) > 1 else ():
                self._changes(route.name, reason)
            if route.steering is not None:
                self._gauges["router_threshold_frozen"].labels(route.name).set_function(partial(frozen, route.name))
                self._begin_at_nothing(route)

    def judged(self, evidence: Evidence) -> None:
        """Count what was learned about an answer, if it is about the tiers that answer now.

        One that its checks do not accept is worth as much as the last tier's, which is what its client gets.
        """
        route, band = self._routes.get(evidence.route), evidence.band
        if route is None or route.state != evidence.state or band is None:
            return
        last, weight = route.cascade[-1].tier.name, evidence.weight
        start = evidence.start or evidence.tier  # what came of starting there, whoever answered in the end
        score = evidence.score if evidence.passed or evidence.reference is None else evidence.reference
        if evidence.measure == "agreement":
            self._judge((route.name, start, str(band), "disagreement"), weight, 1 - score)
            return
        self._judge((route.name, start, str(band), "quality"), weight, score)
        if (reference := evidence.reference) is not None and start != last:
            self._judge((route.name, last, str(band), "quality"), weight, reference)
            self._judge((route.name, start, str(band), "loss"), weight, max(0.0, reference - score))
            self._judge((route.name, start, str(band), "gain"), weight, max(0.0, score - reference))

    def _judge(self, labels: tuple[str, str, str, str], weight: float, value: float) -> None:
        for counter, by in zip(self._judged, (weight, weight**2, weight * value, (weight * value) ** 2), strict=True):
            counter(*labels).inc(by)

    def _begin_at_nothing(self, route: Route) -> None:
        """Let counters that control reads begin at 0, so that what is counted first is not taken for history."""
        first, last = route.cascade[0].tier.name, route.cascade[-1].tier.name
        for band in _BANDS:
            for tier, measures in ((first, ("quality", "loss", "gain")), (last, ("quality",))):
                for measure in measures:
                    self._judge((route.name, tier, band, measure), 0.0, 0.0)
        for reason in _REASONS:
            self._changes(route.name, reason)
        for verdict in _VERDICTS:
            self._windows(route.name, verdict)

    def shows(self, route: str, values: Mapping[tuple[str, ...], float | None]) -> None:
        """Show what control knows of a route: values by metric and further labels; None shows nothing."""
        self._shown.setdefault(route, {}).update(values)
        for (name, *labels), value in values.items():
            gauge = self._gauges[name].labels(route, *labels)
            if value is None:
                gauge.clear()
            else:
                gauge.set(value)

    def ends(self) -> None:
        """Show nothing any more of what only the replica that moves thresholds knows."""
        self._shown = {}
        for name in _LEADER_S:
            self._gauges[name].clear()

    def leads(self, *, leads: bool) -> None:
        """Show whether this replica moves thresholds."""
        self._gauges["router_control_leads"].set(float(leads))

    def window(self, route: str, verdict: str) -> None:
        """Count a window that control judged."""
        self._windows(route, verdict).inc()

    def changed(self, route: str, reason: str) -> None:
        """Count a threshold that changed."""
        self._changes(route, reason).inc()
