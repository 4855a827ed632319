"""A learned model: from a request to its estimate.

Three experts look at a request. The *linear* one adds up what words, word pairs and measures of structure say, in any
language; the *tasks* expert tells which task a request belongs to, and how good each tier is at it; the *forest* votes
on structure, meaning and what the other two say. Each says for each tier how likely a good answer is, and their log
odds are mixed into one calibrated probability.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router.chat import ChatRequest
from router.difficulty import text, words
from router.difficulty.estimate import BANDS, Estimate, ModelError, Trained, band_of, losses
from router.difficulty.features import LEAST, SEEN_BITS, Features, Space, raw
from router.difficulty.file import Array, Contents, read
from router.difficulty.forest import Forest
from router.difficulty.origins import Origins
from router.difficulty.quantiles import QUANTILES, edges_of, share_of, threshold_of
from router.difficulty.tasks import Tasks
from router.signals import Signals

PER_CENT = np.linspace(0.0, 1.0, QUANTILES)
EXPERTS: Final = 3
TOLD: Final = 2
"""Experts whose opinions the forest is told."""

_SURE = 0.01
_SHOWN = 6  # Reasons that an explanation gives.


@dataclass(frozen=True, slots=True)
class Linear:
    """What every feature says about each tier, in log odds. Shapes end in the number of tiers."""

    grams: Array
    structure: Array
    bias: Array
    table: Array
    """What each gram adds, its rarity included, and beside it the square of its rarity. Shape (2**BITS, tiers + 1)."""

    @classmethod
    def of(cls, rarity: Array, *, grams: Array, structure: Array, bias: Array) -> "Linear":
        """Return the expert with its table made: one look for each gram of a request, where there were three."""
        table = np.empty((len(rarity), len(bias) + 1), np.float32)
        np.multiply(rarity[:, None], grams, out=table[:, :-1], dtype=np.float32)
        np.square(rarity, out=table[:, -1], dtype=np.float32)
        return cls(grams, structure, bias, table)

    def odds(self, features: Features) -> NDArray[np.float32]:
        """Return the log odds for each tier."""
        found = self.table.take(features.grams, axis=0)
        total = np.ones(len(found), np.float32) @ found  # Three times as fast as a sum along the grams.
        said = total[:-1] / max(float(total[-1]) ** 0.5, LEAST)
        odds: NDArray[np.float32] = said + features.structure @ self.structure + self.bias
        return odds


@dataclass(frozen=True, slots=True)
class Model(Trained):
    """What was learned about one pair, or row, of tiers. Calling it estimates."""

    tiers: tuple[str, ...]
    hash: str
    space: Space
    linear: Linear
    forest: Forest
    tasks: Tasks
    mix: Array
    """Per tier: the weight of each expert's log odds, and an offset. Shape (EXPERTS + 1, tiers)."""
    quantiles: tuple[float, ...]
    """The training prompts' difficulties, by per cent."""
    distances: tuple[float, ...]
    """The training prompts' distances from each other, by per cent; empty when the model cannot tell what is new."""
    escalations: tuple[tuple[float, ...], ...] | None
    """How often each tier's answers did not pass their checks, by band; None when the outcomes did not say."""
    origins: Origins
    """Whose answers the outcomes were; empty when nobody said."""
    training: dict[str, Any]
    """What the model was trained on and how well it did, as its card tells it."""

    def __call__(self, request: ChatRequest, signals: Signals) -> Estimate:
        """Return the estimate for `request`."""
        features = self.space.features(raw(request, signals))
        p_good = self.p_good(features)
        difficulty = losses(p_good)
        novelty = percentile(features.distance, self.distances) if self.distances else None
        band = band_of(difficulty[0], self.band_edges)
        p_escalate = tuple(rates[band] for rates in self.escalations) if self.escalations else None
        return Estimate(p_good, difficulty, band, novelty, p_escalate)

    @property
    def band_edges(self) -> tuple[float, ...]:
        """The nine deciles of the training prompts' difficulties."""
        return edges_of(self.quantiles)

    def p_good(self, features: Features) -> tuple[float, ...]:
        """Return the calibrated probability for each tier that its answer is good."""
        experts = odds(self.linear, self.forest, self.tasks, features)
        said = zip(*experts, *self.mix.tolist(), strict=True)
        return tuple(
            1.0 / (1.0 + math.exp(-(one * a + two * b + three * c + offset)))
            for one, two, three, a, b, c, offset in said
        )

    def threshold(self, share: float) -> float:
        """Return the threshold at which about `share` of the training prompts start at the first tier."""
        return threshold_of(share, self.quantiles)

    def share(self, threshold: float) -> float:
        """Return the share of the training prompts whose difficulty is below `threshold`."""
        return share_of(threshold, self.quantiles)

    def explain(self, request: ChatRequest, signals: Signals) -> list[tuple[str, float]]:
        """Return what moved the estimate most, strongest first, with how much it added to the log odds of difficulty.

        Words are those of the request; measures of structure have the names of `text.STRUCTURE`. What the forest
        and the tasks say cannot be told apart by word and is left out.
        """
        features = self.space.features(raw(request, signals))
        apart = (self.linear.structure[:, -1] - self.linear.structure[:, 0]) * features.structure
        reasons = dict(zip(text.STRUCTURE, apart.tolist(), strict=True))
        heads = self.linear.grams[:, -1].astype(np.float32) - self.linear.grams[:, 0]
        said = dict(zip(features.grams.tolist(), self.space.rarities(features.grams).tolist(), strict=True))
        found = text.read(request)
        for word, place in zip(found.tokens.words, text.places(found.hashes).tolist(), strict=True):
            reasons[f"“{word.decode(errors='replace')}”"] = float(heads[place] * said.get(place, 0.0))
        strongest = sorted(reasons.items(), key=lambda reason: -abs(reason[1]))
        return [(name, moved) for name, moved in strongest[:_SHOWN] if moved]


def percentile(value: float, quantiles: Sequence[float]) -> float:
    """Return which share of a sample lies below `value`, between the per cents that are known by a straight line."""
    above = bisect_right(quantiles, value)
    if above in {0, len(quantiles)}:
        return float(above > 0)
    low, high = quantiles[above - 1], quantiles[above]
    return (above - 1 + (value - low) / (high - low)) / (len(quantiles) - 1)


def odds(linear: Linear, forest: Forest, tasks: Tasks, features: Features) -> tuple[list[float], ...]:
    """Return every expert's log odds for each tier: a few numbers, for which numpy would take longer."""
    line = linear.odds(features).tolist()
    rates = tasks.vote(features.dense).tolist()
    known = np.concatenate((features.dense, np.array(told(line, rates), np.float32)))
    return line, [*map(log_odds, forest.vote(known).tolist())], [*map(log_odds, rates)]


def told(line: Sequence[float], rates: Sequence[float]) -> tuple[float, ...]:
    """Return what the linear and the tasks expert tell the forest: each tier's chances, and what the last one gains."""
    likely = [1.0 / (1.0 + math.exp(-one)) for one in line]
    return (*likely, *rates, likely[-1] - likely[0], rates[-1] - rates[0])


def log_odds(share: float) -> float:
    """Return the log odds of a share; one of nothing or everything is taken to be one in a hundred off."""
    inside = min(max(share, _SURE), 1.0 - _SURE)
    return math.log(inside / (1.0 - inside))


def load(path: Path, tiers: Sequence[str]) -> Model:
    """Read the model file at `path` for these tiers, cheapest first.

    Raises:
        ModelError: it cannot be used, and in one line why.
    """
    model = from_contents(read(path), str(path))
    if model.tiers != tuple(tiers):
        trained, wanted = ", ".join(model.tiers), ", ".join(tiers)
        raise ModelError(f"{path}: trained for the tiers {trained}, not for {wanted}")
    return model


def from_contents(contents: Contents, place: str) -> Model:
    """Return the model that a file's contents describe; `place` is what errors call the file."""
    if contents.header.get("words") != words.table().hash:
        raise ModelError(f"{place}: trained with another word table; train the model again")
    try:
        model = _made(contents)
        if _fit(model):
            return model
    except (KeyError, TypeError) as error:
        raise ModelError(f"{place}: corrupt: {error} is missing or misplaced") from error
    except ValueError:
        pass  # Arrays that cannot even be multiplied.
    raise ModelError(f"{place}: corrupt: its parts do not fit each other")


def _made(contents: Contents) -> Model:
    header, arrays = contents.header, contents.arrays
    return Model(
        tiers=tuple(header["tiers"]),
        hash=contents.hash,
        space=Space(**{name: arrays[name] for name in SPACE}),
        linear=Linear.of(arrays["rarity"], **{name: arrays[name] for name in LINEAR}),
        forest=Forest(**{name: arrays[name] for name in FOREST}, depth=int(header["depth"])).ready(),
        tasks=Tasks(**{name: arrays[name] for name in TASKS}),
        mix=arrays["mix"],
        quantiles=tuple(header["quantiles"]),
        distances=tuple(header["distances"]),
        escalations=tuple(map(tuple, rates)) if (rates := header["escalations"]) else None,
        origins=header["origins"],
        training=header["training"],
    )


SPACE: Final = ("rarity", "centre", "scale", "origin", "landmarks", "halves", "seen")
LINEAR: Final = ("grams", "structure", "bias")
FOREST: Final = ("roots", "feature", "cut", "child", "votes")
TASKS: Final = ("weights", "offsets", "rates")
"""The arrays of a model file that make each part."""


def _fit(model: Model) -> bool:
    """Whether the parts fit each other: an index out of range would fail on a request, not here."""
    tiers, nodes = len(model.tiers), len(model.forest.child)
    space, linear, forest, tasks = model.space, model.linear, model.forest, model.tasks
    shapes: tuple[tuple[Array, tuple[int, ...]], ...] = (
        (space.rarity, (1 << text.BITS,)),
        (space.landmarks, (len(space.halves), space.dense_width)),
        (space.halves, (max(1, len(space.landmarks)),)),
        (space.scale, (len(text.STRUCTURE),)),
        (space.centre, (len(text.STRUCTURE),)),
        (space.origin, (words.WIDTH,)),
        (space.seen, (1 << SEEN_BITS,)),
        (linear.bias, (tiers,)),
        (linear.grams, (1 << text.BITS, tiers)),
        (linear.structure, (len(text.STRUCTURE), tiers)),
        (forest.cut, (nodes,)),
        (forest.feature, (nodes,)),
        (forest.votes, (nodes, tiers)),
        (tasks.weights, (space.dense_width, len(tasks.offsets))),
        (tasks.rates, (len(tasks.offsets), tiers)),
        (model.mix, (EXPERTS + 1, tiers)),
        (np.array(model.quantiles), (QUANTILES,)),
        (np.array(model.escalations or np.zeros((tiers, BANDS))), (tiers, BANDS)),
    )
    indices = ((forest.roots, nodes), (forest.child, nodes), (forest.feature, space.dense_width + TOLD * (tiers + 1)))
    inside = all(array.size and array.min() >= 0 and array.max() < end for array, end in indices)
    return inside and all(array.shape == shape for array, shape in shapes)
