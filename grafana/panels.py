"""Dashboards as values: queries in panels, panels in rows, rows in a dashboard, and the JSON that Grafana reads.

A dashboard is laid out by itself: panels fill a row from left to right, 24 columns wide, and go on below.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

__all__ = ["Annotation", "Dashboard", "Panel", "Query", "Row", "render"]

Kind = Literal["timeseries", "stat", "bargauge", "heatmap", "table", "state-timeline"]
WIDTH = 24
SOURCE: Mapping[str, str] = {"type": "prometheus", "uid": "${datasource}"}
RED, GREEN, ORANGE = "red", "green", "orange"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and how its series are called."""

    expr: str
    legend: str = ""
    instant: bool = False
    """Asked once, for the end of the time range, as stats and tables like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A picture of some queries."""

    title: str
    about: str
    """What it shows and what to do about it, in a sentence; behind the (i)."""
    queries: Sequence[Query]
    kind: Kind = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8
    stacked: bool = False
    steps: Mapping[float, str] = field(default_factory=dict)
    """Colours from these values on; below the first it is green."""
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Words for values, each with its colour: `{0: ("down", "red")}`."""
    ceiling: float | None = None
    """Where the axis ends, when it is known."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A moment that every panel marks."""

    name: str
    expr: str
    title: str
    text: str
    colour: str = "purple"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page."""

    uid: str
    title: str
    about: str
    rows: Sequence[Row]
    annotations: Sequence[Annotation] = ()

    @property
    def panels(self) -> list[Panel]:
        """Every panel, from top to bottom."""
        return [panel for row in self.rows for panel in row.panels]


def render(dashboard: Dashboard) -> dict[str, Any]:
    """Return the document that Grafana reads."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["smallfirst"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": [_ours(), *(_annotation(one) for one in dashboard.annotations)]},
        "links": [{"type": "dashboards", "tags": ["smallfirst"], "title": "smallfirst", "asDropdown": False,
                   "icon": "external link", "tooltip": "", "targetBlank": False, "includeVars": True,
                   "keepTime": True}],
        "panels": list(_laid_out(dashboard.rows)),
    }  # fmt: skip


def _variables() -> list[dict[str, Any]]:
    """Which Prometheus, and which routes."""
    routes = "label_values(router_requests_total, route)"
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {
            "name": "route", "label": "Route", "type": "query", "datasource": dict(SOURCE), "definition": routes,
            "query": {"query": routes, "refId": "routes"}, "refresh": 2, "sort": 1,
            "multi": True, "includeAll": True, "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        },
    ]  # fmt: skip


def _ours() -> dict[str, Any]:
    """Moves that the slow loop told Grafana itself."""
    return {
        "name": "Told by smallfirst", "enable": True, "iconColor": "orange",
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "target": {"type": "tags", "tags": ["smallfirst"], "limit": 100, "matchAny": False},
    }  # fmt: skip


def _annotation(one: Annotation) -> dict[str, Any]:
    return {
        "name": one.name, "enable": True, "iconColor": one.colour, "datasource": dict(SOURCE), "expr": one.expr,
        "step": "60s", "titleFormat": one.title, "textFormat": one.text,
    }  # fmt: skip


def _laid_out(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    numbers, top = count(1), 0
    for row in rows:
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        yield {
            "id": next(numbers),
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        left, top, tallest = 0, top + 1, 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                left, top, tallest = 0, top + tallest, 0
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield {"id": next(numbers), **_panel(panel), "gridPos": place}
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": dict(SOURCE),
        "targets": [_target(panel, query, ref) for query, ref in zip(panel.queries, "ABCDEFGH", strict=False)],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


def _target(panel: Panel, query: Query, ref: str) -> dict[str, Any]:
    shape = {"heatmap": "heatmap", "table": "table"}.get(panel.kind, "time_series")
    how = {"instant": True, "range": False} if query.instant else {"instant": False, "range": True}
    return {
        "refId": ref, "datasource": dict(SOURCE), "expr": query.expr, "legendFormat": query.legend or "__auto",
        "format": shape, **how,
    }  # fmt: skip


def _field(panel: Panel) -> dict[str, Any]:
    steps = [{"value": None, "color": GREEN}, *({"value": at, "color": c} for at, c in sorted(panel.steps.items()))]
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}, "min": 0}
    defaults["color"] = {"mode": "thresholds" if panel.kind in {"stat", "bargauge"} else "palette-classic"}
    if panel.ceiling is not None:
        defaults["max"] = panel.ceiling
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "lineWidth": 1, "fillOpacity": 40 if panel.stacked else 8, "showPoints": "never", "spanNulls": 120000,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        }  # fmt: skip
    if panel.words:
        options = {str(value): {"text": text, "color": colour} for value, (text, colour) in panel.words.items()}
        defaults["mappings"] = [{"type": "value", "options": options}]
    return defaults


_LEGEND = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: Mapping[Kind, Mapping[str, Any]] = {
    "timeseries": {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "stat": {"reduceOptions": _LAST, "colorMode": "value", "graphMode": "area", "textMode": "auto"},
    "bargauge": {"reduceOptions": _LAST, "orientation": "horizontal", "displayMode": "basic"},
    "heatmap": {"calculate": False, "yAxis": {"unit": "short"}, "color": {"mode": "scheme", "scheme": "Oranges"},
                "legend": {"show": True}, "tooltip": {"mode": "single"}},
    "table": {"showHeader": True, "cellHeight": "sm"},
    "state-timeline": {"legend": _LEGEND, "mergeValues": True, "showValue": "auto", "rowHeight": 0.8},
}  # fmt: skip
