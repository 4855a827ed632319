"""A glance as tables for a terminal."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from router.top.glance import Glance, Objective, RouteLine, Upstream

__all__ = ["screen"]

_TURNED_AWAY = "(turned away)"
_NONE = "–"


def screen(seen: Glance, url: str) -> RenderableType:
    """Draw everything that there is something to say about."""
    parts: list[RenderableType] = [_head(seen, url), _routes(seen)]
    if seen.objectives:
        parts.append(_objectives(seen.objectives))
    parts.append(_upstreams(seen.upstreams))
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


def _routes(seen: Glance) -> Table:
    table = _table(
        "route", "requests", "answered by", "threshold", "escalated", "failed", "p50", "p95", "cost", "saved"
    )
    for line in seen.routes:
        table.add_row(
            line.route or _TURNED_AWAY,
            f"{line.requests:,.0f}",
            _shares(line.tiers),
            _thresholds(line),
            _share(line.escalated),
            _failed(line),
            _seconds(line.p50),
            _seconds(line.p95),
            _usd(line.cost_usd),
            _NONE if line.saved_usd is None else _usd(line.saved_usd),
        )
    return table


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


def _objectives(objectives: tuple[Objective, ...]) -> Table:
    table = _table("promise", "of", "promised", "measured", "")
    for one in objectives:
        measured = _NONE if one.measured is None else f"{one.measured:.4g}"
        state = Text("violated", style="bold red") if one.violated else Text("holds", style="green")
        unknown = Text("not measured", style="yellow")
        table.add_row(
            one.objective, one.route, f"{one.promised:.4g}", measured, unknown if one.measured is None else state
        )
    return table


def _upstreams(upstreams: tuple[Upstream, ...]) -> Table:
    table = _table("deployment", "", "calls", "failed", "how", "p95", "replaced", "cost")
    for one in upstreams:
        failed = sum(one.failed.values())
        cost = _usd(one.cost_usd) + (f" + {one.cost_unknown:,.0f} × ?" if one.cost_unknown else "")
        table.add_row(
            one.deployment,
            Text("up", style="green") if one.up else Text("down", style="bold red"),
            f"{one.calls:,.0f}",
            Text(_share(failed / one.calls if one.calls else None), style="red" if failed else ""),
            _counts(one.failed),
            _seconds(one.p95),
            f"{one.fallbacks:,.0f}",
            cost,
        )
    return table


def _foot(seen: Glance) -> Text:
    lines = [
        ("escalations", _counts(seen.escalations)),
        ("moves", _counts(seen.moves)),
        ("evidence", "; ".join(_evidence(line) for line in seen.routes if line.evidence is not None)),
        ("cache", _shares(seen.cache)),
        ("redis", "" if seen.redis_up is None else "up" if seen.redis_up else "down"),
        ("clients who left", f"{seen.left:,.0f}" if seen.left else ""),
        ("records dropped", f"{seen.records_dropped:,.0f}" if seen.records_dropped else ""),
    ]
    return Text("\n".join(f"{name}: {said}" for name, said in lines if said))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column not in {"answered by", "how"})
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
