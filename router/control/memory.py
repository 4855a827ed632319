"""What control remembers of a route from one window to the next, and how that is written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from router.arrays import Vector, np
from router.confidence import STAKES
from router.control.floor import Detector
from router.control.labels import BANDS, Labels

__all__ = ["Memory", "Period"]


@dataclass(frozen=True, slots=True)
class Period:
    """Evidence since a moment."""

    since: float
    labels: Labels = field(default_factory=Labels.none)

    def after(self, labels: Labels) -> "Period":
        """Return it with more."""
        return Period(self.since, self.labels + labels)


@dataclass(frozen=True, slots=True)
class Memory:
    """One route's, while its state lasts."""

    evidence: Period
    later: Period
    """The second half of it, which the next period begins with."""
    suspect: Period
    """What came since the detector last rested: the evidence, once it rings."""
    detector: Detector = field(default_factory=Detector)
    mix: Vector = field(default_factory=lambda: np.zeros(BANDS))
    """Requests in each band, fading over seven days."""
    lately: Vector = field(default_factory=lambda: np.zeros(BANDS))
    """The same, fading over two hours or so: the floor has to hold in hard hours too."""
    recent: Vector = field(default_factory=lambda: np.zeros(BANDS))
    """Requests in each band since drift was last looked for."""
    novel: float = 0.0
    """Of them, those too unlike the training prompts."""
    spent: Vector = field(default_factory=lambda: np.zeros((2, 2, BANDS)))
    """Requests and cost by start and band, fading over seven days."""
    retreating: bool = False
    """Whether the floor broke, and the threshold has not come back to where it is proven."""
    refuge: float | None = None
    """The threshold down to which the floor holds for traffic that became harder; None: it holds where it is."""
    late: int = 0
    """Windows in a row in which latency was over its limit; the same for escalations and cost below."""
    escalating: int = 0
    dear: int = 0
    ceiling: float | None = None
    """The threshold that must not be passed for now, because further up something else broke."""
    ceiling_until: float = 0.0
    ceilings: int = 0
    drifts: tuple[str, ...] = ()
    judged: float = 0.0
    """When the last window was judged, in seconds since 1970; 0: never."""

    @classmethod
    def new(cls, now: float) -> Self:
        """Begin."""
        return cls(Period(now), Period(now), Period(now))

    def reset(self, now: float) -> Self:
        """Begin collecting evidence anew; traffic and ceilings are remembered."""
        return replace(self, evidence=Period(now), later=Period(now), suspect=Period(now), detector=Detector())

    def ceiling_at(self, now: float) -> float | None:
        """The threshold that must not be passed now."""
        return self.ceiling if now < self.ceiling_until else None

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "periods": [[period.since, period.labels.rows()] for period in (self.evidence, self.later, self.suspect)],
            "detector": [*self.detector.wealth, *self.detector.together],
            "mix": self.mix.tolist(),
            "lately": self.lately.tolist(),
            "recent": self.recent.tolist(),
            "spent": self.spent.tolist(),
            "plain": {name: getattr(self, name) for name in _PLAIN},
            "drifts": list(self.drifts),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            evidence, later, suspect = (Period(float(at), Labels.of(rows)) for at, rows in document["periods"])
            wealth = tuple(float(each) for each in document["detector"])
            vectors = {name: np.array(document[name], dtype=float) for name in ("mix", "lately", "recent", "spent")}
            known = {"refuge": None, **document["plain"]}
            plain = {name: known[name] for name in _PLAIN}
            drifts = tuple(str(kind) for kind in document["drifts"])
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError("not a memory of control") from error
        fits = [vectors[name].shape == shape for name, shape in (("mix", (BANDS,)), ("spent", (2, 2, BANDS)))]
        if (
            not all(fits)
            or vectors["recent"].shape != (BANDS,)
            or vectors["lately"].shape != (BANDS,)
            or len(wealth) not in {len(STAKES), 2 * len(STAKES)}
        ):
            raise ValueError("not a memory of control")
        detector = Detector(wealth[: len(STAKES)], wealth[len(STAKES) :] or Detector().together)
        memory = cls(evidence, later, suspect, detector, drifts=drifts)
        changes: dict[str, Any] = {**vectors, **plain}
        return replace(memory, **changes)


_PLAIN = (
    *("novel", "retreating", "refuge", "late", "escalating", "dear"),
    *("ceiling", "ceiling_until", "ceilings", "judged"),
)
