"""The life of one request: what it comes to, and that it is counted once, whatever happens."""

import asyncio
from collections.abc import Callable

import orjson
import pytest
from typing_extensions import override

from router import chat
from router.clock import SYSTEM, Clock
from router.consider import Caller
from router.errors import BadRequest, Unauthorized
from router.ids import Signer, start_of
from router.outcome import Outcome
from router.upstream.client import TransportError
from router.upstream.reply import Reply
from tests.canned import SILENCE, Canned, answer, house
from tests.plans import TWO_TIERS, asked
from tests.upstream.pieces import Arriving, chunk

STREAM = [chunk("a"), chunk("b"), chunk(finish="stop"), b"data: [DONE]\n\n"]
OTHER_ROUTE = (
    TWO_TIERS.replace("auto: {", "auto: {rules: [{name: t, when: {metadata: {task: t}}, route: other}], ")
    + """
  other: {difficulty: 0.9, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""
)


async def ended(reply: Reply) -> bytes:
    """Read a reply to its end, and close it."""
    body = reply.body + b"".join([part async for part in reply.events()])
    await reply.aclose()
    return body


def headers(reply: Reply) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in reply.headers}


# ------------------------------------------------------------------------------------------------------------- complete


async def test_a_refusal_says_which_route_refused() -> None:
    one = house(Canned(answer()), policy=OTHER_ROUTE)
    reply = await one.pipeline.complete(asked(metadata={"task": "t"}), Caller(budget=0.0))
    await reply.aclose()
    assert (reply.status, headers(reply)["x-router-route"], one.outcomes[0].route) == (400, "other", "other")


async def test_an_answer_is_counted_when_its_reply_closes_and_once() -> None:
    one = house(Canned(answer("hello")))
    reply = await one.pipeline.complete(asked(), Caller(tenant="ann"))
    assert (reply.status, reply.streams, one.outcomes) == (200, False, [])
    assert chat.completion(await ended(reply)).choices[0].content == "hello"
    await reply.aclose()
    [outcome] = one.outcomes
    assert (outcome.status, outcome.end, outcome.path, outcome.tenant) == (200, "ok", "tuned:ok", "ann")
    assert headers(reply)["x-request-id"] == outcome.id
    assert orjson.loads(one.small.asked[0])["model"] == "s"


async def test_a_stream_is_counted_when_it_has_ended() -> None:
    one = house(Canned(pieces=STREAM))
    reply = await one.pipeline.complete(asked(stream=True))
    assert (reply.streams, headers(reply)["x-router-path"], one.outcomes) == (True, "tuned:ok", [])
    assert await ended(reply) == b"".join(STREAM)
    assert [(outcome.end, outcome.stream) for outcome in one.outcomes] == [("ok", True)]
    assert one.small.streams[0].closed == 1


async def test_a_stream_that_breaks_off_ends_in_one_error_event() -> None:
    one = house(Canned(pieces=[chunk("a"), chunk("b"), TransportError("reset", "gone")]))
    body = await ended(await one.pipeline.complete(asked(stream=True)))
    assert body.startswith(chunk("a") + chunk("b"))
    assert orjson.loads(body.rpartition(b"data: ")[2])["error"]["code"] == "stream_broken"
    [outcome] = one.outcomes
    assert (outcome.end, outcome.error, outcome.path) == ("broken", "stream_broken", "tuned:reset")
    assert one.pipeline.pool.members["small"].breaker.failed == 1


async def test_a_reply_that_is_closed_in_the_middle_is_a_client_who_left() -> None:
    one = house(Canned(pieces=[chunk("a"), SILENCE]))
    reply = await one.pipeline.complete(asked(stream=True))
    events = reply.events()
    assert await anext(events) == chunk("a")
    await reply.aclose()
    [outcome] = one.outcomes
    assert (outcome.status, outcome.end, outcome.error, outcome.path) == (499, "left", "client_left", "tuned:left")
    assert one.small.streams[0].closed == 1
    member = one.pipeline.pool.members["small"]
    assert (member.busy, member.breaker.failed) == (0, 0)


async def test_a_request_that_is_cancelled_is_a_client_who_left() -> None:
    one = house(Canned(SILENCE))
    going = asyncio.create_task(one.pipeline.complete(asked()))
    while not one.small.asked:
        await asyncio.wait([going], timeout=0.001)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    [outcome] = one.outcomes
    assert (outcome.status, outcome.end, outcome.route, outcome.path) == (499, "left", "auto", "tuned:left")


async def test_an_error_is_a_reply_like_any_other() -> None:
    one = house(Canned(b"{}"), Canned(b"", status=503))
    reply = await one.pipeline.complete(asked(stream=True))
    assert (reply.status, reply.streams) == (503, False)
    assert orjson.loads(await ended(reply))["error"]["code"] == "upstream_failed"
    [outcome] = one.outcomes
    assert (outcome.end, outcome.error, outcome.stream) == ("error", "upstream_failed", False)


async def test_a_request_that_gets_no_route_is_counted_too() -> None:
    one = house(Canned(answer()))
    reply = await one.pipeline.complete(asked(model="nobody"))
    await ended(reply)
    await ended(one.pipeline.refuse(Unauthorized("no key")))
    one.pipeline.left()
    assert [(outcome.status, outcome.route, outcome.error) for outcome in one.outcomes] == [
        (404, None, "model_not_found"),
        (401, None, "invalid_api_key"),
        (499, None, "client_left"),
    ]
    assert len({outcome.id for outcome in one.outcomes}) == 3


async def test_what_can_be_read_but_not_written_is_the_request_s_fault() -> None:
    one = house(Canned(answer()))
    deep = b"[{}," * 300 + b"1" + b"]" * 300
    for field in (b"x", b"tools"):
        body = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}], "%b": [{"a": %b}]}' % (field, deep)
        reply = await one.pipeline.complete(chat.parse(body))
        assert (reply.status, orjson.loads(await ended(reply))["error"]["code"]) == (400, "invalid_json")
    assert one.pipeline.pool.members["small"].busy == 0


async def test_a_swap_holds_for_the_requests_that_come_after_it() -> None:
    one = house(Canned(SILENCE))
    going = asyncio.create_task(one.pipeline.complete(asked()))
    while not one.small.asked:
        await asyncio.wait([going], timeout=0.001)
    other = house(Canned(answer("new")), policy=TWO_TIERS.replace("model: s", "model: t"))
    one.pipeline.swap(other.pipeline.plan, other.pipeline.pool)
    await ended(await one.pipeline.complete(asked()))
    assert orjson.loads(other.small.asked[0])["model"] == "t"
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert [outcome.end for outcome in one.outcomes] == ["ok", "left"]
    assert one.outcomes[0].policy == other.pipeline.plan.version != one.outcomes[1].policy


async def test_refusing_takes_no_route() -> None:
    one = house(Canned(answer()))
    reply = one.pipeline.refuse(BadRequest("no", param="x"), Caller(tenant="ann"))
    assert orjson.loads(await ended(reply))["error"]["param"] == "x"
    assert (one.outcomes[0].tenant, one.outcomes[0].decision, one.outcomes[0].attempts) == ("ann", None, ())


class Slow(Canned):
    """A deployment that takes most of the time it has for the head of its stream, and then falls silent."""

    def __init__(self, passes: Callable[[float], None]) -> None:
        super().__init__(pieces=[SILENCE])
        self.passes = passes

    @override
    async def streamed(self, body: bytes, *, within: float) -> Arriving:
        self.passes(59.99)
        return await super().streamed(body, within=within)


async def test_the_first_byte_is_waited_for_once_and_not_again_after_the_head() -> None:
    later = [0.0]
    slow = Slow(later.append)
    one = house(slow, Canned(pieces=STREAM), clock=Clock(now=lambda: SYSTEM.now() + sum(later)))
    async with asyncio.timeout(30):
        reply = await one.pipeline.complete(asked(stream=True))
    assert headers(reply)["x-router-path"] == "tuned:timeout,frontier:ok"
    await reply.aclose()


# --------------------------------------------------------------------------------------------------------- exploration

HARD = TWO_TIERS.replace("difficulty: 0.2", "difficulty: 0.9, explore: {rate: 0.05}")


@pytest.mark.parametrize(
    ("draw", "reason", "start", "propensity"), [(0.01, "explore", "tuned", 0.05), (0.9, "hard", "frontier", 0.95)]
)
async def test_exploring_is_told_in_the_header_and_how_likely_it_was_in_the_id(
    draw: float, reason: str, start: str, propensity: float
) -> None:
    one = house(Canned(answer()), policy=HARD, clock=Clock(draw=lambda: draw))
    reply = await one.pipeline.complete(asked())
    await ended(reply)

    told = headers(reply)
    facts = Signer(b"k" * 32).verify(told["x-request-id"])
    assert facts is not None
    assert (told["x-router-reason"], facts.tier) == (reason, start_of(start, one.pipeline.plan.routes["auto"].state))
    assert facts.propensity == pytest.approx(propensity, rel=1e-3)


async def test_where_nobody_explores_no_dice_are_thrown() -> None:
    one = house(Canned(answer()), clock=Clock(draw=lambda: pytest.fail("a draw")))
    await ended(await one.pipeline.complete(asked()))
    assert one.outcomes[0].status == 200


async def test_an_explorer_s_answer_that_is_not_good_enough_is_still_not_shown() -> None:
    one = house(Canned(answer("cut", "length")), policy=HARD, clock=Clock(draw=lambda: 0.0))
    reply = await one.pipeline.complete(asked())
    assert b"from big" in await ended(reply)
    assert headers(reply)["x-router-path"] == "tuned:truncated,frontier:ok"


async def test_a_sink_at_fault_silences_neither_the_others_nor_the_reply(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[str] = []

    def faulty(_outcome: Outcome) -> None:
        raise ZeroDivisionError

    one = house(Canned(answer()), sinks=(faulty, lambda outcome: heard.append(outcome.end)))
    await ended(await one.pipeline.complete(asked()))
    assert (len(one.outcomes), heard) == (1, ["ok"])
    assert "ZeroDivisionError" in capsys.readouterr().err
