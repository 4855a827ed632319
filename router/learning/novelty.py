"""How much of other sources, and of its own held-out prompts, does a model call novel?"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from router import signals
from router.difficulty.model import Model
from router.learning.data import Row

LIMIT: Final = 0.99
"""What `scope` says when nobody says otherwise."""

_CODE: Final = re.compile(r"def |Write a (python )?function")
_OPTIONS: Final = "\nA."
_BARE = 600  # Prompts whose answer options are taken away.


def report(models: Mapping[str, Model], parts: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """Yield a table: the share of each group of held-out prompts that lies beyond the limit, by training source."""
    told = groups(parts)
    yield f"novelty: share beyond {LIMIT}, by what a model was trained on"
    yield "  " + "".join(f"{name:>16}" for name in ("", *told))
    yield "  " + "".join(f"{name:>16}" for name in ("(prompts)", *(f"{len(rows):,}" for rows in told.values())))
    for name, model in models.items():
        yield "  " + "".join(
            f"{said:>16}" for said in (name, *(f"{beyond(model, rows):.1%}" for rows in told.values()))
        )


def beyond(model: Model, rows: Sequence[Row]) -> float:
    """Return the share of rows that are more novel than the limit."""
    found = (model(row.request, signals.read(row.request)).novelty or 0.0 for row in rows)
    return float(np.mean([value > LIMIT for value in found]))


def groups(parts: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Return the development parts by source, and some kinds of prompts in them."""
    mmlu, gsm8k, mixed = (list(parts[f"{source}_dev"]) for source in ("mmlu", "gsm8k", "mixed"))
    return {
        "mmlu": mmlu,
        "gsm8k": gsm8k,
        "mixed": mixed,
        "law": [row for row in mmlu if "law" in (row.task or "")],
        "medicine": [row for row in mmlu if "medic" in (row.task or "")],
        "mathematics": [row for row in mmlu if "math" in (row.task or "")],
        "no options": [_bare(row) for row in mmlu[:_BARE]],
        "code": [row for row in mixed if _CODE.search(signals.subject(row.request))],
        "puzzles": [row for row in mixed if signals.subject(row.request).startswith("Q: There are")],
    }


def _bare(row: Row) -> Row:
    """Return a question of MMLU without the answers to choose from."""
    content = signals.subject(row.request).split(_OPTIONS)[0]
    body = {**row.request.body, "messages": [{"role": "user", "content": content}]}
    return replace(row, request=replace(row.request, body=body))
