"""One small model and what it said, made once for all tests that need one."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from router.difficulty import Model
from router.learning import train
from router.learning.data import Row, Tally, rows
from router.learning.score import DEFAULT_TIERS, Judged, judged
from tests.learning.outcomes import lines, written


def read(n: int, seed: int = 0) -> list[Row]:
    """Return made-up outcomes as rows."""
    with TemporaryDirectory() as folder:
        return list(rows([written(Path(folder) / "d.jsonl", lines(n, seed))], DEFAULT_TIERS, Tally()))


@cache
def model() -> Model:
    """Return a model of 200 rows."""
    return train.model(*train.fit(read(200), DEFAULT_TIERS))


@cache
def seen() -> Judged:
    """Return what the model said of 300 other rows."""
    return judged(model(), read(300, seed=1))
