"""From labelled traffic to a threshold with a guarantee, in a file that a policy can name."""

from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from router.calibration import FORMAT, Calibration, Sample, calibrate
from router.difficulty import Builtin
from router.difficulty.model import Model
from router.learning import figures
from router.learning.score import Judged

_SEED: Final = 0


def run(
    model: Model | Builtin, seen: Judged, *, floor: float, confidence: float, today: date, seed: int = _SEED
) -> dict[str, Any]:
    """Return what `smallfirst calibrate` prints and what its file holds."""
    sample = Sample(seen.difficulty, seen.scores[:, 0], seen.scores[:, -1]).shuffled(seed)
    found = calibrate(sample, thresholds(model), floor=floor, confidence=confidence)
    quality = {"served": found.served, "frontier": found.frontier, "lower_bound": found.lower_bound}
    return {
        "format": FORMAT,
        "model": model.hash,
        "tiers": list(model.tiers),
        "date": today.isoformat(),
        "threshold": found.threshold,  # Never rounded: one step up could let a request through that was not tested.
        **figures.rounded(
            {
                "floor": found.floor,
                "confidence": found.confidence,
                "n": found.n,
                "tuned_share": found.tuned_share,
                "quality": quality,
                "cost_usd": _cost(seen, found),
            }
        ),
    }


def thresholds(model: Model | Builtin) -> list[float]:
    """Return the thresholds that may be chosen: the model's own quantiles, and an even grid for unlike traffic."""
    own = np.nextafter(np.asarray(model.quantiles), np.inf)
    return list(np.union1d(own, np.linspace(0.05, 1, 20)).tolist())


def write(found: dict[str, Any], out: Path) -> None:
    """Write the file that `calibration: FILE` names."""
    out.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _cost(seen: Judged, found: Calibration) -> dict[str, float] | None:
    """Return dollars per thousand requests, as served and as the last tier alone; None without costs of both tiers."""
    costs = np.array([row.costs for row in seen.rows])[:, [0, -1]]
    if np.isnan(costs).any():
        return None
    served = np.where(seen.difficulty < found.threshold, costs[:, 0], costs[:, 1])
    return {"served": 1_000 * float(served.mean()), "frontier": 1_000 * float(costs[:, 1].mean())}
