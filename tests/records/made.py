"""Outcomes to record, and a clock to record them by."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from router.chat import Choice, Completion, Usage
from router.clock import Clock
from router.consider import consider
from router.outcome import Attempt, Outcome
from router.records import Keeping, Recorder, Tally, read
from router.records.content import Content
from tests.plans import asked, plan

__all__ = ["NOON", "Hands", "kept", "outcome", "recorder", "written"]

NOON = 1_795_348_800.0
"""2026-11-22 12:00 UTC."""


@dataclass
class Hands:
    """The hands of a clock, which tests move."""

    wall: float = NOON

    @property
    def clock(self) -> Clock:
        """A clock with these hands; its random bytes are all alike."""
        return Clock(wall=lambda: self.wall, token=lambda count: b"\x07" * count)


def outcome(number: int = 0, text: str = "where is my order?", **changes: Any) -> Outcome:
    """One request that was escalated and answered."""
    request = asked(text)
    considered = consider(plan(), request)
    answer = Completion((Choice("stop", "on its way"),), Usage(100, 50), "b")
    made = Outcome(
        f"req_{number}",
        "abc123",
        NOON + number,
        "auto",
        tenant="ann",
        decision=considered.decision,
        attempts=(
            Attempt("tuned", "small", "escalated", "truncated", Usage(100, 50), 0.00015, 0.4),
            Attempt("frontier", "big", "served", "ok", Usage(100, 50, 80), 0.0015, 0.9),
        ),
        seconds=1.3,
        first=1.3,
        overhead=0.0002,
        state="s1",
        request=request,
        signals=considered.signals,
        estimate=considered.estimate,
        answer=answer,
    )
    return replace(made, **changes)


def recorder(folder: Path, content: Content = "none", tell: Callable[[str], None] = print, **how: Any) -> Recorder:
    """A recorder by the system's clock."""
    return Recorder(Keeping(folder, **how), content, Clock(), tell)


def kept(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """What is recorded in a folder, or the records of one kind."""
    return [one for one in read(folder, Tally()) if kind in {None, one["kind"]}]


def written(path: Path) -> list[Any]:
    """The lines of one file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]
