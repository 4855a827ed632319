"""Equal requests are asked once, in one process and across servers, and nobody's leaving takes anything from others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from router.consider import Caller
from router.flights import flights
from router.policy.store_url import read_store_url
from router.store import Memory, Store
from router.store.redis_store import RedisStore
from tests.canned import Canned, answer
from tests.flights.aboard import STREAM, Gated, Replica, cold, header, read, replica
from tests.plans import TWO_TIERS
from tests.redis_server import PATIENT, RedisServer, SlowRoad, redis_program, running, slow_road, valkey_program
from tests.upstream.pieces import chunk
from tests.waiting import all_blocked

STREAMED = b"".join(STREAM)
ROUTE_OF_SMALL_ANSWERS = TWO_TIERS.replace("cascade: ", "cache: {exact: {max_size: 256}}, cascade: ")
"""What is longer than that is not remembered."""


# ------------------------------------------------------------------------------------------------------- one process


async def test_those_who_ask_the_same_are_asked_for_once() -> None:
    one = replica(Memory(), Gated(answer("hello")))
    asking = [asyncio.create_task(one.ask(cold())) for _ in range(100)]
    await all_blocked()
    opened(one)
    replies = await asyncio.gather(*asking)

    bodies = {await read(reply) for reply in replies}
    assert len(one.small.asked) == 1
    assert bodies == {answer("hello")}
    assert sorted(str(header(reply)) for reply in replies) == ["joined"] * 99 + ["miss"]
    assert [outcome.cost for outcome in one.outcomes].count(0) == 99
    assert len({outcome.id for outcome in one.outcomes}) == 100


def opened(one: Replica) -> None:
    assert isinstance(one.small, Gated)
    one.small.gate.set()


async def test_other_requests_are_asked_for_themselves() -> None:
    one = replica(Memory(), Canned(answer("hello")))
    for request in (cold(), cold("other"), cold(seed=1)):
        assert header(await one.ask(request)) == "miss"
    assert len(one.small.asked) == 3


async def test_the_leader_may_leave_and_the_others_get_the_answer() -> None:
    one = replica(Memory(), Gated(answer("hello")))
    leader = asyncio.create_task(one.ask(cold()))
    await all_blocked()
    joined = asyncio.create_task(one.ask(cold()))
    await all_blocked()

    leader.cancel()
    await all_blocked()
    assert leader.cancelled()
    opened(one)

    assert await read(await joined) == answer("hello")
    assert len(one.small.asked) == 1
    assert [(outcome.end, outcome.status, outcome.cost) for outcome in one.outcomes] == [
        ("left", 499, pytest.approx(3e-5)),  # what was asked for on its behalf was paid for
        ("ok", 200, 0),
    ]


async def test_when_the_last_has_left_upstream_is_let_go() -> None:
    small = Gated()
    one = replica(Memory(), small)
    asking = [asyncio.create_task(one.ask(cold())) for _ in range(3)]
    await small.reached.wait()
    for task in asking:
        task.cancel()
    await all_blocked()

    assert small.left == 1
    assert sorted(outcome.end for outcome in one.outcomes) == ["left"] * 3
    opened(one)
    assert header(await one.ask(cold())) == "miss"


async def test_who_comes_as_the_last_one_leaves_is_asked_for_anew() -> None:
    small = Gated(answer("hello"))
    one = replica(Memory(), small)
    leaving = asyncio.create_task(one.ask(cold()))
    await small.reached.wait()
    leaving.cancel()
    coming = asyncio.create_task(one.ask(cold()))  # it runs after the other's end, before its flight's
    await all_blocked()
    small.gate.set()

    assert header(await coming) == "miss"
    assert small.left == 1


async def test_an_error_is_everybodys_and_nobodys_after_that() -> None:
    one = replica(Memory(), Gated(b'{"error": {"message": "no"}}', 400))
    asking = [asyncio.create_task(one.ask(cold())) for _ in range(3)]
    await all_blocked()
    opened(one)
    replies = await asyncio.gather(*asking)

    assert [reply.status for reply in replies] == [400] * 3
    assert {await read(reply) for reply in replies} == {b'{"error": {"message": "no"}}'}
    assert len(one.small.asked) == 1
    assert header(await one.ask(cold())) == "miss"


async def test_a_fault_of_ours_is_everybodys_who_waits_and_ends_there() -> None:
    one = replica(Memory(), Gated(answer("hello")))
    known: dict[str, dict[str, float]] = {}
    one.pipeline.thresholds = lambda route, state: known[route]  # noqa: ARG005
    asking = [asyncio.create_task(one.ask(cold())) for _ in range(3)]
    told = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(fault) for fault in told] == [KeyError] * 3
    known["auto"] = {}
    opened(one)
    assert header(await one.ask(cold())) == "miss"


async def test_who_joined_may_leave_and_the_others_stay() -> None:
    one = replica(Memory(), Gated(answer("hello")))
    leader, leaving, staying = (asyncio.create_task(one.ask(cold())) for _ in range(3))
    await all_blocked()
    leaving.cancel()
    await all_blocked()
    opened(one)

    assert {await read(await leader), await read(await staying)} == {answer("hello")}
    assert [outcome.end for outcome in one.outcomes] == ["left", "ok", "ok"]


async def test_who_joins_a_stream_gets_what_has_come_and_follows() -> None:
    gate = asyncio.Event()
    one = replica(Memory(), Canned(pieces=[chunk("a"), gate, chunk("b"), chunk(finish="stop"), b"data: [DONE]\n\n"]))
    leader = await one.ask(cold(stream=True))
    first = leader.events()
    assert await anext(first) == chunk("a")
    joined = await one.ask(cold(stream=True))
    following = joined.events()
    assert await anext(following) == chunk("a")
    gate.set()

    assert b"".join([part async for part in first]) == STREAMED.removeprefix(chunk("a"))
    assert b"".join([part async for part in following]) == STREAMED.removeprefix(chunk("a"))
    await leader.aclose()
    await joined.aclose()
    assert (header(leader), header(joined)) == ("miss", "joined")
    assert [(outcome.cache, outcome.end) for outcome in one.outcomes] == [("miss", "ok"), ("joined", "ok")]
    assert len(one.small.asked) == 1


async def test_the_leader_of_a_stream_may_leave_it_to_the_others() -> None:
    gate = asyncio.Event()
    one = replica(Memory(), Canned(pieces=[chunk("a"), gate, chunk("b"), chunk(finish="stop"), b"data: [DONE]\n\n"]))
    leader, joined = await one.ask(cold(stream=True)), await one.ask(cold(stream=True))
    await anext(leader.events())
    await leader.aclose(left=True)
    assert one.outcomes == []
    gate.set()

    assert await read(joined) == STREAMED
    assert sorted((outcome.cache, outcome.end) for outcome in one.outcomes) == [("joined", "ok"), ("miss", "left")]
    assert header(await one.ask(cold(stream=True))) == "hit"


async def test_a_stream_too_long_to_be_remembered_is_not_joined_any_more_and_not_held() -> None:
    gates = asyncio.Event(), asyncio.Event()
    long = chunk("x" * 300)
    pieces = [chunk("a"), gates[0], long, gates[1], chunk("b"), chunk(finish="stop"), b"data: [DONE]\n\n"]
    one = replica(Memory(), Canned(pieces=pieces), ROUTE_OF_SMALL_ANSWERS)
    leader, joined = await one.ask(cold(stream=True)), await one.ask(cold(stream=True))
    first, second = leader.events(), joined.events()
    assert (await anext(first), await anext(second)) == (chunk("a"), chunk("a"))
    (flight,) = one.flights._open.values()
    gates[0].set()
    assert (await anext(first), await anext(second)) == (long, long)

    late = await one.ask(cold(stream=True))
    assert header(late) == "miss"
    gates[1].set()
    assert b"".join([part async for part in first]) == b"".join([part async for part in second])
    assert flight.tape is not None
    assert long not in bytes(flight.tape)
    for reply in (leader, joined, late):
        await reply.aclose()
    assert header(await one.ask(cold(stream=True))) == "miss"


async def test_a_stream_that_everybody_has_left_is_let_go_and_not_kept() -> None:
    one = replica(Memory(), Canned(pieces=[chunk("a"), asyncio.Event()]))
    leader, joined = await one.ask(cold(stream=True)), await one.ask(cold(stream=True))
    for reply in (leader, joined):
        await anext(reply.events())
        await reply.aclose(left=True)
    await all_blocked()

    assert one.small.streams[0].closed
    assert sorted((outcome.cache, outcome.end) for outcome in one.outcomes) == [("joined", "left"), ("miss", "left")]
    assert header(await one.ask(cold(stream=True))) == "miss"


async def test_a_stream_that_a_stopping_server_cuts_off_ends_and_is_counted() -> None:
    one = replica(Memory(), Canned(pieces=[chunk("a"), asyncio.Event()]))
    leader, joined = await one.ask(cold(stream=True)), await one.ask(cold(stream=True))
    reading = [asyncio.create_task(read(reply)) for reply in (leader, joined)]
    await all_blocked()
    await one.flights.aclose()

    heard = await asyncio.gather(*reading)
    assert all(text.startswith(chunk("a")) and b"stream_broken" in text for text in heard)
    assert [outcome.end for outcome in one.outcomes] == ["left", "left"]


async def test_a_stream_that_breaks_breaks_for_everybody_and_is_not_kept() -> None:
    one = replica(Memory(), Canned(pieces=[chunk("a")]))
    replies = await asyncio.gather(*(one.ask(cold(stream=True)) for _ in range(3)))

    told = [await read(reply) for reply in replies]
    assert all(b"stream_broken" in text for text in told)
    assert [outcome.end for outcome in one.outcomes] == ["broken"] * 3
    assert header(await one.ask(cold(stream=True))) == "miss"


async def test_a_closed_reply_is_closed_once() -> None:
    one = replica(Memory(), Canned(answer(), pieces=STREAM))
    for stream in (False, True):
        for _ in range(2):
            reply = await one.ask(cold(stream=stream))
            await read(reply)
            await reply.aclose()
    assert [outcome.cache for outcome in one.outcomes] == ["miss", "hit", "hit", "hit"]


async def test_who_wants_nothing_remembered_joins_nobody() -> None:
    one = replica(Memory(), Gated())
    asking = [asyncio.create_task(one.ask(cold(), Caller(control="no-cache"))) for _ in range(3)]
    await all_blocked()
    opened(one)
    assert [header(reply) for reply in await asyncio.gather(*asking)] == ["miss"] * 3
    assert len(one.small.asked) == 3
    assert header(await one.ask(cold())) == "hit"


# ----------------------------------------------------------------------------------------------------- across servers


@pytest.fixture(scope="module", params=[redis_program, valkey_program], ids=["redis", "valkey"])
def server(request: pytest.FixtureRequest) -> RedisServer:  # type: ignore[misc]
    with running(request.param()) as made:
        yield made


@pytest.fixture
async def stores(server: RedisServer) -> AsyncIterator[tuple[Store, Store]]:
    server.ask("FLUSHALL")
    made = [RedisStore(read_store_url(server.url), deadline=PATIENT) for _ in range(2)]
    for one in made:
        await one.begin()
    yield made[0], made[1]
    for one in made:
        await one.aclose()


@pytest.mark.redis
async def test_a_thousand_equal_requests_over_two_servers_are_one_call(stores: tuple[Store, Store]) -> None:
    small = Gated(answer("hello"))
    two = [replica(store, small) for store in stores]
    asking = [asyncio.create_task(two[number % 2].ask(cold())) for number in range(1000)]
    await small.reached.wait()
    await all_blocked()
    small.gate.set()
    replies = await asyncio.gather(*asking)

    assert len(small.asked) == 1
    assert {await read(reply) for reply in replies} == {answer("hello")}
    words = [header(reply) for reply in replies]
    assert (words.count("miss"), words.count("joined")) == (1, 999)
    assert sum(outcome.cost or 0 for one in two for outcome in one.outcomes) == pytest.approx(3e-5)


@pytest.mark.redis
async def test_a_request_is_weighed_while_the_store_is_asked_and_only_then(stores: tuple[Store, Store]) -> None:
    one, other = (replica(store, Gated(answer("hello"))) for store in stores)
    looked_up: list[str] = []

    def thresholds(route: str, _state: str) -> dict[str, float]:
        looked_up.append(route)
        return {}

    one.pipeline.thresholds = other.pipeline.thresholds = thresholds
    asking = asyncio.create_task(one.ask(cold()))
    assert isinstance(one.small, Gated)
    await one.small.reached.wait()
    assert looked_up == ["auto", "auto"]  # ahead, and when it was known that somebody has to be asked
    opened(one)
    await read(await asking)
    assert one.outcomes[0].decision is not None

    reply = await other.ask(cold())
    await read(reply)
    assert looked_up == ["auto"] * 3  # nobody else asked just then, so there was time
    assert (header(reply), header(reply, "x-router-difficulty")) == ("hit", None)
    assert other.outcomes[0].decision is None


@pytest.mark.redis
async def test_thresholds_that_move_while_another_server_asks_count(stores: tuple[Store, Store]) -> None:
    one, other = replica(stores[0], Gated(answer("refused"))), replica(stores[1], Canned(answer("hello")))
    in_force: dict[str, float] = {}
    other.pipeline.thresholds = lambda _route, _state: dict(in_force)
    leading = asyncio.create_task(one.ask(cold()))
    assert isinstance(one.small, Gated)
    await one.small.reached.wait()

    following = asyncio.create_task(other.ask(cold()))
    await all_blocked()
    in_force["tuned"] = 0.0
    await one.flights.aclose()  # it stops, and the other one takes over

    async with asyncio.timeout(10):
        reply = await following
        await read(await leading)
    assert header(reply, "x-router-path") == "frontier:ok"
    await read(reply)


@pytest.mark.redis
async def test_a_fault_while_weighing_ahead_keeps_no_answer_back_and_no_lease(
    server: RedisServer, stores: tuple[Store, Store]
) -> None:
    one, other = (replica(store, Canned(answer("hello"))) for store in stores)
    await read(await one.ask(cold()))
    await stores[0].get("anything")  # an answer goes to the store once its client has it

    def at_fault(_route: str, _state: str) -> dict[str, float]:
        raise ZeroDivisionError

    other.pipeline.thresholds = at_fault
    assert header(await other.ask(cold())) == "hit"
    with pytest.raises(ZeroDivisionError):
        await other.ask(cold("new"))
    await stores[1].get("anything")  # the lease is given back just before
    assert b"sf1:flight" not in server.ask("KEYS", "sf1:flight:*")


@pytest.mark.redis
async def test_what_is_wrong_with_a_request_is_told_when_it_was_weighed_ahead_too(stores: tuple[Store, Store]) -> None:
    one = replica(stores[0], Canned(answer("hello")))
    reply = await one.ask(cold(), Caller(budget=0.0))
    assert reply.status == 400
    assert b"max_cost_exceeded" in await read(reply)
    assert one.small.asked == []


@pytest.mark.redis
async def test_an_answer_of_one_server_is_given_by_the_other(stores: tuple[Store, Store]) -> None:
    one, other = (replica(store, Canned(answer("hello"), pieces=STREAM)) for store in stores)
    for stream in (False, True):
        await read(await one.ask(cold(stream=stream, seed=int(stream))))
        await stores[0].get("anything")  # an answer goes to the store once its client has it
        reply = await other.ask(cold(stream=stream, seed=int(stream)))
        assert header(reply) == "hit"
        assert header(reply, "x-router-deployment") == "small"
        assert await read(reply) == (STREAMED if stream else answer("hello"))
    assert other.small.asked == []


@pytest.mark.redis
async def test_an_answer_that_its_client_has_and_the_store_has_not_is_waited_for(
    server: RedisServer, stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is held until it is handed over, so that nobody asks again in that moment."""
    monkeypatch.setattr(flights, "_LEASE", 60.0)  # however long the moment is
    async with far_away(server) as (road, store):
        small, other_small = Gated(answer("hello")), Canned(answer("twice"))
        one, other = replica(store, small), replica(stores[1], other_small)
        leading = asyncio.create_task(one.ask(cold()))
        await small.reached.wait()
        road.block()
        small.gate.set()
        assert await read(await leading) == answer("hello")

        joining = asyncio.create_task(other.ask(cold()))
        await waiting(stores[1], server_side=True)
        assert not joining.done()
        road.unblock()

        assert header(await joining) == "joined"
        assert await read(await joining) == answer("hello")
        assert other_small.asked == []


@pytest.mark.redis
async def test_a_stream_is_asked_for_again_at_another_server_until_it_is_handed_over(
    server: RedisServer, stores: tuple[Store, Store]
) -> None:
    """No server waits for another's stream, neither while it runs nor in the moment until the store has it."""
    async with far_away(server) as (road, store):
        small, other_small = Gated(pieces=STREAM), Canned(pieces=STREAM)
        one, other = replica(store, small), replica(stores[1], other_small)
        leading = asyncio.create_task(one.ask(cold(stream=True)))
        await small.reached.wait()
        assert await asks_again(stores[1])

        road.block()
        small.gate.set()
        assert await read(await leading) == STREAMED
        assert await asks_again(stores[1])
        road.unblock()
        await store.get("anything")

        assert header(await other.ask(cold(stream=True))) == "hit"
        assert other_small.asked == []


async def asks_again(store: Store) -> bool:
    """Whether one more server calls its deployment for the stream; it leaves nothing behind."""
    small = Gated(pieces=STREAM)
    asking = asyncio.create_task(replica(store, small).ask(cold(stream=True)))
    reached = asyncio.create_task(small.reached.wait())
    await asyncio.wait([asking, reached], return_when=asyncio.FIRST_COMPLETED)
    again = not asking.done()
    for task in (asking, reached):
        task.cancel()
    await asyncio.wait([asking, reached])
    return again


@asynccontextmanager
async def far_away(server: RedisServer) -> AsyncIterator[tuple[SlowRoad, Store]]:
    """A store behind a road that may be blocked."""
    async with slow_road(server.port) as road:
        store = RedisStore(read_store_url(road.url), deadline=PATIENT)
        await store.begin()
        yield road, store
        await store.aclose()


@pytest.mark.redis
async def test_a_sealed_answer_is_for_those_with_the_key(stores: tuple[Store, Store], server: RedisServer) -> None:
    one, other = (replica(store, Canned(answer("hello")), secret="open sesame") for store in stores)
    stranger = replica(stores[1], Canned(answer("hello")), secret="another")
    await read(await one.ask(cold()))
    await stores[0].get("anything")  # an answer goes to the store once its client has it

    assert b"hello" not in server.ask("GET", server.ask("KEYS", "sf1:answer:*").split(b"\r\n")[2].decode())
    assert header(await other.ask(cold())) == "hit"
    assert header(await stranger.ask(cold())) == "miss"


@pytest.mark.redis
@pytest.mark.parametrize(
    ("body", "status"), [(b'{"error": {"message": "no"}}', 400), (answer("cut", finish="length"), 200)]
)
async def test_what_may_not_be_kept_is_for_those_who_waited(
    stores: tuple[Store, Store], body: bytes, status: int
) -> None:
    small = Gated(body, status)
    policy = TWO_TIERS.replace("deployments: [small]}", "deployments: [small], checks: []}")
    one, other = (replica(store, small, policy) for store in stores)
    leading = asyncio.create_task(one.ask(cold()))
    await small.reached.wait()
    joining = asyncio.create_task(other.ask(cold()))
    await waiting(stores[0], server_side=True)
    small.gate.set()
    replies = await asyncio.gather(leading, joining)

    assert [(reply.status, await read(reply), header(reply)) for reply in replies] == [
        (status, body, "miss"),
        (status, body, "joined"),
    ]
    for name in ("x-router-tier", "x-router-deployment", "x-router-path"):
        assert header(replies[0], name) == header(replies[1], name) is not None
    assert len(small.asked) == 1
    assert header(await other.ask(cold())) == "miss"


async def waiting(store: Store, *, server_side: bool) -> None:
    """Let others come as far as they can; what is on its way to the server has arrived when this has come back."""
    assert server_side
    for _ in range(3):
        await all_blocked()
        await store.get("sf1:pin:{nobody}")


@pytest.mark.redis
async def test_a_server_that_dies_is_taken_over_from_within_a_second(stores: tuple[Store, Store]) -> None:
    dying, living = Gated(), Canned(answer("from the living"))
    one, other = replica(stores[0], dying), replica(stores[1], living)
    leading = asyncio.create_task(one.ask(cold()))
    await dying.reached.wait()
    await stores[0].aclose()  # it says nothing more, nor does it renew its lease
    begun = asyncio.get_running_loop().time()

    reply = await other.ask(cold())

    assert await read(reply) == answer("from the living")
    assert header(reply) == "miss"
    assert asyncio.get_running_loop().time() - begun < 1.0 + 0.5  # and a little for a busy machine
    leading.cancel()
    await asyncio.wait([leading])


@pytest.mark.redis
async def test_a_flight_that_takes_long_keeps_its_lease(stores: tuple[Store, Store]) -> None:
    small, other_small = Gated(answer("hello")), Canned(answer("twice"))
    one, other = replica(stores[0], small), replica(stores[1], other_small)
    leading = asyncio.create_task(one.ask(cold()))
    await small.reached.wait()
    joining = asyncio.create_task(other.ask(cold()))
    done, _ = await asyncio.wait([joining], timeout=1.5)  # twice as long as a lease
    assert done == set()
    small.gate.set()

    assert await read(await joining) == answer("hello")
    assert other_small.asked == []
    await leading


@pytest.mark.redis
async def test_whoever_leaves_lets_another_servers_clients_have_the_answer(stores: tuple[Store, Store]) -> None:
    small, other_small = Gated(answer("hello")), Canned(answer("twice"))
    one, other = replica(stores[0], small), replica(stores[1], other_small)
    leading = asyncio.create_task(one.ask(cold()))
    await small.reached.wait()
    joining = asyncio.create_task(other.ask(cold()))
    await waiting(stores[0], server_side=True)
    leading.cancel()
    await waiting(stores[0], server_side=True)
    assert small.left == 0
    small.gate.set()

    assert await read(await joining) == answer("hello")
    assert other_small.asked == []
    assert [outcome.end for outcome in one.outcomes] == ["left"]


@pytest.mark.redis
async def test_whoever_leaves_alone_lets_upstream_go_and_the_next_may_ask(stores: tuple[Store, Store]) -> None:
    small = Gated()
    one, other = replica(stores[0], small), replica(stores[1], Canned(answer("hello")))
    leading = asyncio.create_task(one.ask(cold()))
    await small.reached.wait()
    leading.cancel()
    await waiting(stores[0], server_side=True)

    assert small.left == 1
    assert header(await other.ask(cold())) == "miss"


@pytest.mark.redis
async def test_whoever_leaves_while_another_server_asks_is_counted_and_the_next_gets_it(
    stores: tuple[Store, Store],
) -> None:
    small = Gated(answer("hello"))
    one, other = replica(stores[0], small), replica(stores[1], Canned(answer("twice")))
    leading = asyncio.create_task(one.ask(cold()))
    await small.reached.wait()
    leaving, staying = (asyncio.create_task(other.ask(cold())) for _ in range(2))
    await waiting(stores[1], server_side=True)
    leaving.cancel()
    await all_blocked()
    small.gate.set()

    assert await read(await staying) == answer("hello")
    assert sorted((outcome.end, outcome.status) for outcome in other.outcomes) == [("left", 499), ("ok", 200)]
    await leading


@pytest.mark.redis
async def test_a_server_that_stops_hands_over_at_once(stores: tuple[Store, Store]) -> None:
    one, other = replica(stores[0], Gated()), replica(stores[1], Canned(answer("hello")))
    leading = asyncio.create_task(one.ask(cold()))
    assert isinstance(one.small, Gated)
    await one.small.reached.wait()
    joining = asyncio.create_task(other.ask(cold()))
    await waiting(stores[0], server_side=True)

    await one.flights.aclose()

    assert await read(await joining) == answer("hello")
    await asyncio.wait([leading])


@pytest.mark.redis
async def test_waiting_for_another_server_ends_with_the_routes_deadline(stores: tuple[Store, Store]) -> None:
    policy = TWO_TIERS.replace("auto: {", "auto: {deadline: 300ms, ")
    one, other = replica(stores[0], Gated()), replica(stores[1], Canned(answer()), policy)
    leading = asyncio.create_task(one.ask(cold()))
    assert isinstance(one.small, Gated)
    await one.small.reached.wait()

    reply = await other.ask(cold())

    assert reply.status == 504
    assert orjson.loads(await read(reply))["error"]["code"] == "deadline_exceeded"
    leading.cancel()
    await asyncio.wait([leading])


@pytest.mark.redis
async def test_without_the_store_each_server_asks_for_itself(server: RedisServer) -> None:
    store = RedisStore(read_store_url(server.url))
    await store.begin()
    one = replica(store, Canned(answer("hello"), pieces=STREAM))
    server.pause()
    try:
        async with asyncio.timeout(5):
            for number in range(100):
                stream = bool(number % 2)
                assert header(await one.ask(cold(seed=number, stream=stream))) == "miss"
        assert header(await one.ask(cold(seed=0))) == "hit"
    finally:
        server.resume()
        await store.aclose()
