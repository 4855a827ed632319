"""A stream whose client is kept waiting: what it is told, and that nobody works on for a client who has gone."""

import asyncio

import pytest

from router.clock import SYSTEM
from router.errors import Relayed
from router.ids import Signer
from router.journey import Journey
from router.outcome import Outcome
from router.sse import COMMENT
from router.upstream.climb import Served
from router.upstream.patience import patiently
from router.upstream.reply import Reply
from tests.plans import asked


class Room:
    """Where somebody waits, and what came of it."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.answered = asyncio.Event()
        self.stopped = False

    async def climbs(self) -> Served:
        try:
            await self.answered.wait()
        except asyncio.CancelledError:
            self.stopped = True
            raise
        raise Relayed(429, b'{"error":{"code":"rate"}}', {})

    async def begin(self) -> Reply:
        journey = Journey(SYSTEM, Signer(b"k" * 32), "p", stream=True)
        until = SYSTEM.now() + 9
        return await patiently(self.climbs(), asked(), journey, self.outcomes.append, every=0.01, until=until)


async def test_comments_come_until_there_is_something_to_say() -> None:
    room = Room()
    reply = await room.begin()
    assert (reply.status, reply.streams, reply.body) == (200, True, b"")
    assert 8 < reply.patience <= 9
    heard = []
    async for part in reply.events():
        heard.append(part)
        if len(heard) == 3:
            room.answered.set()
    await reply.aclose()
    assert heard[:3] == [COMMENT] * 3
    assert heard[-1] == b'data: {"error":{"code":"rate"}}\n\n'
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
