"""The model that ships with the package, for those who have no outcomes yet.

It was trained on public outcomes of other people's small and large models, so it knows what is generally hard for a
small model and nothing about yours. Its tiers are mapped by position: your first is its small one, your last its large
one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from router.chat import ChatRequest
from router.difficulty.estimate import Estimate, band_of, losses
from router.difficulty.file import unpack
from router.difficulty.model import Model, from_contents
from router.signals import Signals

NAME: Final = "builtin.model"


@dataclass(frozen=True, slots=True)
class Builtin:
    """The shipped two-tier model, stretched over a cascade of any length."""

    model: Model
    tiers: tuple[str, ...]

    def __call__(self, request: ChatRequest, signals: Signals) -> Estimate:
        """Return the estimate for `request`.

        Tiers between the first and the last are taken to lie evenly between them.
        """
        first, last = self.model(request, signals).p_good
        steps = len(self.tiers) - 1
        p_good = (*(first + (last - first) * step / steps for step in range(steps)), last)
        difficulty = losses(p_good)
        return Estimate(p_good, difficulty, band_of(difficulty[0], self.model.band_edges), novelty=None)

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
def shipped() -> Model:
    """Return the shipped model as it was trained, for two tiers."""
    data = files("router.difficulty").joinpath(NAME).read_bytes()
    return from_contents(unpack(data, "the builtin model"), "the builtin model")
