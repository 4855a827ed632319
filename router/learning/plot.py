"""The cost-quality curve as a picture for a slide."""

from pathlib import Path
from typing import Any

_STYLES: dict[str, dict[str, Any]] = {
    "oracle": {"color": "#bbbbbb", "linestyle": "--", "label": "best possible"},
    "random": {"color": "#bbbbbb", "linestyle": ":", "label": "random"},
    "length": {"color": "#e0a030", "linestyle": "-", "label": "prompt length"},
    "model": {"color": "#2060c0", "linestyle": "-", "linewidth": 2.5, "label": "smallfirst"},
}


def plot(found: dict[str, Any], out: Path) -> None:
    """Draw what `evaluate` found into the picture `out`, whose name says the format."""
    import matplotlib as mpl

    mpl.use("Agg")  # No window: this runs on servers.
    from matplotlib import pyplot as plt

    curve = found["curve"]
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    share = [100 * value for value in curve["share_to_last"]]
    for name, style in _STYLES.items():
        axes.plot(share, curve[name], **style)
    axes.set_xlabel("requests answered by the last tier, %")
    axes.set_ylabel("mean score served")
    axes.set_title(f"APGR {found['apgr']:.3f}   (length {found['baselines']['length']:.3f}, n = {found['n']:,})")
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=160)
    plt.close(figure)
