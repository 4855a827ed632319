"""One route's thresholds: those in force, how they came to be, and whether they may move. Values in, values out.

What is in force belongs to the route's *state*: when its tiers, prompts, models or aims change, the new state begins
with the policy's own numbers. The last few states are kept side by side, so that servers with an old and a new policy
do not take each other's thresholds while one replaces the other. Frozen is the route, whatever its state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import orjson

__all__ = ["Board", "BoardError", "Change", "Held"]

_FORMAT: Final = 1
_STATES: Final = 3
_HISTORY: Final = 40
_SLACK: Final = 0.98
"""Clocks of replicas differ a little: two moves need this much of a window between them."""


class BoardError(ValueError):
    """What was asked of a route's thresholds cannot be done; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """One threshold that changed."""

    at: float
    """Seconds since 1970."""
    tier: str
    before: float
    after: float
    cause: str
    """`quality`, `latency`, `escalations`, `cost`, `cheaper`: control's. `set`, `rollback`: an operator's."""
    told: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """The evidence."""

    @property
    def by_control(self) -> bool:
        """Whether control did it."""
        return self.cause not in {"set", "rollback"}

    @property
    def words(self) -> str:
        """From where to where, and why."""
        return self.told or f"{self.before:.4f} → {self.after:.4f} ({self.cause})"

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"numbers": dict(self.numbers)}


@dataclass(frozen=True, slots=True)
class Held:
    """What is in force for one state of a route."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    """By tier; a tier that is missing has the policy's."""
    history: tuple[Change, ...] = ()
    """Oldest first."""


NOTHING: Final = Held()


@dataclass(frozen=True, slots=True)
class Board:
    """One route's."""

    frozen: bool = False
    states: Mapping[str, Held] = field(default_factory=dict)
    """Last changed last."""

    def held(self, state: str) -> Held:
        """Return what is in force for a state; nothing when it never changed."""
        return self.states.get(state, NOTHING)

    def dropped(self, state: str) -> tuple[Change, ...]:
        """Return what was in force last, for another state of the route, and is not any more: each tier's last change.

        Nothing, where something has changed in this state too.
        """
        others = [held for name, held in self.states.items() if name != state]
        if not others or self.held(state).history:
            return ()
        last = {change.tier: change for change in others[-1].history}
        return tuple(last[tier] for tier in others[-1].thresholds if tier in last)

    def freeze(self, *, frozen: bool) -> Self:
        """Let nothing move it, or let control go on."""
        return self if self.frozen == frozen else replace(self, frozen=frozen)

    def changed(self, state: str, change: Change) -> Self:
        """Return it with a threshold changed."""
        held = self.held(state)
        after = Held({**held.thresholds, change.tier: change.after}, (*held.history, change)[-_HISTORY:])
        others = {name: each for name, each in self.states.items() if name != state}
        kept = dict(list(others.items())[-(_STATES - 1) :])
        return replace(self, states={**kept, state: after})

    def moved(self, state: str, change: Change, window: float) -> Self:
        """Return it moved by control: unchanged when it is frozen, or moved already in this window."""
        held = self.held(state)
        now = held.thresholds.get(change.tier, change.before)
        lately = [each.at for each in held.history if each.by_control and each.at > change.at - _SLACK * window]
        if self.frozen or lately or now != change.before:
            return self
        return self.changed(state, change)

    def rolled_back(self, state: str, at: float) -> Self:
        """Return it as it was before the last change, and frozen, or control would do the same again.

        Raises:
            BoardError: there is nothing to take back.
        """
        undone = 0
        for change in reversed(self.held(state).history):
            if change.cause == "rollback":
                undone += 1
            elif undone:
                undone -= 1
            else:
                back = Change(at, change.tier, change.after, change.before, "rollback", _taken_back(change))
                return self.changed(state, back).freeze(frozen=True)
        raise BoardError("there is no change to take back")

    def content(self) -> bytes:
        """Return it as it is kept."""
        states = {
            name: {"thresholds": dict(held.thresholds), "history": [each.document() for each in held.history]}
            for name, held in self.states.items()
        }
        return orjson.dumps({"format": _FORMAT, "frozen": self.frozen, "states": states})

    @classmethod
    def read(cls, content: bytes | None) -> Self:
        """Read what `content` gave; None is a board on which nothing has happened.

        Raises:
            BoardError: it is something else.
        """
        if content is None:
            return cls()
        try:
            document = orjson.loads(content)
            if document["format"] != _FORMAT:
                raise BoardError(f"its format is {document['format']}, not {_FORMAT}: another release wrote it")
            states = {
                name: Held(
                    {tier: float(value) for tier, value in held["thresholds"].items()},
                    tuple(Change(**each) for each in held["history"]),
                )
                for name, held in document["states"].items()
            }
            return cls(bool(document["frozen"]), states)
        except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
            raise BoardError("it cannot be read") from error


def _taken_back(change: Change) -> str:
    """A rollback in words: from where to where *it* goes, and what it undoes."""
    _, _, why = change.told.partition("): ")
    undone = f"what was moved for {change.cause}" if change.by_control else f"what was {change.cause}"
    return f"{change.after:.4f} → {change.before:.4f} (rollback): takes back {undone}" + (f" ({why})" if why else "")
