"""A glance as tables for a terminal."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from router.top.glance import Glance, Objective, RouteLine, Upstream

__all__ = ["screen"]

_TURNED_AWAY = "(turned away)"
_NONE = "–"
_GAP = 2

Cells = Mapping[str, str | Text]
"""A row of a table, or a part of one: what stands under each heading."""


def screen(seen: Glance, url: str, width: int) -> RenderableType:
    """Draw everything that there is something to say about, on a terminal that is so many characters wide."""
    parts: list[RenderableType] = [_head(seen, url), _routes(seen.routes, width)]
    if seen.objectives:
        parts.append(_objectives(seen.objectives, width))
    parts.append(_upstreams(seen.upstreams, width))
    parts.append(_foot(seen))
    return Group(*(Padding(part, (0, 0, 1, 0)) for part in parts))


def _head(seen: Glance, url: str) -> Text:
    when = "since it started" if seen.seconds is None else f"in the last {seen.seconds:.0f} s"
    text = Text.assemble(("smallfirst", "bold"), f" at {url}   policy {' '.join(seen.policies) or _NONE}\n")
    text.append(f"{seen.requests:,.0f} requests {when}{_rate(seen)} · {seen.inflight:,.0f} in flight")
    text.append(f" · adds {_seconds(seen.overhead_p99)} to the slowest 1 %")
    return text


def _rate(seen: Glance) -> str:
    return f" ({seen.requests / seen.seconds:,.1f}/s)" if seen.seconds else ""


def _routes(routes: tuple[RouteLine, ...], width: int) -> RenderableType:
    traffic: list[Cells] = [
        {
            "route": line.route or _TURNED_AWAY,
            "requests": f"{line.requests:,.0f}",
            "answered by": _shares(line.tiers),
            "escalated": _share(line.escalated),
            "failed": _failed(line),
        }
        for line in routes
    ]
    worth: list[Cells] = [
        {
            "route": line.route or _TURNED_AWAY,
            "threshold": _thresholds(line),
            "p50": _seconds(line.p50),
            "p95": _seconds(line.p95),
            "cost": _usd(line.cost_usd),
            "saved": _NONE if line.saved_usd is None else _usd(line.saved_usd),
        }
        for line in routes
    ]
    return _side_by_side(traffic, worth, width)


def _thresholds(line: RouteLine) -> str:
    shown = " ".join(f"{value:.3f}" for value in line.thresholds.values()) or _NONE
    return f"{shown} frozen" if line.frozen else shown


def _evidence(line: RouteLine) -> str:
    proven = "nothing is proven" if line.proven is None else f"proven up to {line.proven:.3f}"
    return f"{line.route}: {line.evidence:,.0f} judged answers, {proven}"


def _failed(line: RouteLine) -> Text:
    failed = line.outcomes.get("error", 0) + line.outcomes.get("broken", 0)
    share = failed / line.requests if line.requests else None
    return Text(_share(share), style="red" if failed and line.route else "")


def _objectives(objectives: tuple[Objective, ...], width: int) -> RenderableType:
    promised: list[Cells] = [
        {"promise": one.objective, "of": one.route, "promised": f"{one.promised:.4g}"} for one in objectives
    ]
    measured: list[Cells] = [
        {
            "promise": one.objective,
            "of": one.route,
            "measured": _NONE if one.measured is None else f"{one.measured:.4g}",
            "": _held(one),
        }
        for one in objectives
    ]
    return _side_by_side(promised, measured, width)


def _held(one: Objective) -> Text:
    if one.measured is None:
        return Text("not measured", style="yellow")
    return Text("violated", style="bold red") if one.violated else Text("holds", style="green")


def _upstreams(upstreams: tuple[Upstream, ...], width: int) -> RenderableType:
    calls: list[Cells] = [
        {
            "deployment": one.deployment,
            "": Text("up", style="green") if one.up else Text("down", style="bold red"),
            "calls": f"{one.calls:,.0f}",
            "failed": _failures(one),
            "how": _counts(one.failed),
        }
        for one in upstreams
    ]
    worth: list[Cells] = [
        {
            "deployment": one.deployment,
            "p95": _seconds(one.p95),
            "replaced": f"{one.fallbacks:,.0f}",
            "cost": _usd(one.cost_usd) + (f" + {one.cost_unknown:,.0f} × ?" if one.cost_unknown else ""),
        }
        for one in upstreams
    ]
    return _side_by_side(calls, worth, width)


def _failures(one: Upstream) -> Text:
    failed = sum(one.failed.values())
    return Text(_share(failed / one.calls if one.calls else None), style="red" if failed else "")


def _foot(seen: Glance) -> Text:
    lines = [
        ("escalations", _counts(seen.escalations)),
        ("moves", _counts(seen.moves)),
        ("evidence", "; ".join(_evidence(line) for line in seen.routes if line.evidence is not None)),
        ("cache", _shares(seen.cache)),
        ("redis", "none" if seen.redis_up is None else "up" if seen.redis_up else "down"),
        ("clients who left", f"{seen.left:,.0f}" if seen.left else ""),
        ("records dropped", f"{seen.records_dropped:,.0f}" if seen.records_dropped else ""),
    ]
    return Text("\n".join(f"{name}: {said}" for name, said in lines if said))


def _side_by_side(left: Sequence[Cells], right: Sequence[Cells], width: int) -> RenderableType:
    """Give one table, or two of the same rows, one below the other, where one would be wider than the terminal."""
    whole = [{**first, **second} for first, second in zip(left, right, strict=True)]
    return _table(whole) if _natural(whole) <= width else Group(_table(left), _table(right))


def _natural(rows: Sequence[Cells]) -> int:
    """How wide a table is when nothing in it is cut."""
    columns = [max(cell_len(str(said)) for said in (name, *(row[name] for row in rows))) for name in _headings(rows)]
    return sum(columns) + _GAP * (len(columns) - 1)


def _headings(rows: Sequence[Cells]) -> list[str]:
    return list(rows[0]) if rows else []


def _table(rows: Sequence[Cells]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in _headings(rows):
        table.add_column(heading, no_wrap=heading not in {"answered by", "how"})
    for row in rows:
        table.add_row(*row.values())
    return table


def _shares(counts: Mapping[str, float]) -> str:
    """Largest first: `tuned 62% frontier 38%`."""
    whole = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return " ".join(f"{name} {count / whole:.0%}" for name, count in ordered) if whole else ""


def _counts(counts: Mapping[str, float]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return " ".join(f"{name} {count:,.0f}" for name, count in ordered)


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1%}"


def _seconds(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"


def _usd(value: float) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}${abs(value):,.2f}" if abs(value) >= 1 or not value else f"{sign}${abs(value):.3g}"
