"""What a judgement becomes: metrics, a line for operators, a record, a note on dashboards. All views of one value."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from router.control import Judgement
from router.control_metrics import ControlMetrics
from router.loop.remote import Annotation, Grafana
from router.plan import Route
from router.thresholds import Change
from router.web import Unreachable

__all__ = ["Telling", "Verdict"]

Verdict = Literal["moved", "proposed", "frozen", "kept", "missed", "unmeasured"]
_TAG: Final = "smallfirst"

Record = Callable[[Mapping[str, Any]], None]


class Telling:
    """Tells what control did, once each."""

    def __init__(
        self, metrics: ControlMetrics, say: Callable[[str], None], *, record: Record, grafana: Grafana | None
    ) -> None:
        self._metrics = metrics
        self._say = say
        self._record = record
        self._grafana = grafana
        self._last: dict[str, str] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def leads(self, *, leads: bool) -> None:
        """Tell whether this replica moves thresholds; what only that one knows is not shown by others."""
        self._metrics.leads(leads=leads)
        if not leads:
            self._metrics.ends()

    def judged(self, route: Route, judgement: Judgement, verdict: Verdict, at: float) -> None:
        """Tell what one window led to."""
        self._metrics.window(route.name, verdict)
        self._metrics.shows(route.name, _shown(judgement))
        for alert in judgement.alerts:
            self._say(f"control {route.name}: {alert}")
            self._annotate(route.name, alert, "drift", at)
        words = {"proposed": "would move ", "frozen": "frozen; would move "}.get(verdict, "")
        told = f"control {route.name}: {words}{judgement.told}"
        key = f"{verdict} {judgement.move.after:.2f}" if judgement.move is not None else _plain(told)
        if verdict == "moved" or self._last.get(route.name) != key:
            self._say(told)
        self._last[route.name] = key
        if judgement.move is not None or judgement.alerts:
            self._record(_record(route, judgement, verdict, at))

    def changed(self, route: Route, change: Change) -> None:
        """Tell of a threshold that changed, whoever changed it; what control did is recorded with its judgement."""
        self._metrics.changed(route.name, change.cause)
        if not change.by_control:
            self._say(f"control {route.name}: {change.words}")
            self._record(_by_hand(route, change))
        self._annotate(route.name, f"{change.tier} {change.words}", change.cause, change.at)

    def frozen(self, route: Route, *, frozen: bool, at: float) -> None:
        """Tell that nothing may move a route's thresholds, or that control goes on."""
        told = "frozen: nothing moves until `smallfirst thresholds unfreeze`" if frozen else "not frozen any more"
        self._say(f"control {route.name}: {told}")
        self._annotate(route.name, told, "freeze", at)

    def fault(self, route: str, told: str) -> None:
        """Tell of what keeps control from judging; not again until something else was told."""
        if self._last.get(route) != told:
            self._last[route] = told
            self._say(f"control {route}: {told}; no threshold moves")

    def reset(self, route: Route, dropped: Sequence[Change], at: float) -> None:
        """Tell that what was in force belongs to another state of the route: these changes are in force no more."""
        self._metrics.changed(route.name, "reset")
        declared = {rung.tier.name: rung.below for rung in route.cascade[:-1]}
        gone = [
            f"{change.tier} {declared[change.tier]:.4f}, no more {change.after:.4f} ({change.cause})"
            for change in dropped
            if change.tier in declared
        ]
        self._say(
            f"control {route.name}: its cascade, tiers, prompts, models or objectives changed, so thresholds and "
            f"evidence begin anew with the policy's{': ' if gone else ''}{'; '.join(gone)}"
        )
        for change in dropped:
            if change.tier in declared:
                self._record(_by_hand(route, _reset(change, declared[change.tier], at)))
        self._annotate(route.name, f"thresholds begin anew with the policy's: {'; '.join(gone)}", "reset", at)

    def _annotate(self, route: str, text: str, tag: str, at: float) -> None:
        if self._grafana is not None:
            note = Annotation(f"{route}: {text}", (_TAG, route, tag), at)
            task = asyncio.ensure_future(self._write(self._grafana, note))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _write(self, grafana: Grafana, note: Annotation) -> None:
        try:
            await grafana.annotate(note)
        except Unreachable as error:
            if self._last.get(_TAG) != str(error):
                self._last[_TAG] = str(error)
                self._say(f"{error}; moves are not noted on dashboards")

    async def aclose(self) -> None:
        """Finish what is being written."""
        await asyncio.gather(*self._writing)


def _plain(told: str) -> str:
    """A line without its numbers: it is told again when its words change, not with every count."""
    return "".join(letter for letter in told if not letter.isdigit())


def _shown(judgement: Judgement) -> dict[tuple[str, ...], float | None]:
    """What metrics show of a judgement; a window that could not be measured leaves the last."""
    if not judgement.aims and not judgement.numbers:
        return {}
    shown: dict[tuple[str, ...], float | None] = {
        ("router_control_evidence",): judgement.numbers.get("labels"),
        ("router_threshold_proven",): judgement.numbers.get("proven"),
    }
    for aim in judgement.aims:
        shown["router_objective", aim.name] = aim.limit
        shown["router_objective_measured", aim.name] = aim.measured
        shown["router_objective_violated", aim.name] = float(aim.violated)
    return shown | {("router_drift", kind): value for kind, value in judgement.drift.items()}


def _record(route: Route, judgement: Judgement, verdict: Verdict, at: float) -> dict[str, Any]:
    """A judgement as it is recorded."""
    move = judgement.move
    return {
        "time": at,
        "route": route.name,
        "state": route.state,
        "tier": route.cascade[0].tier.name,
        "verdict": verdict,
        "told": judgement.told,
        "alerts": list(judgement.alerts),
        "before": move.before if move else None,
        "after": move.after if move else None,
        "cause": move.cause if move else None,
        "numbers": {**judgement.numbers, **(move.numbers if move else {})},
        "objectives": {
            aim.name: {"limit": aim.limit, "measured": aim.measured, "violated": aim.violated} for aim in judgement.aims
        },
    }


def _by_hand(route: Route, change: Change) -> dict[str, Any]:
    """A change that control did not make, as it is recorded: like a move, without numbers."""
    return {
        "time": change.at,
        "route": route.name,
        "state": route.state,
        "tier": change.tier,
        "verdict": "moved",
        "told": change.words,
        "alerts": [],
        "before": change.before,
        "after": change.after,
        "cause": change.cause,
        "numbers": {},
        "objectives": {},
    }


def _reset(change: Change, declared: float, at: float) -> Change:
    told = f"{change.after:.4f} → {declared:.4f} (reset): the route is another one now"
    return Change(at, change.tier, change.after, declared, "reset", told)
