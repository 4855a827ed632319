"""Thresholds over time as a picture: what control did in each made-up world, and what was true."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WIDTH, _HEIGHT = 9, 1.9


def timeline(runs: Mapping[str, Any], out: Path) -> None:
    """Draw one run of each scenario into the picture `out`, whose name says the format."""
    import matplotlib as mpl

    mpl.use("Agg")  # No window: this runs on servers.
    from matplotlib import pyplot as plt

    figure, rows = plt.subplots(
        len(runs), figsize=(_WIDTH, _HEIGHT * len(runs)), layout="constrained", squeeze=False, sharey=True
    )
    for (name, run), (axes,) in zip(runs.items(), rows, strict=True):
        _row(axes, name, run)
    rows[-1][0].set_xlabel("windows")
    figure.savefig(out, dpi=120)
    plt.close(figure)


def _row(axes: Any, name: str, run: Any) -> None:
    """One scenario: the share that starts low, what is proven, and where the floor was truly broken."""
    windows = range(len(run.steps))
    axes.plot(windows, [step.proven for step in run.steps], color="#bbbbbb", linewidth=1, label="proven")
    axes.step(windows, [step.share for step in run.steps], color="#2060c0", where="post", label="starts low")
    broken = [step.margin < 0 for step in run.steps]
    axes.fill_between(windows, 0, 1, where=broken, color="#d04030", alpha=0.25, linewidth=0, label="floor broken")
    if run.scenario.calm < len(run.steps):
        axes.axvline(run.scenario.calm, color="black", linestyle=":", linewidth=1)
    axes.set_ylim(0, 1)
    axes.set_title(f"{name}: {run.scenario.told}", loc="left", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", fontsize=7, ncols=3)
