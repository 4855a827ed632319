"""Where something was learned: which share of the training prompts starts at a tier, and at which threshold."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from router.difficulty.builtin import Builtin
from router.difficulty.estimate import Estimator, Trained

if TYPE_CHECKING:
    from router.difficulty.model import Model

    Learned: TypeAlias = Builtin | Model
else:  # a model file needs numpy, which the builtin model does without
    Learned = Trained


def load(path: Path, tiers: Sequence[str]) -> "Model":
    """Read the model file at `path` for these tiers, cheapest first.

    Raises:
        ModelError: it cannot be used, and in one line why.
    """
    from router.difficulty import model  # noqa: PLC0415  see above

    return model.load(path, tiers)


def learned(estimate: Estimator | None) -> Learned | None:
    """Return an estimator that was learned as what it is; None for constants and where there is nothing to estimate."""
    return estimate if isinstance(estimate, Learned) else None


def threshold(model: Learned, share: float, tier: int) -> float | None:
    """Return the threshold at which about `share` of the training prompts start at this tier or a cheaper one.

    None when the model cannot tell: a model file remembers what was difficult for its first tier only.
    """
    if isinstance(model, Builtin):
        return model.threshold(share, tier)
    return model.threshold(share) if tier == 0 else None


def share_below(model: Learned, threshold: float, tier: int) -> float | None:
    """Return the share of the training prompts whose difficulty for this tier is below `threshold`, where known."""
    if isinstance(model, Builtin):
        return model.share(threshold, tier)
    return model.share(threshold) if tier == 0 else None
