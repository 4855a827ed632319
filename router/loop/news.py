"""What became of a route's thresholds since that was last told, whoever did it and whoever led then. Pure.

A change is told once, by whoever leads: what was told is kept beside the evidence, so that what an operator did while
nobody led is told by the next leader, and nothing is told twice because another leads now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from router.thresholds import Board, Change

__all__ = ["News", "Told"]

_STATES = 8


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told."""

    changes: tuple[Change, ...] = ()
    """Oldest first."""
    frozen: bool | None = None
    """Whether it was frozen, or let go on; None: neither."""
    dropped: tuple[Change, ...] | None = None
    """The route is another one now, so that these are in force no more; None: it is not."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a route."""

    frozen: bool = False
    last: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By state, oldest first: when the last change that was told happened, and the threshold since then."""

    @classmethod
    def first(cls, board: Board) -> Self:
        """Begin: what happened before anybody listened is history."""
        return cls(board.frozen, {name: _mark(held.history) for name, held in board.states.items()})

    def look(self, board: Board, state: str) -> tuple["Told", News]:
        """Return what is told then, and what is to be told of the state that is in force."""
        history = board.held(state).history
        mark = self.last.get(state)
        dropped = board.dropped(state) if mark is None else ()
        news = News(_after(history, mark), board.frozen if board.frozen != self.frozen else None, dropped or None)
        others = {name: each for name, each in self.last.items() if name != state}
        kept = dict(list(others.items())[-(_STATES - 1) :])
        return Told(board.frozen, {**kept, state: _mark(history) if history else mark or (0.0, 0.0)}), news

    def content(self) -> bytes:
        """Return it as it is kept."""
        return orjson.dumps({"frozen": self.frozen, "last": {name: list(mark) for name, mark in self.last.items()}})

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read what `content` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            document: Any = orjson.loads(content)
            last = {str(name): (float(at), float(after)) for name, (at, after) in document["last"].items()}
            return cls(bool(document["frozen"]), last)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError("not what was told of a route") from error


def _mark(history: tuple[Change, ...]) -> tuple[float, float]:
    return (history[-1].at, history[-1].after) if history else (0.0, 0.0)


def _after(history: tuple[Change, ...], mark: tuple[float, float] | None) -> tuple[Change, ...]:
    """The changes after the one that was told last: by its place, for clocks differ, or else by its time."""
    if mark is None:
        return history
    for place in range(len(history) - 1, -1, -1):
        if (history[place].at, history[place].after) == mark:
            return history[place + 1 :]
    return tuple(change for change in history if change.at > mark[0])
