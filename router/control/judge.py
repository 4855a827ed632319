"""One window of a route's traffic: what it adds to what is known, and whether a threshold moves for it. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from router.arrays import Vector, np
from router.control import drift
from router.control.choice import LATE, Choice, choose, dearer, escalating, significantly_over
from router.control.floor import Floor, Margins, known_to_hold, margins
from router.control.forecast import Forecast, forecast, percentile, rates, slower
from router.control.ground import Aim, Ground, Judgement, Move
from router.control.labels import BANDS
from router.control.memory import Memory, Period
from router.control.window import LOW, Window

__all__ = ["judge", "moved"]

_FADING = 7 * 86400.0
_FEW_WINDOWS = 8.0
_PLENTY = 20_000.0
_WORDS = {
    "difficulty": "traffic has other difficulties than the training prompts",
    "novelty": "more traffic than usual is unlike the training prompts",
    "calibration": "answers are worse than the difficulty model expects",
}
_JUDGED = 500.0
"""Judged answers from which they say what other traffic would come to."""
_SURELY, _LIKELY = 3.09, 2.33


def judge(ground: Ground, memory: Memory, window: Window, threshold: float) -> tuple[Memory, Judgement]:
    """Judge a window that began when the last one was judged.

    Args:
        ground: what is judged by.
        memory: what the last judgement returned.
        window: what was measured.
        threshold: the first tier's, in force during the window.

    Returns:
        What to remember, and the judgement. Whoever carries out its move says so with `moved`.
    """
    if fault := window.fault:
        return replace(memory, judged=window.until, late=0, escalating=0, dear=0), Judgement(None, fault)
    memory, alerts, drifts = _learned(ground, memory, window, threshold)
    choice = _looked(ground, memory, window, threshold)
    memory = _counted(choice)
    choice = replace(choice, memory=memory)
    move, told = choose(choice)
    aims = _aims(choice)
    if move is None and (missed := [aim.name for aim in aims if aim.violated]):
        told = f"missed: {', '.join(missed)}; {told}"
    return memory, Judgement(move, told, aims, _numbers(choice), drifts, alerts)


def moved(ground: Ground, memory: Memory, move: Move, now: float) -> Memory:
    """Return the memory after a move was made; one for another aim than quality must not be undone soon."""
    again = {cause: int(move.cause == cause) for cause in ("latency", "escalations")}  # it goes on in the next window
    fresh = replace(memory, late=again["latency"], escalating=again["escalations"], dear=0)
    if not move.towards_last or (move.cause == "quality" and memory.refuge is None):
        return fresh
    barred = memory.ceilings + (memory.ceiling_at(now) is None)  # several steps of one retreat count once
    lasting = ground.evidence * 2.0 ** min(barred - 1, 6)
    return replace(fresh, ceiling=move.after, ceiling_until=now + lasting, ceilings=barred)


def _learned(
    ground: Ground, memory: Memory, window: Window, threshold: float
) -> tuple[Memory, tuple[str, ...], dict[str, float]]:
    """Add a window to what is known; then what made earlier evidence worthless, and how far traffic has drifted."""
    fade = float(np.exp(-window.seconds / _FADING))
    bands = window.requests.sum(axis=0)
    memory = replace(
        memory,
        mix=memory.mix * fade + bands,
        lately=memory.lately * float(np.exp(-1 / _FEW_WINDOWS)) + bands,
        recent=memory.recent + bands,
        novel=memory.novel + window.novel,
        spent=memory.spent * fade + np.stack([window.requests, window.cost]),
        evidence=memory.evidence.after(window.labels),
        later=memory.later.after(window.labels),
        judged=window.until,
    )
    memory = _aged(memory, ground.evidence, window.until)
    alerts: tuple[str, ...] = ()
    if ground.aims.floor is not None:
        memory, rang = _watched(ground, memory, window, threshold)
        alerts += ("answers became worse than the evidence said: it is collected anew",) if rang else ()
        memory = replace(memory, refuge=_refuge(ground, memory, threshold))
    found = _drift(ground, memory)
    memory, shifted = _shifts(memory, found, window.until)
    return memory, alerts + shifted, found


def _aged(memory: Memory, lasting: float, now: float) -> Memory:
    """Begin a second period in the middle of the first; it takes over when the first is too old.

    In a retreat it is too old as soon as there is plenty: what broke the floor may still have been on its way.
    """
    age = (now - memory.evidence.since) / lasting
    if memory.retreating:
        age = max(age, memory.evidence.labels.judged / _PLENTY)
    if age >= 1:
        return replace(memory, evidence=memory.later, later=Period(now))
    if age >= 1 / 2 and memory.later.since == memory.evidence.since:
        return replace(memory, later=Period(now))
    return memory


def _watched(ground: Ground, memory: Memory, window: Window, threshold: float) -> tuple[Memory, bool]:
    """Bet once more that the floor is broken."""
    assert ground.aims.floor is not None  # noqa: S101  the caller has looked
    mix, below = _share(memory), ground.scale.split(threshold)
    detector = memory.detector.after(ground.aims.floor, window.labels, memory.evidence.labels, mix, below)
    if detector.rests:
        return replace(memory, detector=detector, suspect=Period(window.until)), False
    suspect = memory.suspect.after(window.labels)
    if not detector.rings:
        return replace(memory, detector=detector, suspect=suspect), False
    memory = memory.reset(window.until)
    return replace(memory, evidence=suspect, later=Period(suspect.since, suspect.labels), retreating=True), True


def _refuge(ground: Ground, memory: Memory, threshold: float) -> float | None:
    """Return the threshold down to which the floor holds for the traffic of these hours; None when it holds here.

    What is known of answers is known still, when it is traffic that changes: this needs no new labels. And it looks
    before a drift makes the evidence worthless, which it is for moves towards the first tier only.
    """
    assert ground.aims.floor is not None  # noqa: S101  the caller has looked
    if memory.refuge is not None:
        return memory.refuge if threshold > memory.refuge else None
    if memory.retreating:
        return None
    labels, below = memory.evidence.labels, np.vstack([ground.scale.below, ground.scale.split(threshold)])
    found, fresh = [], drift.stability(memory.recent, ground.scale.sizes())
    sudden = "difficulty" not in memory.drifts and drift.shifted("difficulty", fresh, before=False)
    for bands in (memory.recent, memory.lately) if sudden else (memory.lately,):
        count = float(bands.sum())
        if count < drift.ENOUGH or labels.judged < _JUDGED:
            continue
        margin, error = known_to_hold(ground.aims.floor, labels, bands / count, count, below)
        if margin[-1] + _SURELY * error[-1] >= 0:
            continue
        usual, _ = known_to_hold(ground.aims.floor, labels, _share(memory), count, below)
        if usual[-1] >= 0:  # or else it is answers that became worse
            lower = ground.scale.thresholds
            holds = lower[(margin - _LIKELY * error >= 0)[:-1] & (lower < threshold)]
            found.append(float(holds[-1]) if len(holds) else float(lower[0]))
    return min(found, default=None)


def _shifts(memory: Memory, seen: Mapping[str, float], now: float) -> tuple[Memory, tuple[str, ...]]:
    """Look for drift whenever there were enough requests."""
    if memory.recent.sum() < drift.ENOUGH:
        return memory, ()
    enough = memory.evidence.labels.judged >= drift.ENOUGH
    found = {kind: value for kind, value in seen.items() if kind != "calibration" or enough}
    here = tuple(kind for kind in found if drift.shifted(kind, found[kind], before=kind in memory.drifts))
    anew = {"calibration"} if memory.retreating else set[str]()  # its evidence began when answers became worse
    new = [kind for kind in here if kind not in memory.drifts and kind not in anew]
    unknown = tuple(kind for kind in memory.drifts if kind not in found)  # nothing says that it is over
    memory = replace(memory, drifts=here + unknown, recent=np.zeros(BANDS), novel=0.0)
    if not new:
        return memory, ()
    told = tuple(f"{_WORDS[kind]} ({found[kind]:.2f}): evidence is collected anew" for kind in new)
    if new != ["calibration"]:
        return memory.reset(now), told
    since = memory.suspect  # what speaks against the floor is kept: only what may be old goes
    return replace(memory, evidence=since, later=Period(since.since, since.labels)), told


def _drift(ground: Ground, memory: Memory) -> dict[str, float]:
    """How far traffic and answers are from what the model was trained on."""
    found: dict[str, float] = {}
    if total := float(memory.recent.sum()):
        found = {"difficulty": drift.stability(memory.recent, ground.scale.sizes()), "novelty": memory.novel / total}
    gap = drift.calibration_gap(memory.evidence.labels, ground.scale)
    return found if gap is None else {**found, "calibration": gap}


def _looked(ground: Ground, memory: Memory, window: Window, threshold: float) -> Choice:
    """Forecast every candidate, and the threshold in force as the last of them."""
    mix, at = _share(memory), ground.scale.split(threshold)
    below = np.vstack([ground.scale.below, at])
    known = rates(window, memory.spent, at)
    floor = ground.aims.floor
    return Choice(
        ground,
        memory,
        window,
        np.append(ground.scale.thresholds, threshold),
        forecast(known, window, mix, below, ground.aims.latency),
        _margins(floor, memory, below) if floor else None,
        known.priced,
    )


def _margins(floor: Floor, memory: Memory, below: Vector) -> Margins:
    """Say by how much the floor holds, with the traffic of seven days or of the last hours, whichever is harder."""
    mixes = np.stack([memory.mix, memory.lately])
    shares = mixes / np.maximum(mixes.sum(axis=1, keepdims=True), 1.0)
    return margins(floor, memory.evidence.labels, shares, below)


def _counted(choice: Choice) -> Memory:
    """Count windows in a row that miss an aim, and end a retreat that has come to where the floor is proven again."""
    memory, window, aims = choice.memory, choice.window, choice.ground.aims
    if window.disturbed:
        return memory
    late = aims.latency is not None and significantly_over(_late(choice, aims.latency), LATE, window.total)
    often = aims.escalations is not None and escalating(window, aims.escalations)
    over = memory.retreating and choice.margins is not None and float(choice.margins.proven[-1]) >= 0
    return replace(
        memory,
        late=memory.late + 1 if late else 0,
        escalating=memory.escalating + 1 if often else 0,
        dear=memory.dear + 1 if dearer(choice) else 0,
        retreating=memory.retreating and not over,
    )


def _late(choice: Choice, limit: float) -> float:
    """The share of this window's requests that were slower."""
    return float(slower(choice.window.slow.sum(axis=0), choice.window.edges, np.array([limit]))[0])


def _aims(choice: Choice) -> tuple[Aim, ...]:
    """Every objective against what was measured."""
    aims, window, found = choice.ground.aims, choice.window, list[Aim]()
    if aims.floor is not None:
        broken = choice.memory.retreating and choice.margins is not None and float(choice.margins.likely[-1]) < 0
        broken = broken or choice.memory.refuge is not None
        found.append(Aim("quality", aims.floor.min, _quality(aims.floor.min, choice.margins), broken))
    if aims.latency is not None:
        p95 = percentile(window.slow.sum(axis=0), window.edges)
        late = significantly_over(_late(choice, aims.latency), LATE, window.total)
        found.append(Aim("latency_p95_seconds", aims.latency, p95, late))
    if aims.escalations is not None:
        low = float(window.requests[LOW].sum())
        rate = float(window.escalated.sum()) / low if low else None
        found.append(Aim("escalation_rate", aims.escalations, rate, escalating(window, aims.escalations)))
    if aims.cost is not None:
        cost = float(choice.forecast.cost[-1]) if choice.priced else None
        found.append(Aim("cost_per_request_usd", aims.cost, cost, cost is not None and cost > aims.cost))
    return tuple(found)


def _quality(least: float, known: Margins | None) -> float | None:
    """What is served, as a share of what the last tier's answers are worth."""
    return least + float(known.estimate[-1]) / known.last if known and known.last else None


def _numbers(choice: Choice) -> dict[str, float]:
    ahead: Forecast = choice.forecast
    numbers = {
        "requests": choice.window.total,
        "labels": choice.window_labels,
        "share": float(ahead.share[-1]),
        "cost": float(ahead.cost[-1]),
    }
    if choice.margins is not None and choice.margins.reach:
        numbers["proven"] = float(choice.thresholds[min(choice.margins.reach, len(choice.thresholds) - 1) - 1])
    return numbers


def _share(memory: Memory) -> Vector:
    return memory.mix / max(float(memory.mix.sum()), 1.0)
