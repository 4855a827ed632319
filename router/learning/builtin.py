"""Train the model that ships: `python -m router.learning.builtin FOLDER` with the outcome data in FOLDER."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import router.difficulty
from router import signals
from router.clock import SYSTEM
from router.difficulty.builtin import LIMIT, NAME, WEIGHTS
from router.difficulty.model import PER_CENT
from router.learning.data import Row, Tally, sample, scores
from router.learning.score import DEFAULT_TIERS

SOURCES = ("mmlu_train", "gsm8k_train", "mixed_train")
_EVERYTHING = 1_000_000
_LEAST = 0.01  # A fact that is always the same says nothing, and must not be divided by.
_FREEDOM = 10.0  # Two numbers are learned per tier from thousands of rows: hardly regularised.


def main(folder: Path) -> None:
    """Train on the training parts in `folder` and write the model into the package."""
    parts = {
        source: sample([folder / f"{source}.jsonl.gz"], DEFAULT_TIERS, Tally(), most=_EVERYTHING, seed=0)
        for source in SOURCES
    }
    today = datetime.fromtimestamp(SYSTEM.wall(), UTC).date()
    header = fit(parts, today=today)
    text = orjson.dumps(header, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    Path(router.difficulty.__file__).with_name(NAME).write_bytes(text)
    sys.stdout.buffer.write(orjson.dumps(header["training"], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def fit(parts: Mapping[str, Sequence[Row]], *, today: date) -> dict[str, Any]:
    """Return what the package keeps of a model of these sources, each of which counts as much as any other.

    Raises:
        ValueError: the difference between the tiers does not grow with the facts, so there is no difficulty in it.
    """
    measured = [np.array([_facts(row) for row in rows]) for rows in parts.values()]
    facts = np.concatenate(measured)
    source = np.concatenate([np.full(len(rows), 1.0 / len(rows)) for rows in measured])
    source *= len(facts) / source.sum()
    centre = np.average(facts, axis=0, weights=source)
    scale = np.maximum(np.sqrt(np.average((facts - centre) ** 2, axis=0, weights=source)), _LEAST)
    weight = np.clip((facts - centre) / scale, -LIMIT, LIMIT) @ np.array(list(WEIGHTS.values()))
    labels = np.concatenate([scores(rows) for rows in parts.values()])
    heads = [_head(weight, labels[:, tier], source) for tier in (0, -1)]
    if heads[0][1] >= heads[1][1]:
        raise ValueError("the facts do not tell what is hard for the small tier alone")
    p_good = [1 / (1 + np.exp(-(offset + slope * weight))) for offset, slope in heads]
    learned = {
        "centre": centre.tolist(),
        "scale": scale.tolist(),
        "heads": heads,
        "quantiles": np.quantile(np.maximum(0.0, p_good[1] - p_good[0]), PER_CENT).tolist(),
    }
    return {
        "hash": hashlib.sha256(orjson.dumps(learned)).hexdigest()[:16],
        "weights": dict(WEIGHTS),
        **learned,
        "training": {"rows": {name: len(rows) for name, rows in parts.items()}, "date": today.isoformat()},
    }


def _facts(row: Row) -> list[float]:
    read = signals.read(row.request)
    return [float(np.log1p(getattr(read, name))) for name in WEIGHTS]


def _head(weight: NDArray[np.float64], score: NDArray[np.float64], source: NDArray[np.float64]) -> tuple[float, float]:
    """Offset and slope of a tier's log odds; a score between 0 and 1 counts as that much of a good answer."""
    known = ~np.isnan(score)
    x = np.concatenate([weight[known], weight[known]])[:, None]
    y = np.concatenate([np.ones(known.sum()), np.zeros(known.sum())])
    share = np.concatenate([source[known] * score[known], source[known] * (1 - score[known])])
    learned = LogisticRegression(C=_FREEDOM).fit(x, y, sample_weight=share)
    return float(learned.intercept_[0]), float(learned.coef_[0, 0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
