"""`smallfirst replay`: what would another policy have done with the requests that were recorded?"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from router.cli.records import Since, since_of, told, warn
from router.cli.savings import RecordsPath, records_of
from router.cli.telling import Json, PolicyPath, print_json

__all__ = ["replay"]

_SCALES = {"cost_usd": 1_000}
"""What a request costs has too many zeros before it says anything."""
_MEASURES = {
    "cost_usd": "USD per 1,000",
    "quality": "quality",
    "agreement": "agreement",
    "escalation_rate": "escalations",
    "seconds": "seconds",
}


def replay(
    policy: PolicyPath,
    records: RecordsPath = None,
    since: Since = None,
    route: Annotated[str | None, typer.Option(help="One route only.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="out.png", help="Draw cost and quality over thresholds.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say what a policy would have done with recorded traffic.

    With intervals, and "unknown" where nobody can know.
    """
    from router.hindsight.plot import plot as draw
    from router.hindsight.replay import replay as play
    from router.hindsight.traffic import Traffic

    folder, plan = records_of(policy, records)
    traffic = Traffic(folder, since_of(since))
    with told():
        found = play(traffic, plan, route)
        if plot is not None:
            draw(found, plot)
    warn(traffic.tally)
    if as_json:
        print_json(found)
        return
    for name, one in found["routes"].items():
        sys.stdout.write(_in_words(name, one, found["confidence"]))


def _in_words(name: str, route: dict[str, Any], confidence: float) -> str:
    at = ", ".join(f"{tier} below {below:.3f}" for tier, below in route["thresholds"].items())
    said = ", ".join(f"{source} {count:,}" for source, count in route["quality_from"].items()) or "nobody"
    left_out = f"{route['left_out']:,} left out: no answer, a remembered one, or another cascade"
    lines = [
        f"{name}: {route['requests']:,} requests ({left_out})",
        f"{'':16}{'recorded':>30}   {at} ({confidence:.0%} intervals)",
    ]
    for measure, words in _MEASURES.items():
        recorded, replayed = (
            _told(route[which][measure], _SCALES.get(measure, 1)) for which in ("recorded", "replayed")
        )
        lines.append(f"{words:16}{recorded:>30}   {replayed}")
    lines.append(f"{'':16}{_starts(route['recorded']):>30}   {_starts(route['replayed'])}")
    first = f"start at {next(iter(route['thresholds']))}"
    lines += ["", f"  threshold  {'USD per 1,000 requests':34}{'quality':32}{first}   no evidence"]
    for point in route["sweep"]:
        cost, quality, low = point["cost_usd"], point["quality"], next(iter(point["starts"].values()))
        unknown = max(cost["unknown"], quality["unknown"])
        known = f"{_told(cost, _SCALES['cost_usd']):34}{_told(quality):32}"
        lines.append(f"  {point['threshold']:9.3f}  {known}{low:{len(first)}.1%} {unknown:13.1%}")
    lines.append("no evidence: the share of requests whose cost, or quality, nobody knows at that threshold")
    lines.append(f"quality was scored by: {said}")
    if "feedback" in route["quality_from"]:
        lines.append("caution: people who give feedback are no random sample; graders and shadows are")
    return "\n".join(lines) + "\n\n"


def _told(one: dict[str, Any], scale: int = 1) -> str:
    low, high = (None if one[end] is None else one[end] * scale for end in ("low", "high"))
    if one["value"] is not None:
        return f"{one['value'] * scale:.5f} [{low:.5f}, {high:.5f}]"
    if low is not None and (low, high) != (0.0, 1.0):
        return f"unknown, {low:.3f} to {high:.3f}"
    return "unknown"


def _starts(measured: dict[str, Any]) -> str:
    return ", ".join(f"{share:.1%} start at {tier}" for tier, share in measured["starts"].items())
