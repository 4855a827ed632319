"""Which threshold next? The cheapest that meets the objectives; where they cannot all be met: quality, latency, cost.

Moves towards the last tier are free. A move towards the first needs all of these: the floor is proven there, the
calibration's bound lies further up, labels came in this window, nothing failed or spilled, and no other aim broke
further up before (the *ceiling*, which holds for a period of evidence and twice as long each time: a tier that is slow
when it is full gets less traffic once, not every other hour).
"""

from dataclasses import dataclass

from router.arrays import Flags, Vector, np
from router.control.floor import Margins
from router.control.forecast import Forecast
from router.control.ground import Cause, Ground, Move
from router.control.memory import Memory
from router.control.window import LOW, Window

__all__ = ["Choice", "choose", "significantly_over"]

LATE = 0.05
"""The share of requests that may be slower than the 95th percentile's limit."""
_SPARE = 0.9
"""What of a limit a move towards the first tier may use up."""
_ROWS = 2
"""Windows in a row in which an aim is missed before a threshold moves for it."""
_ROWS_DEAR = 4
_LESS = 0.995
"""What a step towards fewer late requests must make of their number, at least."""
_WORTH = 0.02
"""What a move must save on each request whose start it changes, of what a request costs; one back four times that."""
_LEAST = 0.002
"""The share of traffic that a move towards the first tier changes the start of, at least."""
_ONE_SIDED = 2.33
FEW = 30
"""Requests below which a window says too little."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A window with everything that is known about the candidates; the last candidate is what is in force."""

    ground: Ground
    memory: Memory
    window: Window
    thresholds: Vector
    forecast: Forecast
    margins: Margins | None
    """None without a floor."""
    priced: bool

    @property
    def now(self) -> float:
        """The threshold in force."""
        return float(self.thresholds[-1])

    def within(self) -> Flags:
        """The candidates that change the start of no more traffic than one step may."""
        change = np.abs(self.forecast.share - self.forecast.share[-1])
        near: Flags = change <= self.ground.step + 1e-9
        return near

    def lower(self) -> Flags:
        """The candidates towards the last tier: within a step, or else the nearest."""
        down = self.thresholds < self.now
        near: Flags = down & self.within()
        if bool(near.any()) or not down.any():
            return near
        nearest = np.flatnonzero(down)[self.thresholds[down].argmax()]
        down[:] = False
        down[nearest] = True
        return down

    def higher(self) -> tuple[Flags, str]:
        """The candidates towards the first tier that are allowed, and what forbids the rest."""
        up = self.thresholds > self.now
        if not up.any():
            return up, "nothing is left above it inside control.bounds"
        if told := self._not_now():
            return up & False, told
        assert self.margins is not None  # noqa: S101  `_not_now` has looked
        order = np.arange(len(up))
        up &= order < min(self.margins.reach, len(up) - 1)
        if not up.any():
            return up, f"{self.window_labels:,.0f} judged answers prove nothing above it"
        for limit, told in (
            (self.ground.bound, "the calibration supports no more"),
            (self.memory.ceiling_at(self.window.until), "an aim broke further up not long ago"),
        ):
            if limit is not None:
                up &= self.thresholds <= limit
                if not up.any():
                    return up, told
        up &= self.within()
        return up, "" if up.any() else "the next threshold would move more traffic at once than control.step"

    @property
    def window_labels(self) -> float:
        """Judged answers in the evidence."""
        return self.memory.evidence.labels.judged

    def _not_now(self) -> str:
        """Why this is no window to move towards the first tier, if so."""
        labels, last = self.memory.evidence.labels, self.memory.evidence.labels.sums("last")
        if self.margins is None:
            return "without a quality objective nothing can prove a move towards the first tier"
        if not last.known.any():
            return "there is no evidence of the last tier's quality yet"
        if not self.window.labels.table.any() or not labels.table.any():
            return "no answers were judged in this window"
        if self.memory.retreating:
            return "the quality floor broke, and is not proven again"
        return "upstreams fail or are full" if self.window.disturbed else ""


def choose(choice: Choice) -> tuple[Move | None, str]:
    """Return a move and why, or None and why not."""
    if choice.window.total < FEW:
        return None, f"{choice.window.total:.0f} requests in this window are too few"
    higher, barred = choice.higher()
    for found in (
        _for_quality(choice),
        _for_latency(choice, higher),
        _for_escalations(choice),
        _for_cost(choice),
    ):
        if found is not None:
            return found, found.told
    return _cheaper(choice, higher, barred)


def _for_quality(choice: Choice) -> Move | None:
    """Back to where the floor likely holds, a step at a time."""
    margins, lower, refuge = choice.margins, choice.lower(), choice.memory.refuge
    if refuge is not None and lower.any():
        far = lower & (choice.thresholds >= refuge)
        told = "traffic became harder, and the quality floor does not hold here"
        return _move(choice, _first(far) if far.any() else _last(lower), "quality", told)
    if margins is None or not choice.memory.retreating or margins.likely[-1] >= 0 or not lower.any():
        return None
    holds = lower & (margins.likely >= 0)
    place = _last(holds) if holds.any() else _first(lower)
    return _move(choice, place, "quality", "the quality floor does not hold here")


def _for_latency(choice: Choice, higher: Flags) -> Move | None:
    """Where fewer requests are too slow, whichever way that is."""
    late = choice.forecast.late
    if choice.ground.aims.latency is None or choice.memory.late < _ROWS or choice.window.disturbed:
        return None
    better = (choice.lower() | higher) & (late < _LESS * late[-1])
    if not better.any():
        return None
    meets = better & (late <= LATE)
    place = _cheapest(choice, meets) if meets.any() else int(np.where(better, late, np.inf).argmin())
    return _move(choice, place, "latency", f"{late[-1]:.1%} of requests are slower than the limit")


def _for_escalations(choice: Choice) -> Move | None:
    """Below where answers are escalated too often; never to nothing at all."""
    limit, rate, share = choice.ground.aims.escalations, choice.forecast.escalated, choice.forecast.share
    if limit is None or choice.memory.escalating < _ROWS or choice.window.disturbed:
        return None
    some = (choice.thresholds < choice.now) & (share > 0.02)  # less is as good as none
    lower = choice.lower() & some
    if not (some & (rate <= limit)).any() or not lower.any():
        return None
    meets = lower & (rate <= limit)
    place = _last(meets) if meets.any() else _first(lower)
    return _move(choice, place, "escalations", f"{rate[-1]:.1%} of the first tier's answers are escalated")


def _for_cost(choice: Choice) -> Move | None:
    """Back, where the first tier is the dearer one: its price went up, or it is escalated so often."""
    lower = choice.lower()
    if choice.memory.dear < _ROWS_DEAR or choice.window.disturbed or not lower.any():
        return None
    place = _cheapest(choice, lower)
    if not _saves(choice, place, 4 * _WORTH):
        return None
    return _move(choice, place, "cost", "starting at the first tier costs more than it saves")


def _cheaper(choice: Choice, higher: Flags, barred: str) -> tuple[Move | None, str]:
    """Up, where that is proven and saves money."""
    if not higher.any():
        return None, barred
    aims, ahead = choice.ground.aims, choice.forecast
    if aims.latency is not None:
        higher = higher & ((ahead.late <= _SPARE * LATE) | (ahead.late < ahead.late[-1]))
        if not higher.any():
            return None, "latency allows no more"
    if aims.escalations is not None:
        higher = higher & (ahead.escalated <= aims.escalations)
        if not higher.any():
            return None, "escalations allow no more"
    place = _cheapest(choice, higher) if choice.priced else _last(higher)
    if ahead.share[place] - ahead.share[-1] < min(_LEAST, choice.ground.step / 2):
        return None, "what is proven above it would change next to nothing"
    if choice.priced and not _saves(choice, place, _WORTH):
        return None, "no threshold that is proven would save anything"
    move = _move(choice, place, "cheaper", f"proven by {choice.window_labels:,.0f} judged answers")
    return move, move.told


def _move(choice: Choice, place: int, cause: Cause, why: str) -> Move:
    ahead, after = choice.forecast, float(choice.thresholds[place])
    numbers = {
        "share_before": float(ahead.share[-1]),
        "share_after": float(ahead.share[place]),
        "cost_before": float(ahead.cost[-1]),
        "cost_after": float(ahead.cost[place]),
        "labels": choice.window_labels,
    }
    if choice.margins is not None:
        numbers |= {"margin": float(choice.margins.estimate[place])}
        if np.isfinite(choice.margins.proven[place]):
            numbers |= {"margin_proven": float(choice.margins.proven[place])}
    told = (
        f"{choice.now:.4f} → {after:.4f} ({cause}): {why}; {ahead.share[-1]:.1%} → {ahead.share[place]:.1%} start low, "
        f"${ahead.cost[-1]:.6f} → ${ahead.cost[place]:.6f} a request"
    )
    return Move(choice.now, after, cause, told, numbers)


def dearer(choice: Choice) -> bool:
    """Whether a threshold towards the last tier would be cheaper, by enough requests to say so."""
    lower, starts = choice.lower(), choice.window.requests.sum(axis=1)
    if not choice.priced or not lower.any() or (starts < FEW).any():
        return False
    return _saves(choice, _cheapest(choice, lower), 4 * _WORTH)


def _saves(choice: Choice, place: int, worth: float) -> bool:
    """Whether a candidate saves enough on the requests whose start it changes."""
    cost, share = choice.forecast.cost, choice.forecast.share
    return bool(cost[-1] - cost[place] > worth * abs(share[place] - share[-1]) * cost[-1])


def significantly_over(share: float, limit: float, count: float) -> bool:
    """Whether a share of so many requests is over a limit by more than chance."""
    return count >= FEW and share - _ONE_SIDED * np.sqrt(max(limit * (1 - limit), 1e-9) / count) > limit


def escalating(window: Window, limit: float) -> bool:
    """Whether more of the first tier's answers are escalated than may be."""
    count = float(window.requests[LOW].sum())
    return significantly_over(float(window.escalated.sum()) / max(count, 1.0), limit, count)


def _first(these: Flags) -> int:
    return int(np.flatnonzero(these)[0])


def _last(these: Flags) -> int:
    return int(np.flatnonzero(these)[-1])


def _cheapest(choice: Choice, these: Flags) -> int:
    return int(np.where(these, choice.forecast.cost, np.inf).argmin())
