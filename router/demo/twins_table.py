"""A run of the twins as a person reads it: each round and each move as it happens, and what it comes to."""

from rich.console import Console
from rich.table import Table

from router.demo.chronicle import Chronicle, Moved, PhaseFigures, Round

__all__ = ["line", "print_chronicle"]

_BAR = 24


def line(event: Round | Moved) -> str:
    """Tell of a round, or of a move."""
    if isinstance(event, Moved):
        why = "by hand" if event.labels is None else f"on {event.labels} judged answers"
        starts = f": {event.shares[0]:.0%} → {event.shares[1]:.0%} start low" if event.shares else ""
        threshold = f"threshold {event.before:.4f} → {event.after:.4f}"
        return f"     {event.seconds:5.1f} s  {threshold} ({event.cause}, {why}){starts}"
    steered, fixed = event.steered, event.fixed
    return (
        f"{event.number:3d}  {event.ended:5.1f} s  {event.phase:8}  threshold {steered.threshold:.3f}  "
        f"quality {steered.quality:.3f} {_bar(steered.quality)}  fixed {fixed.quality:.3f} {_bar(fixed.quality)}"
    )


def _bar(share: float) -> str:
    filled = round(share * _BAR)
    return "█" * filled + "░" * (_BAR - filled)


def print_chronicle(chronicle: Chronicle, console: Console) -> None:
    """Print what the phases come to, and the claim with its numbers."""
    table = Table(title=f"{chronicle.requests} requests to each, {chronicle.errors} errors", title_justify="left")
    for name in ("phase", "threshold", "quality", "of large", "small answers", "$ / 1,000"):
        table.add_column(name, justify="left" if name == "phase" else "right", no_wrap=True)
    for phase, figures in chronicle.phases.items():
        for server, called in (("steered", f"{figures.threshold:.4f}"), ("fixed", "fixed")):
            table.add_row(phase if server == "steered" else "", called, *_row(chronicle, figures, server))
    console.print(table)
    console.print(_claim(chronicle), highlight=False)
    console.print("Of the broken phase the second half is shown: before, evidence had to come.", style="dim")
    console.print(
        "The models are fakes that serve recorded answers; what clients read is graded by rules.", style="dim"
    )


def _row(chronicle: Chronicle, figures: PhaseFigures, server: str) -> tuple[str, ...]:
    quality, cost = figures.quality[server], figures.cost_usd[server]
    return (
        f"{quality:.1%}",
        f"{quality / chronicle.frontier_quality:.1%}" if chronicle.frontier_quality else "–",
        f"{figures.low[server]:.0%}",
        "unknown" if cost is None else f"{1000 * cost:.3f}",
    )


def _claim(chronicle: Chronicle) -> str:
    broken = chronicle.phases.get("broken")
    if broken is None or not chronicle.frontier_quality:
        return ""
    kept = {server: quality / chronicle.frontier_quality for server, quality in broken.quality.items()}
    own = [moved for moved in chronicle.moves if moved.labels is not None]
    back = len(chronicle.moves) - len(own)
    held = "held" if kept["steered"] >= chronicle.floor else "did not hold"
    moves = f"{len(own)} {'move' if len(own) == 1 else 'moves'}"
    labels = f" on {own[-1].labels} judged answers" if own else ""
    return (
        f"\nPromised: {chronicle.floor:.0%} of the large model's quality. With the small model broken it {held}: "
        f"{kept['steered']:.1%} after {moves}{labels}; with a fixed threshold it was {kept['fixed']:.1%}. "
        f"`thresholds rollback` took {back} back.\n"
    )
