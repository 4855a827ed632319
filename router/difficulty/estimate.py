"""What is said about a request before anybody answers it."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Protocol

from router.chat import ChatRequest
from router.frozen import frozen
from router.signals import Signals

BANDS: Final = 10
_EVEN_EDGES: Final = tuple(edge / BANDS for edge in range(1, BANDS))


@frozen
class Estimate:
    """How likely each tier's answer is good enough, cheapest tier first."""

    p_good: tuple[float, ...]
    difficulty: tuple[float, ...]
    """What is expected to be lost if this tier answers and not the last:

    Max(0, p_good[last] - p_good[tier]). The first is *the* difficulty.
    """
    band: int
    """The tenth of the training prompts' difficulties this one falls in, 0 to 9."""
    novelty: float | None
    """Share of the training prompts that were nearer to the others than this one is;

    None when the model cannot tell.
    """
    p_escalate: tuple[float, ...] | None = None
    """How likely each tier's answer would not pass its checks; None when the model cannot tell."""


class Estimator(Protocol):
    """Estimate a request from its text and its signals. Pure: the same request always gets the same estimate."""

    def __call__(self, request: ChatRequest, signals: Signals) -> Estimate:
        """Return the estimate for `request`."""
        ...


class Trained:
    """What an estimator is that was learned from outcomes."""

    __slots__ = ()


class ModelError(ValueError):
    """A model file that cannot be used, and in one line why."""


def losses(p_good: Sequence[float]) -> tuple[float, ...]:
    """Return the difficulty for every tier.

    A request that no tier can answer is not difficult, for paying more buys nothing.
    """
    best, lost = p_good[-1], []
    for p in p_good:
        lost.append(best - p if p < best else 0.0)  # noqa: PERF401  a comprehension is a call of its own
    return tuple(lost)


def band_of(difficulty: float, edges: Sequence[float]) -> int:
    """Return the band, 0 to 9, that a difficulty falls in; `edges` are the nine deciles between them."""
    return bisect_right(edges, difficulty)


def constant(value: float, tiers: int) -> Estimator:
    """Return an estimator that finds every request equally difficult, for tests and for switching difficulty off."""
    p_good = (*(1.0 - value for _ in range(tiers - 1)), 1.0)
    estimate = Estimate(
        p_good=p_good,
        difficulty=(*(value for _ in range(tiers - 1)), 0.0),
        band=band_of(value, _EVEN_EDGES),
        novelty=None,
    )

    def same(request: ChatRequest, signals: Signals) -> Estimate:  # noqa: ARG001  the point is that they do not matter
        return estimate

    return same
