"""A run of the twins as a picture: quality above; below who answered, and what moved the threshold."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from router.demo.chronicle import Chronicle, Moved, Round

__all__ = ["plot"]

_STEERED = {"color": "#2060c0", "linewidth": 2.5, "label": "control", "zorder": 3}
_FIXED = {"color": "#c03030", "linewidth": 1.5, "label": "fixed threshold"}


def plot(chronicle: Chronicle, path: Path) -> None:
    """Draw it into a file; its ending says what kind.

    Raises ModuleNotFoundError without the extra `train`, OSError or ValueError when the file cannot be written.
    """
    import matplotlib as mpl

    mpl.use("Agg")  # No window: this runs on servers.
    from matplotlib import pyplot as plt

    rounds = chronicle.rounds
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(9, 6.5), layout="constrained")
    _steps(above, rounds, [one.fixed.quality for one in rounds], _FIXED)
    _steps(above, rounds, [one.steered.quality for one in rounds], _STEERED)
    promised = {"color": "#888888", "linestyle": "--", "label": f"promised: {chronicle.floor:.0%} of the large model's"}
    above.axhline(chronicle.promised, **promised)
    above.set(ylabel="quality of what clients read", ylim=(0, 1.02))
    above.legend(frameon=False, loc="lower left")
    above.set_title("The small model breaks while it is used (shaded)")
    _steps(below, rounds, [100 * one.fixed.low for one in rounds], _FIXED)
    _steps(below, rounds, [100 * one.steered.low for one in rounds], _STEERED)
    below.set(ylabel="answered by the small model, %", xlabel="seconds", ylim=(0, 100))
    for row, (at, told) in enumerate(_told(chronicle.moves)):
        below.axvline(at, color="#888888", linewidth=0.5)
        below.annotate(told, (at, 96 - 7 * row), fontsize=8, xytext=(3, 0), textcoords="offset points", va="top")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        for begin, one in zip((0.0, *(each.ended for each in rounds)), rounds, strict=False):
            if one.phase == "broken":
                axes.axvspan(begin, one.ended, color="#e0a030", alpha=0.15, linewidth=0)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _steps(axes: Any, rounds: Sequence[Round], values: Sequence[float], style: dict[str, Any]) -> None:
    """Draw what each round came to over the time that it took."""
    axes.stairs(values, [0.0, *(one.ended for one in rounds)], baseline=None, **style)


def _told(moves: Sequence[Moved]) -> list[tuple[float, str]]:
    """Tell what moved the threshold, and when; what an operator took back at once is one move."""
    told = []
    for (cause, by_hand), group in groupby(moves, lambda moved: (moved.cause, moved.labels is None)):
        these = list(group)
        if by_hand:
            told.append((these[0].seconds, f"{len(these)} × {cause} → {these[-1].after:.4f}"))
        else:
            told += [
                (one.seconds, f"{one.before:.4f} → {one.after:.4f} ({cause}, {one.labels} labels)") for one in these
            ]
    return told
