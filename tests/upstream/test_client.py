"""The seam to deployments: failures have a kind, and whatever speaks for a deployment fits through."""

import pytest

from router.upstream.client import Streamed, Transport, TransportError
from router.upstream.connect import Endpoints
from tests.upstream.pieces import SILENCE, Arriving, pieces


def test_a_failure_says_of_which_kind_it_is() -> None:
    error = TransportError("reset", "it hung up")
    assert (error.kind, str(error)) == ("reset", "it hung up")


async def test_what_fits_through_is_checked_by_types() -> None:
    wire: Transport = Endpoints("http://127.0.0.1:1/v1", headers={}, connect_timeout=1.0)
    streamed: Streamed = Arriving([b"a"])
    assert [piece async for piece in pieces(streamed)] == [b"a"]
    await wire.aclose()


async def test_who_knows_no_deadline_is_given_one() -> None:
    streamed = Arriving([b"a", SILENCE])
    assert await streamed.more(10.0) == b"a"
    with pytest.raises(TransportError, match=r"within 0\.01 s") as caught:
        await streamed.more(0.01)
    assert caught.value.kind == "timeout"
