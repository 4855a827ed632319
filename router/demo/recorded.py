"""The recorded answers of one tier, looked up by conversation; a fake upstream serves them.

The text never depends on a score: a row whose answer was not recorded gets the same neutral sentence whether the tier
was right or wrong about it.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson

from router.demo.answers import Answer
from router.demo.wire import Received
from router.demo.workload import Recorded, Row

__all__ = ["NOT_STORED", "UNKNOWN", "RecordedAnswers"]

NOT_STORED = "recorded answer not stored; this is a fake"
UNKNOWN = (
    "this is a fake that only knows the requests of its demo; put a real model's base_url into the policy to ask more"
)


class RecordedAnswers:
    """From a request to what this tier said to it, for `FakeUpstream`.

    A conversation is found by all its messages or, where a tier brings its own system prompt, by those that are not
    the system's.
    """

    def __init__(self, rows: Sequence[Row], tier: str) -> None:
        self._exact = {_key(row.messages): row.outcomes.get(tier) for row in reversed(rows)}
        self._turns = {_key(_turns(row.messages)): row.outcomes.get(tier) for row in reversed(rows)}

    def __call__(self, request: Received) -> Answer:
        """Answer with the recorded text, or say honestly that there is none."""
        return self.to(request.messages)

    def to(self, messages: Sequence[Mapping[str, Any]]) -> Answer:
        """Give the answer to a conversation."""
        for known, key in ((self._exact, _key(messages)), (self._turns, _key(_turns(messages)))):
            if key in known:
                return _answer(known[key])
        return Answer(text=UNKNOWN)


def _answer(recorded: Recorded | None) -> Answer:
    if recorded is None or recorded.answer is None:
        return Answer(text=NOT_STORED)
    if recorded.tool_calls:
        return Answer(text=recorded.answer or None, tool_calls=recorded.tool_calls)
    return Answer(text=recorded.answer)


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [message for message in messages if message.get("role") not in {"system", "developer"}]


def _key(messages: Sequence[Mapping[str, Any]]) -> bytes:
    said = [(message.get("role"), message.get("content")) for message in messages]
    return sha256(orjson.dumps(said)).digest()
