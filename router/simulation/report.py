"""What many runs come to: how soon objectives hold again, how far from the best, and how often control was wrong."""

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from router.simulation.oracle import best_share, oracle, seen
from router.simulation.run import Run

__all__ = ["lines", "report"]

_HOLDS = -1e-9
_LATE = 0.06
"""The share of late requests that counts as a limit held: one in twenty, and what one window cannot tell from it."""


def report(name: str, runs: Sequence[Run]) -> dict[str, Any]:
    """Sum up the runs of one scenario."""
    scenario = runs[0].scenario
    back = [_back(run) for run in runs]
    known = [windows for windows, _ in back if windows is not None]
    wrong = [_false_moves(run) for run in runs]
    final = [run.steps[-1] for run in runs]
    share = {"final": _spread([step.after for step in final]), **_best(runs)}
    if share.get("provable"):
        share["of_provable"] = share["final"]["median"] / share["provable"]
    return {
        "scenario": name,
        "told": scenario.told,
        "runs": len(runs),
        "windows": len(runs[0].steps),
        "broke": sum(windows != 0 for windows, _ in back),
        "windows_until_it_holds": _spread(known),
        "labels_until_it_holds": _spread([labels for windows, labels in back if windows is not None]),
        "never_held_again": len(runs) - len(known),
        "oracle": _oracle(runs) if any(windows != 0 for windows, _ in back) else None,
        "changing": scenario.lasting,
        "share": share,
        "runs_with_a_false_move": sum(count > 0 for count in wrong),
        "false_moves": sum(wrong),
        "windows_below_the_floor": _spread([sum(step.margin < _HOLDS for step in run.changed) for run in runs]),
        "reversals": _spread([_reversals(run) for run in runs]),
        "rises_before_the_first_label": sum(_blind(run) for run in runs),
        "moves": _spread([sum(bool(step.cause) for step in run.steps) for run in runs]),
        "causes": _causes(runs),
        "violated_at_the_end": sorted({aim for step in final for aim in step.violated}),
    }


def _back(run: Run) -> tuple[int | None, float]:
    """Windows since the change until quality and latency hold, and stay; and the labels of that time."""
    kept = [step.margin >= _HOLDS and step.late <= _LATE for step in run.changed]
    if not kept or not kept[-1]:
        return None, 0.0
    windows = len(kept) - next((count for count, holds in enumerate(reversed(kept)) if not holds), len(kept))
    return windows, sum(step.labels for step in run.changed[:windows])


def _false_moves(run: Run) -> int:
    """Moves towards the first tier after which the floor was truly broken."""
    return sum(bool(step.cause) and step.after > step.share and step.margin_after < _HOLDS for step in run.steps)


def _reversals(run: Run) -> int:
    """How often the threshold turned round since the first label that could tell of the change."""
    ways = [step.after > step.share for step in run.changed[run.scenario.delay :] if step.cause]
    return sum(one != other for one, other in pairwise(ways))


def _best(runs: Sequence[Run]) -> dict[str, Any]:
    """The best that was possible at the end: with hindsight, and with the labels there were."""
    scenario = runs[0].scenario
    if scenario.aims.floor is None:
        return {}
    world = scenario.after(scenario.world, scenario.windows - 1)
    labels = statistics.median(sum(step.labels for step in run.changed) for run in runs)
    return {"hindsight": best_share(scenario, world), "provable": best_share(scenario, seen(world), labels)}


def _oracle(runs: Sequence[Run]) -> dict[str, Any] | None:
    """What one would need who knows when and how the world changed; None where that is no matter of quality."""
    scenario = runs[0].scenario
    if scenario.aims.floor is None or scenario.aims.latency is not None:
        return None
    shares = [round(run.changed[0].share, 2) for run in runs]  # from where control was when it changed
    known = {share: oracle(scenario, share) for share in set(shares)}
    found = [known[share] for share in shares]
    windows = [each.windows if each.windows is not None else scenario.windows for each in found]
    return {"windows": _spread(windows), "labels": _spread([each.labels for each in found])}


def _blind(run: Run) -> int:
    """Rises after the change and before any label could tell of it."""
    return sum(bool(step.cause) and step.after > step.share for step in run.changed[: run.scenario.delay])


def _causes(runs: Sequence[Run]) -> dict[str, int]:
    causes = [step.cause for run in runs for step in run.steps if step.cause]
    return {cause: causes.count(cause) for cause in sorted(set(causes))}


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median, and the best and the worst."""
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def lines(found: dict[str, Any]) -> str:
    """Return one scenario in words."""
    back, share = found["windows_until_it_holds"], found["share"]
    told = [f"{found['scenario']}: {found['told']}"]
    if found["broke"] and back is not None:
        labels = found["labels_until_it_holds"]
        told.append(
            f"  objectives hold again after {back['median']:.0f} windows ({back['min']:.0f} to {back['max']:.0f}) and "
            f"{labels['median']:,.0f} labels"
            + (f", {found['changing']} windows of which it goes on changing" if found["changing"] else "")
        )
    if (best := found["oracle"]) is not None:
        needs = best["windows"]
        told.append(
            f"  who knows when and how the world changed needs {needs['median']:.0f} windows ({needs['min']:.0f} to "
            f"{needs['max']:.0f}) and {best['labels']['median']:,.0f} labels"
        )
    if found["never_held_again"]:
        told.append(f"  not yet at the end: {found['never_held_again']} of {found['runs']} runs")
    final = share["final"]
    best = f"; provable {share['provable']:.0%}" if "provable" in share else ""
    best += f" ({share['of_provable']:.0%} of that)" if "of_provable" in share else ""
    best += f", hindsight {share['hindsight']:.0%}" if "hindsight" in share else ""
    told.append(f"  starts low at the end: {final['median']:.0%} ({final['min']:.0%} to {final['max']:.0%}){best}")
    told.append(
        f"  false moves in {found['runs_with_a_false_move']} of {found['runs']} runs of {found['windows']} windows; "
        f"reversals {found['reversals']['median']:.0f} (at most {found['reversals']['max']:.0f}); "
        + (f"rises before the first label {blind}; " if (blind := found["rises_before_the_first_label"]) else "")
        + f"moves {', '.join(f'{cause} {count}' for cause, count in found['causes'].items()) or 'none'}"
    )
    if found["violated_at_the_end"]:
        told.append(f"  missed at the end: {', '.join(found['violated_at_the_end'])}")
    return "\n".join(told) + "\n"
