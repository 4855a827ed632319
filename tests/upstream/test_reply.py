"""What the client gets: final headers, then a body or events, and one end."""

import pytest
from typing_extensions import override

from router.consider import Caller
from router.errors import Relayed, UpstreamFailed
from tests.canned import Canned, answer, house
from tests.plans import asked
from tests.test_pipeline import ended, headers
from tests.upstream.pieces import Arriving, chunk


async def test_an_answer_has_the_upstream_s_content_type_and_every_header_that_is_known() -> None:
    reply = await house(Canned(answer())).pipeline.complete(asked())
    assert headers(reply).keys() == {
        *("content-type", "x-request-id", "x-router-policy", "x-router-cache", "x-router-route", "x-router-reason"),
        *("x-router-difficulty", "x-router-threshold", "x-router-tier", "x-router-deployment", "x-router-path"),
        "x-router-cost-usd",
    }
    await reply.aclose()


async def test_an_error_says_what_was_known_by_then() -> None:
    one = house(Canned(b"", status=500), Canned(b'{"error": {"code": "c"}}', status=429))
    reply = await one.pipeline.complete(asked(), Caller(tier="tuned"))
    assert headers(reply)["content-type"] == "application/json"
    assert headers(reply)["x-router-path"] == "tuned:status_500,tuned:status_500"
    assert headers(reply)["x-router-reason"] == "forced"
    await reply.aclose()


async def test_a_relayed_error_keeps_its_bytes_and_retry_after() -> None:
    one = house(Canned(answer()))
    reply = one.pipeline.refuse(Relayed(429, b"{ }", {"content-type": "x/y", "retry-after": "3"}))
    assert (reply.status, reply.body, headers(reply)["retry-after"]) == (429, b"{ }", "3")
    assert [value for name, value in reply.headers if name == b"content-type"] == [b"x/y"]
    await reply.aclose()


async def test_a_whole_answer_has_no_events_and_a_stream_no_body() -> None:
    one = house(Canned(answer(), pieces=[chunk("a", "stop")]))
    whole, streamed = await one.pipeline.complete(asked()), await one.pipeline.complete(asked(stream=True))
    assert [part async for part in whole.events()] == []
    assert streamed.body == b""
    await whole.aclose()
    await ended(streamed)


@pytest.mark.parametrize("left", [False, True])
async def test_a_client_that_was_gone_before_the_end_has_left(*, left: bool) -> None:
    one = house(Canned(answer()))
    reply = await one.pipeline.complete(asked())
    await reply.aclose(left=left)
    assert [(outcome.end, outcome.status) for outcome in one.outcomes] == [("left", 499) if left else ("ok", 200)]


async def test_who_left_before_an_error_was_sent_still_made_an_error() -> None:
    one = house(Canned(answer()))
    await one.pipeline.refuse(UpstreamFailed("no")).aclose(left=True)
    assert one.outcomes[0].end == "error"


async def test_a_late_verdict_is_noted_when_the_stream_has_ended() -> None:
    one = house(Canned(pieces=[chunk("a"), chunk("b"), chunk(finish="length")]))
    await ended(await one.pipeline.complete(asked(stream=True)))
    assert one.outcomes[0].path == "tuned:truncated"
    assert one.outcomes[0].end == "ok"


class Clinging(Arriving):
    """A stream that cannot be let go in peace."""

    @override
    async def aclose(self) -> None:
        raise OSError("still in use")


class Clingy(Canned):
    """A deployment of such streams."""

    @override
    async def streamed(self, body: bytes, *, within: float) -> Arriving:
        return Clinging(self.pieces)


async def test_an_upstream_that_does_not_let_go_is_counted_and_gives_its_place_back() -> None:
    one = house(Clingy(pieces=[chunk("a", "stop")]))
    reply = await one.pipeline.complete(asked(stream=True))
    with pytest.raises(OSError, match="still in use"):
        await ended(reply)
    assert [outcome.end for outcome in one.outcomes] == ["ok"]
    assert all(member.busy == 0 for member in one.pipeline.pool.members.values())


async def test_a_fault_of_ours_after_the_first_byte_is_no_client_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    one = house(Canned(pieces=[chunk("a", "stop")]))
    reply = await one.pipeline.complete(asked(stream=True))
    monkeypatch.setattr("router.upstream.reply.judge", None)
    parts = aiter(reply.events())
    heard = [await anext(parts) for _ in range(3)]  # what it said, [DONE], and what went wrong
    with pytest.raises(TypeError):
        await anext(parts)
    await reply.aclose(left=True)
    assert b'"internal_error"' in heard[-1]
    (outcome,) = one.outcomes
    assert (outcome.end, outcome.error, outcome.path) == ("broken", "internal_error", "tuned:internal")
