"""One small model and what it said, made once for all tests that need one."""

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from router.difficulty import file
from router.difficulty.model import Model
from router.learning import calibrate, train
from router.learning.data import Row, Tally, rows
from router.learning.score import DEFAULT_TIERS, Judged, judged
from tests.learning.outcomes import lines, written


def read(n: int, seed: int = 0) -> list[Row]:
    """Return made-up outcomes as rows."""
    with TemporaryDirectory() as folder:
        return list(rows([written(Path(folder) / "d.jsonl", lines(n, seed))], DEFAULT_TIERS, Tally()))


@cache
def fitted() -> tuple[dict[str, Any], dict[str, file.Array]]:
    """Return the header and the arrays of a model of 200 rows."""
    return train.fit(read(200), DEFAULT_TIERS)


@cache
def model() -> Model:
    """Return that model."""
    return train.model(*fitted())


def model_file(**changed: object) -> bytes:
    """Return what its file holds, with parts of the header replaced."""
    header, arrays = fitted()
    return file.pack({**header, **changed}, arrays)


def calibration_file(**changed: object) -> bytes:
    """Return what `smallfirst calibrate --floor 0.7 --out` writes for it, with parts replaced."""
    found = calibrate.run(model(), seen(), floor=0.7, confidence=0.95, today=date(2026, 11, 22))
    return orjson.dumps({**found, **changed})


@cache
def seen() -> Judged:
    """Return what the model said of 300 other rows."""
    return judged(model(), read(300, seed=1))
