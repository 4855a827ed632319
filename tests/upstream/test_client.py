"""The seam to deployments: failures have a kind, and whatever speaks for a deployment fits through."""

from router.upstream.client import Streamed, Transport, TransportError
from router.upstream.wire import Wire
from tests.upstream.pieces import Arriving


def test_a_failure_says_of_which_kind_it_is() -> None:
    error = TransportError("reset", "it hung up")
    assert (error.kind, str(error)) == ("reset", "it hung up")


async def test_what_fits_through_is_checked_by_types() -> None:
    wire: Transport = Wire("http://127.0.0.1:1/v1", headers={}, connect_timeout=1.0)
    streamed: Streamed = Arriving([b"a"])
    assert [piece async for piece in streamed.chunks()] == [b"a"]
    await wire.aclose()
