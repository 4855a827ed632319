"""What is remembered, and written down."""

from dataclasses import replace

import numpy as np
import orjson
import pytest

from router.control import Memory, judge
from tests.control.stories import ground, pairs, start, window


def test_it_comes_back_from_json_as_it_was() -> None:
    memory, _ = judge(ground(), start(), window(labels=pairs(30, loss=0.1)), 0.3)
    memory = replace(memory, ceiling=0.4, refuge=0.3, drifts=("novelty",))
    again = Memory.of(orjson.loads(orjson.dumps(memory.document())))
    assert again.document() == memory.document()
    assert np.allclose(again.evidence.labels.table, memory.evidence.labels.table)


@pytest.mark.parametrize("damage", [{"mix": [1.0]}, {"periods": []}, {"plain": {}}, {"detector": [1.0]}, {"mix": None}])
def test_anything_else_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not a memory|not enough values"):
        Memory.of({**start().document(), **damage})


def test_evidence_can_be_begun_anew_without_forgetting_traffic() -> None:
    memory, _ = judge(ground(), start(), window(labels=pairs(30, loss=0.1)), 0.3)
    fresh = memory.reset(5_000.0)
    assert not fresh.evidence.labels.table.any()
    assert fresh.evidence.since == 5_000.0
    assert fresh.mix.sum() == memory.mix.sum()


def test_what_an_earlier_release_wrote_is_evidence_still() -> None:
    memory, _ = judge(ground(), start(), window(labels=pairs(30, loss=0.1)), 0.3)
    document = memory.document()
    del document["plain"]["refuge"]
    again = Memory.of({**document, "detector": document["detector"][:12]})
    assert again.evidence.labels.pairs == memory.evidence.labels.pairs
    assert again.detector.wealth == memory.detector.wealth
    assert again.detector.together == start().detector.together
