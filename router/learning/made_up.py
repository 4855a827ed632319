"""Outcomes of a made-up language, as many as are wanted: `python -m router.learning.made_up ROWS SEED FILE`.

For measuring what training takes and what more labels bring. What makes a request hard is spread over thousands of
words, common and rare, so that twenty thousand outcomes cannot tell it all; words are syllables, so that nothing else
than the outcomes knows what they mean. The world is always the same; the seed draws requests and answers from it.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

WORDS: Final = 30_000
TASKS: Final = 12

_WORLD = 7
_CONSONANTS = "b d f g k l m n p r s t v z ch st tr"
_VOWELS = "a e i o u ai ou"
_COMMON = 0.4  # The share of a request's words that every task uses alike.
_FLAT = 0.9  # How fast words get rarer by rank.
_SHORTEST, _LONGEST = 4, 400  # Words of a request.


def main(count: int, seed: int, out: Path) -> None:
    """Write so many rows."""
    with out.open("wb") as file:
        for row in rows(count, seed):
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield outcome data."""
    words, weight, order, rank = _world()
    draw = np.random.default_rng(seed)
    for number in range(count):
        task = int(draw.integers(TASKS))
        length = int(np.clip(draw.lognormal(3.4, 0.7), _SHORTEST, _LONGEST))
        found = rank.searchsorted(draw.random(length))
        said = np.where(draw.random(length) < _COMMON, found, order[task][found])
        hard = 3.0 * float(weight[said].sum()) / length**0.5
        chance = {"tuned": 1 / (1 + np.exp(hard - 0.6)), "frontier": 1 / (1 + np.exp(hard / 2 - 1.8))}
        yield {
            "id": str(number),
            "task": f"task {task}",
            "messages": [{"role": "user", "content": " ".join([words[word] for word in said.tolist()])}],
            "outcomes": {tier: {"score": int(draw.random() < good)} for tier, good in chance.items()},
        }


@cache
def _world() -> tuple[list[str], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Words; how hard each makes a request; each task's order of them; and how likely each rank is, added up."""
    draw = np.random.default_rng(_WORLD)
    syllables = [consonant + vowel for consonant in _CONSONANTS.split() for vowel in _VOWELS.split()]
    words = ["".join(draw.choice(syllables, draw.integers(1, 5))) for _ in range(WORDS)]
    weight = draw.normal(0, 1, WORDS) * (draw.random(WORDS) < 0.5)
    order = np.array([draw.permutation(WORDS) for _ in range(TASKS)])
    likely = np.cumsum(np.arange(1, WORDS + 1) ** -_FLAT)
    return words, weight, order, likely / likely[-1]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
