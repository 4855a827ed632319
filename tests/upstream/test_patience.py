"""A stream whose client is kept waiting: what it is told, and that nobody works on for a client who has gone."""

import asyncio

import pytest

from router.clock import SYSTEM
from router.errors import Relayed
from router.ids import Signer
from router.journey import Journey
from router.outcome import Outcome
from router.sse import COMMENT
from router.upstream.patience import patiently
from router.upstream.reply import Reply, refused
from tests.plans import plan


class Room:
    """Where somebody waits, and what came of it."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.answered = asyncio.Event()
        self.stopped = False
        self.body = b'{"error":\n\n{"code":"rate"}}'
        self.journey = Journey(SYSTEM, Signer(b"k" * 32), "p", stream=True)

    async def climbs(self) -> Reply:
        try:
            await self.answered.wait()
        except asyncio.CancelledError:
            self.stopped = True
            self.outcomes.append(self.journey.outcome(499, "left", "client_left"))
            raise
        return refused(Relayed(429, self.body, {}), self.journey, self.outcomes.append)

    async def begin(self) -> Reply:
        self.journey.route = plan().routes["auto"]
        return await patiently(self.climbs(), self.journey, every=0.01)


async def test_comments_come_until_there_is_something_to_say() -> None:
    room = Room()
    reply = await room.begin()
    assert (reply.status, reply.streams, reply.body) == (200, True, b"")
    assert 590 < reply.patience <= 600
    heard = []
    async for part in reply.events():
        heard.append(part)
        if len(heard) == 3:
            room.answered.set()
    await reply.aclose()
    assert heard[:3] == [COMMENT] * 3
    assert heard[-1] == b'data: {"error":{"code":"rate"}}\n\n'
    assert [(one.end, one.status) for one in room.outcomes] == [("error", 200)]


async def test_an_error_that_is_too_deep_to_be_written_is_told_in_our_words() -> None:
    room = Room()
    room.body = b'{"error":' + b"[" * 500 + b"]" * 500 + b"}"
    reply = await room.begin()
    room.answered.set()
    heard = [part async for part in reply.events()]
    await reply.aclose()
    assert b"the upstream answered 429" in heard[-1]
    assert [(one.end, one.status) for one in room.outcomes] == [("error", 200)]


async def test_a_client_who_leaves_while_it_waits_stops_the_climb() -> None:
    room = Room()
    reply = await room.begin()
    events = reply.events()
    assert await anext(events) == COMMENT
    assert await anext(events) == COMMENT
    await reply.aclose(left=True)
    await reply.aclose()
    assert room.stopped
    assert [(one.end, one.status) for one in room.outcomes] == [("left", 499)]


async def test_a_client_who_leaves_before_the_first_comment_stops_the_climb_too() -> None:
    room = Room()
    waiting = asyncio.create_task(room.begin())
    for _ in range(3):
        await asyncio.wait([asyncio.ensure_future(asyncio.gather())])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert room.stopped


async def test_an_answer_that_nobody_waits_for_any_more_is_let_go() -> None:
    room = Room()
    reply = await room.begin()
    room.answered.set()
    await reply.aclose(left=True)
    assert [one.end for one in room.outcomes] == ["left"]


@pytest.mark.parametrize("body", [b"<html>\n\n</html>", b'{"detail": "no"}'])
async def test_an_error_that_no_client_of_a_stream_could_read_is_told_in_our_words(body: bytes) -> None:
    room = Room()
    room.body = body
    reply = await room.begin()
    room.answered.set()
    heard = [part async for part in reply.events()]
    await reply.aclose()
    assert b"the upstream answered 429" in heard[-1]
    assert heard[-1].count(b"\n") == 2
