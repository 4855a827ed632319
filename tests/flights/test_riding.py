"""Replies of those who share an answer."""

from dataclasses import replace

import orjson
import pytest

from router.cache import Asked, Entry
from router.cache.replay import as_stream
from router.chat import Usage
from router.clock import SYSTEM
from router.flights.riding import remembered
from router.ids import Signer
from router.journey import Journey
from router.outcome import Outcome
from router.plan import Remember
from router.store import Flight
from tests.canned import answer
from tests.flights.aboard import header, read

WHOLE = Entry("auto", "tuned", "tuned-a", answer("hello"), usage=Usage(10, 20))
STREAMED = Entry("auto", "tuned", "tuned-a", as_stream(answer("hello"), usage=True), stream=True)


def asked(*, stream: bool, usage: bool) -> Asked:
    return Asked(Flight.of("x"), "auto", Remember(60, sampled=False, max_size=1000), {}, stream, usage, reads=True)


def journey() -> Journey:
    made = Journey(SYSTEM, Signer(b"k" * 32), "p")
    made.cache = "hit"
    return made


@pytest.mark.parametrize("entry", [WHOLE, STREAMED])
async def test_what_is_remembered_is_given_in_the_form_that_is_asked_for(entry: Entry) -> None:
    counted: list[Outcome] = []
    whole = remembered(entry, asked(stream=False, usage=False), journey(), counted.append)
    shown = remembered(entry, asked(stream=True, usage=True), journey(), counted.append)
    hidden = remembered(entry, asked(stream=True, usage=False), journey(), counted.append)

    assert orjson.loads(await read(whole))["choices"][0]["message"]["content"] == "hello"
    assert await read(shown) == as_stream(answer("hello"), usage=True)
    assert await read(hidden) == as_stream(answer("hello"), usage=False)
    assert [header(reply, "content-type") for reply in (whole, shown)] == [
        "application/json",
        "text/event-stream; charset=utf-8",
    ]
    assert [(one.end, one.cost, one.found and one.found.tier, one.attempts) for one in counted] == [
        ("ok", 0, "tuned", ())
    ] * 3


async def test_what_is_remembered_says_where_it_comes_from() -> None:
    counted: list[Outcome] = []
    entry = replace(WHOLE, sources=("a", "b"), request="req_0", path="tuned:ok")
    reply = remembered(entry, asked(stream=False, usage=False), journey(), counted.append)
    await reply.aclose()

    found = counted[0].found
    assert found is not None
    assert (found.request, found.path, found.sources) == ("req_0", "tuned:ok", ("a", "b"))
    assert (header(reply, "x-router-sources"), header(reply, "x-router-path")) == ("a,b", None)


async def test_a_client_who_leaves_what_is_remembered_has_left() -> None:
    counted: list[Outcome] = []
    for stream in (True, False):
        reply = remembered(WHOLE, asked(stream=stream, usage=False), journey(), counted.append)
        assert reply.patience >= 0
        await reply.aclose(left=True)

    assert [one.end for one in counted] == ["left", "left"]
