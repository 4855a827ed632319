"""One call for embeddings, and whose failures count against whom."""

import pytest

from router.chat import Usage
from router.health import CLOSED
from router.upstream.client import TransportError
from router.upstream.embedding import ask
from router.upstream.failure import Failure
from router.upstream.pool import Member
from tests.canned import Canned
from tests.plans import plan

ANSWER = b'{"data": [{"embedding": [1.0, 2.0]}], "usage": {"prompt_tokens": 3}}'


def member(canned: Canned) -> Member:
    return Member(plan().deployments["small"], canned)


async def test_an_answer_is_the_upstream_s_bytes_and_what_they_say() -> None:
    got = await ask(member(Canned(ANSWER)), b"{}", 1, within=1.0)
    assert (got.raw, got.content_type) == (ANSWER, "application/json")
    assert (got.vectors.usage, got.vectors.size) == (Usage(3, 0), 2)


@pytest.mark.parametrize(
    ("canned", "count", "reason"),
    [
        (Canned(ANSWER), 2, "malformed"),
        (Canned(b"nonsense"), 1, "malformed"),
        (Canned(b"{}", 500), 1, "status_500"),
        (Canned(b"{}", 400), 1, "rejected"),
        (Canned(b'{"error": {"code": "context_length_exceeded"}}', 400), 1, "context"),
        (Canned(TransportError("reset", "gone")), 1, "reset"),
    ],
)
async def test_everything_else_is_a_failure_with_a_name(canned: Canned, count: int, reason: str) -> None:
    one = member(canned)
    with pytest.raises(Failure) as caught:
        await ask(one, b"{}", count, within=1.0)
    assert (caught.value.reason, one.breaker) == (reason, CLOSED)
