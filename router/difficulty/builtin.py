"""The model that ships, for those who have no outcomes yet: how long a request is, and how many turns it takes.

It weighs three facts, words, commas and negations, on a logarithmic scale, and knows nothing else. On prompts of a kind
it has never seen that orders difficulty better than anything we could learn from other people's outcomes: words and
their meanings, which help at home, mislead abroad (docs/builtin-model.md has the figures). Its tiers are mapped by
position: your first is its small one, your last its large one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from math import exp, log1p
from operator import attrgetter
from typing import Any, Final

import orjson

from router.chat import ChatRequest
from router.difficulty.estimate import Estimate, Trained, band_of, losses
from router.difficulty.quantiles import edges_of, share_of, threshold_of
from router.signals import Signals

NAME: Final = "builtin.json"
WEIGHTS: Final[Mapping[str, float]] = {"words": 1.0, "commas": 0.5, "negations": 0.5}
"""How much each fact counts, in standard deviations; chosen by leaving one source of outcomes out at a time."""
_COUNTS: Final = attrgetter(*WEIGHTS)

LIMIT: Final = 3.0
"""Standard deviations beyond which a fact says no more."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A weighted sum of a few facts, and for each tier how likely a good answer is at that sum."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    """Of each fact's logarithm in the training prompts."""
    heads: tuple[tuple[float, float], ...]
    """Offset and slope of each tier's log odds."""
    quantiles: tuple[float, ...]
    """The training prompts' difficulties, by per cent."""
    hash: str
    training: Mapping[str, Any]
    """What it was trained on and how well it did, as its card tells it."""
    band_edges: tuple[float, ...] = field(init=False, repr=False, compare=False)
    """The nine deciles of the training prompts' difficulties."""
    tables: tuple[tuple[float, ...], ...] = field(init=False, repr=False, compare=False)
    """What each count of a fact says, in weighted standard deviations; whatever is more says as much as the last."""

    def __post_init__(self) -> None:
        """Work out once what every estimate needs."""
        object.__setattr__(self, "band_edges", edges_of(self.quantiles))
        measures = zip(WEIGHTS.values(), self.centre, self.scale, strict=True)
        object.__setattr__(self, "tables", tuple(_table(*measure) for measure in measures))

    def p_good(self, signals: Signals) -> tuple[float, float]:
        """Return the probability for each tier that its answer is good."""
        weight = sum(self._said(signals))
        small, large = self.heads
        return _chance(weight, small), _chance(weight, large)

    def explain(self, _request: ChatRequest, signals: Signals) -> list[tuple[str, float]]:
        """Return what moved the estimate, strongest first, with how much it added to the log odds of difficulty."""
        apart = self.heads[-1][1] - self.heads[0][1]
        said = zip(WEIGHTS, self._said(signals), strict=True)
        return sorted(((name, apart * each) for name, each in said), key=lambda one: -abs(one[1]))

    def threshold(self, share: float) -> float:
        """Return the threshold at which about `share` of the training prompts start at the first tier."""
        return threshold_of(share, self.quantiles)

    def share(self, threshold: float) -> float:
        """Return the share of the training prompts whose difficulty is below `threshold`."""
        return share_of(threshold, self.quantiles)

    def _said(self, signals: Signals) -> list[float]:
        """What each fact says, in weighted standard deviations."""
        said = []
        for fact, count in enumerate(_COUNTS(signals)):
            table = self.tables[fact]
            said.append(table[count] if count < len(table) else table[-1])
        return said


def _chance(weight: float, head: tuple[float, float]) -> float:
    """How likely a good answer is at a weighted sum."""
    offset, slope = head
    return 1.0 / (1.0 + exp(-(offset + slope * weight)))


def _table(weight: float, centre: float, scale: float) -> tuple[float, ...]:
    """What a fact says at each count, up to the first that says no more than the limit."""
    table: list[float] = []
    deviation = -LIMIT
    while deviation < LIMIT:
        deviation = (log1p(len(table)) - centre) / scale
        table.append(weight * min(max(deviation, -LIMIT), LIMIT))
    return tuple(table)


@dataclass(frozen=True, slots=True)
class Builtin(Trained):
    """The shipped two-tier model, stretched over a cascade of any length."""

    model: Plain
    tiers: tuple[str, ...]
    parts: tuple[float, ...] = field(init=False, repr=False, compare=False)
    """How far from the first tier to the last each one before the last is taken to lie."""

    def __post_init__(self) -> None:
        """Work out once what every estimate needs."""
        steps = len(self.tiers) - 1
        object.__setattr__(self, "parts", tuple(step / steps for step in range(steps)))

    def __call__(self, request: ChatRequest, signals: Signals) -> Estimate:  # noqa: ARG002  its facts are all signals
        """Return the estimate for `request`.

        Tiers between the first and the last are taken to lie evenly between them.
        """
        p_good: tuple[float, ...] = self.model.p_good(signals)
        if len(self.parts) != 1:
            p_good = self._stretched(*p_good)
        difficulty = losses(p_good)
        return Estimate(p_good, difficulty, band_of(difficulty[0], self.model.band_edges), None)

    def _stretched(self, first: float, last: float) -> tuple[float, ...]:
        return (*[first + (last - first) * part for part in self.parts], last)

    def threshold(self, share: float, tier: int = 0) -> float:
        """Return the threshold at which about `share` of the training prompts start at this tier or a cheaper one."""
        return self.model.threshold(share) * self._part(tier)

    def share(self, threshold: float, tier: int = 0) -> float:
        """Return the share of the training prompts whose difficulty for this tier is below `threshold`."""
        return self.model.share(threshold / self._part(tier))

    def _part(self, tier: int) -> float:
        """What a tier's difficulty is of the first tier's."""
        return 1 - tier / (len(self.tiers) - 1)

    def explain(self, request: ChatRequest, signals: Signals) -> list[tuple[str, float]]:
        """Return what moved the estimate most, as the model inside tells it."""
        return self.model.explain(request, signals)

    @property
    def hash(self) -> str:
        """What calibrations know the shipped model by."""
        return self.model.hash

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The difficulties of the prompts it was trained on, by per cent."""
        return self.model.quantiles


def builtin(tiers: Sequence[str]) -> Builtin:
    """Return the shipped model for these tiers, cheapest first."""
    return Builtin(shipped(), tuple(tiers))


@cache
def shipped() -> Plain:
    """Return the shipped model as it was trained, for two tiers."""
    return plain(orjson.loads(files("router.difficulty").joinpath(NAME).read_bytes()))


def plain(header: Mapping[str, Any]) -> Plain:
    """Return the model that a trained header describes."""
    return Plain(
        centre=tuple(header["centre"]),
        scale=tuple(header["scale"]),
        heads=tuple((offset, slope) for offset, slope in header["heads"]),
        quantiles=tuple(header["quantiles"]),
        hash=header["hash"],
        training=header["training"],
    )
