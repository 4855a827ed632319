"""A small model that breaks while it is in use: much of what it says belongs to somebody else's question.

It is what a deployment does that was given the wrong adapter: answers that come in time, end properly, pass every check
of form, and are wrong. Which requests it happens to is decided by a hash of what was asked. Like every fake's, its text
never depends on a score; whether it is wrong is found by grading what arrives.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson

from router.demo.answers import Answer
from router.demo.recorded import RecordedAnswers
from router.demo.wire import Received
from router.demo.workload import Row

__all__ = ["Breakable"]

SHARE = 0.7
"""Of its requests, those that a broken model mistakes for another."""


class Breakable:
    """The recorded answers of one tier, for `FakeUpstream`, with a switch."""

    def __init__(self, rows: Sequence[Row], tier: str) -> None:
        self.broken = False
        self._own = RecordedAnswers(rows, tier)
        others = [*rows[len(rows) // 2 :], *rows[: len(rows) // 2]]
        self._mistaken = {_key(row.messages): other for row, other in zip(rows, others, strict=True)}

    def __call__(self, request: Received) -> Answer:
        """Answer, each to its own question or not."""
        other = self._mistaken.get(_key(request.messages))
        if not self.broken or other is None or not _happens_to(request.messages):
            return self._own(request)
        return self._own.to(other.messages)


def _happens_to(messages: Sequence[Mapping[str, Any]]) -> bool:
    return int.from_bytes(_key(messages)[:4]) < SHARE * 2**32


def _key(messages: Sequence[Mapping[str, Any]]) -> bytes:
    return sha256(orjson.dumps([message.get("content") for message in messages])).digest()
