"""Made-up outcomes with a difficulty that can be learned, for tests."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson

EASY = (
    "What is the well known capital city of {}?",
    "Who wrote the famous old book about {}?",
    "Name a colour that goes with {}.",
)
HARD = ("Prove that the integral of {} converges absolutely.", "Derive the equation of motion for {}.")
THINGS = ("France", "whales", "the sun", "iron", "a river", "music", "a clock", "bread", "glass", "the moon")


def lines(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return outcome rows: the small tier fails most of the hard ones, the large one few of any."""
    draw = np.random.default_rng(seed)
    made = []
    for number in range(n):
        hard = bool(draw.random() < 0.4)
        shapes = HARD if hard else EASY
        thing = f"{THINGS[draw.integers(len(THINGS))]} and {THINGS[draw.integers(len(THINGS))]} {draw.integers(999)}"
        made.append({
            "id": f"row-{number}",
            "task": "hard" if hard else "easy",
            "messages": [{"role": "user", "content": shapes[draw.integers(len(shapes))].format(thing)}],
            "outcomes": {
                "tuned": {"score": int(draw.random() < (0.2 if hard else 0.95)), "cost_usd": 0.0001},
                "frontier": {"score": int(draw.random() < 0.95), "cost_usd": 0.004},
            },
        })  # fmt: skip
    return made


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON Lines and return the path."""
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return path
