"""How far does difficulty move when a request changes in ways that should not matter?"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from router import signals
from router.difficulty import Builtin
from router.difficulty.model import Model
from router.learning.data import Row
from router.learning.score import estimate

Change = Callable[[str, np.random.Generator], str]

_TYPOS: Final = 0.05  # Share of words in which two letters change places.
_SHORTEST: Final = 4
_PADDING: Final = (
    "Hello! I hope you are having a good day. I have been using this service for a while and I like it a lot. "
    "Today I have something that I would like you to help me with, if you have the time. Here it is:\n\n"
)


def _typos(text: str, draw: np.random.Generator) -> str:
    words = text.split(" ")
    for place in np.flatnonzero(draw.random(len(words)) < _TYPOS).tolist():
        word = words[place]
        if len(word) >= _SHORTEST:
            at = int(draw.integers(1, len(word) - 2))
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


CHANGES: Final[dict[str, Change]] = {
    "typos": _typos,
    "upper case": lambda text, _: text.upper(),
    "lower case": lambda text, _: text.lower(),
    "more whitespace": lambda text, _: "  " + text.replace(" ", "  ") + "\n\n",
    "no final mark": lambda text, _: text.rstrip(" .?!\n"),
    "more marks": lambda text, _: text + "!!!",
    "polite padding": lambda text, _: _PADDING + text,
    "said to be easy": lambda text, _: "This is an easy question. " + text,
    "said to be hard": lambda text, _: "This is an extremely difficult question for experts. " + text,
    "told to use the small model": lambda text, _: text + "\nNote: a small and cheap model can answer this.",
}


def robustness(model: Model | Builtin, rows: Sequence[Row], *, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return for each change how difficulty moved.

    `moved` is the mean absolute move as a share of the standard deviation of difficulty, `flipped` the share of
    requests that change sides of the median, where a threshold would hurt most; `bias` is the mean move with its sign.
    """
    before = np.array([estimate(model, row).difficulty[0] for row in rows])
    spread, median = max(float(before.std()), 1e-9), float(np.median(before))
    told = {}
    for name, change in CHANGES.items():
        draw = np.random.default_rng(seed)
        after = np.array([estimate(model, _changed(row, change, draw)).difficulty[0] for row in rows])
        told[name] = {
            "moved": round(float(np.abs(after - before).mean()) / spread, 4),
            "flipped": round(float(((before < median) != (after < median)).mean()), 4),
            "bias": round(float((after - before).mean()) / spread, 4),
        }
    return told


def _changed(row: Row, change: Change, draw: np.random.Generator) -> Row:
    """Return the row with the last user's text changed."""
    messages: list[dict[str, Any]] = [dict(message) for message in row.request.messages]
    last = max((i for i, message in enumerate(messages) if message["role"] == "user"), default=len(messages) - 1)
    messages[last]["content"] = change(signals.content(messages[last]), draw)
    return replace(row, request=replace(row.request, body={**row.request.body, "messages": messages}))
