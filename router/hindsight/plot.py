"""Cost against quality over thresholds, as recorded traffic tells it, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["plot"]

_PANELS = (("quality", "quality"), ("cost_usd", "US dollars a request"), ("escalation_rate", "escalations"))


def plot(found: Mapping[str, Any], out: Path) -> None:
    """Draw what `replay` found, a row for each route, into the picture `out`, whose name says the format."""
    import matplotlib as mpl

    mpl.use("Agg")  # no window: this runs on servers
    from matplotlib import pyplot as plt

    routes = found["routes"]
    figure, rows = plt.subplots(
        len(routes), len(_PANELS), figsize=(13, 3.8 * len(routes)), layout="constrained", squeeze=False
    )
    for axes, (name, route) in zip(rows, routes.items(), strict=True):
        for panel, (measure, words) in zip(axes, _PANELS, strict=True):
            _draw(panel, route["sweep"], measure)
            panel.axvline(next(iter(route["thresholds"].values())), color="#e0a030", linestyle="--")
            panel.set_xlabel(f"{name}: threshold of {next(iter(route['thresholds']))}")
            panel.set_ylabel(words)
            panel.spines[["top", "right"]].set_visible(False)
    sure = f"{found['confidence']:.0%}"
    figure.suptitle(
        f"{sure} intervals; where only bounds are known, there is no line; dashed: policy {found['policy']}"
    )
    figure.savefig(out, dpi=140)
    plt.close(figure)


def _draw(panel: Any, sweep: Sequence[Mapping[str, Any]], measure: str) -> None:
    """One measure over thresholds: what is known as a line, its interval or its bounds as a band."""
    nan = float("nan")
    at = [point["threshold"] for point in sweep]
    value, low, high = (
        [nan if point[measure][part] is None else point[measure][part] for point in sweep]
        for part in ("value", "low", "high")
    )
    panel.fill_between(at, low, high, color="#2060c0", alpha=0.2, linewidth=0)
    panel.plot(at, value, color="#2060c0", marker=".", linewidth=2)
