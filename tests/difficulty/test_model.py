"""A model file that fits, or a clear refusal."""

from pathlib import Path

import numpy as np
import pytest

from router import signals
from router.chat import ChatRequest
from router.difficulty import ModelError, file, load
from router.learning import train
from router.learning.score import DEFAULT_TIERS
from tests.learning.small import read

HEADER, ARRAYS = train.fit(read(120), DEFAULT_TIERS)


def written(folder: Path, **changed: object) -> Path:
    """Write the model with parts of its header or arrays replaced."""
    header = {name: changed.get(name, value) for name, value in HEADER.items()}
    arrays = {name: np.asarray(changed.get(name, array)) for name, array in ARRAYS.items()}
    file.write(folder / "m.model", header, arrays)
    return folder / "m.model"


def test_it_is_loaded_and_estimates(tmp_path: Path) -> None:
    model = load(written(tmp_path), DEFAULT_TIERS)
    request = ChatRequest({"messages": [{"role": "user", "content": "Prove it."}]}, model="auto")
    estimate = model(request, signals.read(request))
    assert len(estimate.p_good) == 2
    assert estimate.difficulty[-1] == 0
    assert estimate == model(request, signals.read(request))


def test_how_often_answers_escalate_is_told_by_band_where_it_is_known(tmp_path: Path) -> None:
    request = ChatRequest({"messages": [{"role": "user", "content": "Prove it."}]}, model="auto")
    facts = signals.read(request)
    assert load(written(tmp_path), DEFAULT_TIERS)(request, facts).p_escalate is None
    rates = [[band / 10 for band in range(10)], [0.0] * 10]
    estimate = load(written(tmp_path, escalations=rates), DEFAULT_TIERS)(request, facts)
    assert estimate.p_escalate == (estimate.band / 10, 0.0)


def test_other_tiers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="trained for the tiers tuned, frontier, not for a, b, c"):
        load(written(tmp_path), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"words": "0" * 16}, "another word table"),
        ({"quantiles": [0.0]}, "do not fit"),
        ({"tiers": ["one"]}, "do not fit"),
        ({"bias": np.zeros(3, np.float32)}, "do not fit"),
        ({"grams": np.zeros((4, 2), np.float16)}, "do not fit"),
        ({"child": ARRAYS["child"] + 10**6}, "do not fit"),
        ({"feature": np.full_like(ARRAYS["feature"], 255)}, "do not fit"),
        ({"rates": np.zeros((9, 2), np.float32)}, "do not fit"),
        ({"weights": np.zeros((2, 2), np.float32)}, "do not fit"),
        ({"escalations": [[0.1] * 10]}, "do not fit"),
        ({"landmarks": ARRAYS["landmarks"][:0], "halves": ARRAYS["halves"][:0]}, "do not fit"),
        ({"halves": ARRAYS["halves"][:-1]}, "do not fit"),
        ({"seen": ARRAYS["seen"][:-1]}, "do not fit"),
        ({"depth": None}, "corrupt"),
    ],
)
def test_parts_that_do_not_fit_are_refused_at_load(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load(written(tmp_path, **changed), DEFAULT_TIERS)


def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    file.write(tmp_path / "m.model", HEADER, {name: array for name, array in ARRAYS.items() if name != "mix"})
    with pytest.raises(ModelError, match="'mix' is missing"):
        load(tmp_path / "m.model", DEFAULT_TIERS)
