"""A learned model: from a request to its estimate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from router import signals as facts
from router.chat import ChatRequest
from router.difficulty.estimate import BANDS, Estimate, band_of, losses
from router.difficulty.file import Array, Contents, ModelError, read
from router.difficulty.text import BITS, STRUCTURE, grams, structure
from router.signals import Signals

QUANTILES = 101
"""How finely the training prompts' difficulties are remembered: per cent."""


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned about one pair (or row) of tiers. Calling it estimates."""

    tiers: tuple[str, ...]
    hash: str
    idf: Array
    """How much a feature says, by its rarity. Shape (2**BITS,)."""
    weights: Array
    """What a feature says about each tier. Shape (2**BITS, tiers)."""
    bias: Array
    centre: Array
    scale: Array
    slopes: Array
    """What each standardised measure of structure says about each tier. Shape (measures, tiers)."""
    platt: Array
    """Slope and offset per tier that turn raw log odds into probabilities. Shape (2, tiers)."""
    quantiles: tuple[float, ...]
    """The training prompts' difficulties, by per cent."""
    training: dict[str, Any]
    """What the model was trained on and how well it did, as its card tells it."""

    def __call__(self, request: ChatRequest, signals: Signals) -> Estimate:
        """Return the estimate for `request`."""
        p_good = self.p_good(request, signals)
        difficulty = losses(p_good)
        return Estimate(p_good, difficulty, band_of(difficulty[0], self.band_edges), novelty=None)

    @property
    def band_edges(self) -> tuple[float, ...]:
        """The nine deciles of the training prompts' difficulties."""
        step = (QUANTILES - 1) // BANDS
        return self.quantiles[step : QUANTILES - 1 : step]

    def p_good(self, request: ChatRequest, signals: Signals) -> tuple[float, ...]:
        """Return the calibrated probability for each tier that its answer is good."""
        ids = grams(facts.clip(facts.subject(request)))
        rarity = self.idf[ids].astype(np.float32)
        said = rarity @ self.weights[ids].astype(np.float32) / max(float(np.sqrt(rarity @ rarity)), 1e-6)
        measured = np.clip((structure(signals) - self.centre) / self.scale, -3, 3) @ self.slopes
        odds = (said + measured + self.bias) * self.platt[0] + self.platt[1]
        return tuple((1 / (1 + np.exp(-odds))).tolist())

    def threshold(self, share: float) -> float:
        """Return the threshold at which about `share` of the training prompts start at the first tier."""
        return float(np.interp(share, np.linspace(0, 1, QUANTILES), self.quantiles))

    def share(self, threshold: float) -> float:
        """Return the share of the training prompts whose difficulty is below `threshold`."""
        return float(np.searchsorted(self.quantiles, threshold)) / QUANTILES

    def explain(self, _request: ChatRequest, signals: Signals) -> list[tuple[str, float]]:
        """Return the measures of structure that moved the estimate most, strongest first."""
        z = np.clip((structure(signals) - self.centre) / self.scale, -3, 3)
        moved = z * (self.slopes[:, -1] - self.slopes[:, 0])
        order = np.argsort(-np.abs(moved))[:5]
        return [(STRUCTURE[i], float(moved[i])) for i in order]


def load(path: Path, tiers: Sequence[str]) -> Model:
    """Read the model file at `path` for these tiers, cheapest first.

    Raises:
        ModelError: it cannot be used, and in one line why.
    """
    model = from_contents(read(path), str(path))
    if model.tiers != tuple(tiers):
        trained, wanted = ", ".join(model.tiers), ", ".join(tiers)
        raise ModelError(f"{path}: trained for the tiers {trained}; this route has {wanted}")
    return model


def from_contents(contents: Contents, place: str) -> Model:
    """Return the model that a file's contents describe; `place` is what errors call the file."""
    header, arrays = contents.header, contents.arrays
    try:
        tiers = tuple(header["tiers"])
        model = Model(
            tiers=tiers,
            hash=contents.hash,
            quantiles=tuple(header["quantiles"]),
            training=header["training"],
            **{name: arrays[name] for name in ("idf", "weights", "bias", "centre", "scale", "slopes", "platt")},
        )
        expected = {
            "idf": (1 << BITS,),
            "weights": (1 << BITS, len(tiers)),
            "slopes": (len(STRUCTURE), len(tiers)),
            "platt": (2, len(tiers)),
        }
    except (KeyError, TypeError) as error:
        raise ModelError(f"{place}: corrupt: {error} is missing or misplaced") from error
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ModelError(f"{place}: corrupt: {name} has the shape {arrays[name].shape}, not {shape}")
    return model
