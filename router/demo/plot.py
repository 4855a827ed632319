"""A run of the twins as a picture: quality above, the threshold and what moved it below."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from router.demo.chronicle import Chronicle

__all__ = ["plot"]

_STEERED, _FIXED = "tab:blue", "tab:red"


def plot(chronicle: Chronicle, path: Path) -> None:
    """Draw it into a file; its ending says what kind.

    Raises ModuleNotFoundError without the extra `train`, OSError or ValueError when the file cannot be written.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(9, 6.5), height_ratios=(3, 2))
    seconds = [one.ended for one in chronicle.rounds]
    above.plot(seconds, [one.steered.quality for one in chronicle.rounds], color=_STEERED, label="control: apply")
    above.plot(seconds, [one.fixed.quality for one in chronicle.rounds], color=_FIXED, label="fixed threshold")
    promised = f"promised: {chronicle.floor:.0%} of the large model's"
    above.axhline(chronicle.promised, color="grey", linestyle="--", linewidth=1, label=promised)
    above.set(ylabel="quality of what clients read", ylim=(0, 1.02))
    above.legend(loc="lower left")
    below.step(seconds, [one.steered.threshold for one in chronicle.rounds], where="pre", color=_STEERED)
    below.step(seconds, [one.fixed.threshold for one in chronicle.rounds], where="pre", color=_FIXED)
    below.set(ylabel="threshold", xlabel="seconds", ylim=(0, None))
    for moved in chronicle.moves:
        why = moved.cause if moved.labels is None else f"{moved.cause}, {moved.labels} labels"
        below.annotate(why, (moved.seconds, moved.after), fontsize=7, xytext=(3, 3), textcoords="offset points")
    for axes in (above, below):
        for begin, end in _broken(chronicle):
            axes.axvspan(begin, end, color="orange", alpha=0.15, linewidth=0)
    above.set_title("the small model breaks (shaded), with control and without")
    _save(figure, path)
    plt.close(figure)


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def _broken(chronicle: Chronicle) -> Iterator[tuple[float, float]]:
    """From when to when it was broken."""
    for before, after in pairwise(chronicle.rounds):
        if after.phase == "broken":
            yield before.ended, after.ended
