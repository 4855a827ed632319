"""The life of a request for embeddings, without a socket."""

import asyncio

import orjson
import pytest
from anyio.lowlevel import checkpoint

from router.consider import Caller
from router.embed import embed, refuse
from router.embeddings import EmbeddingRequest, parse
from router.errors import BadRequest
from router.policy.limits import Allowance
from tests.canned import SILENCE, Canned, house
from tests.plans import TWO_TIERS
from tests.waiting import until

ANSWER = b'{"data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": 1000000}}'


def request(model: str = "tuned", given: object = "hi") -> EmbeddingRequest:
    return parse(orjson.dumps({"model": model, "input": given}))


async def test_an_answer_is_counted_once_when_its_reply_closes_and_is_no_chat() -> None:
    one = house(Canned(ANSWER))
    reply = await embed(one.pipeline, request(), Caller(tenant="ann"))
    before = list(one.outcomes)
    await reply.aclose()
    await reply.aclose()
    (outcome,) = one.outcomes
    assert (before, reply.body, reply.status) == ([], ANSWER, 200)
    assert (outcome.operation, outcome.tenant, outcome.cost, outcome.path) == ("embeddings", "ann", 1.0, "tuned:ok")
    assert (outcome.request, outcome.signals, outcome.answer, outcome.session) == (None, None, None, None)


async def test_a_refusal_is_a_reply_too() -> None:
    one = house(Canned(ANSWER))
    for reply in (await embed(one.pipeline, request("auto")), refuse(one.pipeline, BadRequest("no", param="x"))):
        assert reply.status == 400
        await reply.aclose()
    assert [(each.operation, each.end, each.route) for each in one.outcomes] == [
        ("embeddings", "error", None),
        ("embeddings", "error", None),
    ]


async def test_who_is_cancelled_is_counted_as_left_and_gives_the_place_back() -> None:
    one = house(Canned(SILENCE))
    member = one.pipeline.pool.members["small"]
    asking = asyncio.create_task(embed(one.pipeline, request()))
    await until(lambda: member.busy)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (outcome,) = one.outcomes
    assert (outcome.end, outcome.status, outcome.path, member.busy) == ("left", 499, "tuned:left", 0)


RULED = TWO_TIERS.replace(
    "cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]",
    "cascade: [{tier: tuned, below: 0.3}, {tier: frontier}], "
    'rules: [{name: home, when: {pii: [email]}, require: {eu: "yes"}}]',
)


async def test_others_have_their_turn_while_many_texts_are_read() -> None:
    one = house(Canned(SILENCE), policy=RULED)
    member, turns = one.pipeline.pool.members["small"], 0
    asking = asyncio.create_task(embed(one.pipeline, request(given=["write to " + "x" * 1000] * 300)))
    while not member.busy:
        turns += 1
        await checkpoint()
    asking.cancel()
    assert 10 < turns < 20


async def test_limits_of_a_key_hold_for_embeddings_too() -> None:
    one = house(Canned(ANSWER))
    allowance = Allowance("all", "ann", ("key", "ann"), 9, 4_000_000, 1, 1.5)
    caller = Caller(tenant="ann", allowance=allowance)
    first = await embed(one.pipeline, request(), caller)
    full = await embed(one.pipeline, request(), caller)
    for reply in (first, full):
        await reply.aclose()
    second = await embed(one.pipeline, request(), caller)
    await second.aclose()
    poor = await embed(one.pipeline, request(), caller)
    await poor.aclose()

    assert [reply.status for reply in (first, full, second, poor)] == [200, 429, 200, 429]
    assert dict(second.headers)[b"x-ratelimit-remaining-requests"] == b"7"
    assert 2_990_000 < int(dict(second.headers)[b"x-ratelimit-remaining-tokens"]) < 3_100_000
    assert [outcome.error for outcome in one.outcomes] == [None, "rate_limit_exceeded", None, "insufficient_quota"]
    assert [outcome.route for outcome in one.outcomes] == ["tuned", None, "tuned", None]


async def test_a_fault_of_ours_gives_its_place_back() -> None:
    one = house(Canned(ANSWER))
    caller = Caller(allowance=Allowance("all", "ann", ("key", "ann"), parallel=1))
    one.pipeline.pool = None  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(AttributeError):
            await embed(one.pipeline, request(), caller)
