"""One connection to a real Redis that is paused, killed, filled, slowed and lied to: requests go on, and it heals."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from router.policy.store_url import read_store_url
from router.store import Claim, Flight, StoreDown, key
from router.store.redis_store import RedisStore
from tests.redis_server import RedisServer, free_port, redis_program, running, slow_road
from tests.store.hearing import Told
from tests.waiting import all_blocked

pytestmark = pytest.mark.redis

NAME, OTHER = key("pin", "ann"), key("pin", "ben")
ANN, BEN = b"a" * 16, b"b" * 16


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def store(own_redis: RedisServer, told: Told) -> AsyncIterator[RedisStore]:
    made = RedisStore(read_store_url(own_redis.url), told)
    await made.begin()
    yield made
    await made.aclose()


def is_up(store: RedisStore) -> bool:
    """Ask anew: mypy thinks that what was so stays so."""
    return store.up


async def costs_nothing(store: RedisStore) -> None:
    """A thousand calls, none of which waits: at 50 ms each they would take 50 seconds."""
    async with asyncio.timeout(10):
        for _ in range(500):
            with pytest.raises(StoreDown):
                await store.get(NAME)
            with pytest.raises(StoreDown):
                await store.claim(Flight.of("x"), ANN, 1)
            store.put(NAME, b"lost", 60)


async def works(store: RedisStore) -> None:
    """It does, soon: on a busy machine a healthy server may take more than 50 ms, too."""
    async with asyncio.timeout(15):
        while True:
            try:
                await store.set(NAME, b"tuned", 60)
                assert await store.get(NAME) == b"tuned"
            except StoreDown:
                await all_blocked()
            else:
                return


async def test_a_paused_server_is_waited_for_once_then_costs_nothing_and_is_used_again(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    own_redis.pause()

    with pytest.raises(StoreDown, match="no answer within 50 ms"):
        await store.get(NAME)
    await costs_nothing(store)
    assert not is_up(store)

    own_redis.resume()
    await told.hears("Redis is used again")
    assert is_up(store)
    await works(store)


async def test_calls_that_wait_together_wait_together(store: RedisStore, own_redis: RedisServer) -> None:
    own_redis.pause()

    async with asyncio.timeout(5):
        results = await asyncio.gather(*(store.get(NAME) for _ in range(1000)), return_exceptions=True)

    assert all(isinstance(result, StoreDown) for result in results)
    own_redis.resume()


async def test_a_killed_server_fails_what_waits_and_is_used_again_when_it_is_back(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    await works(store)

    own_redis.kill()
    await told.hears("Redis is not used")
    await costs_nothing(store)

    own_redis.start()
    await told.hears("Redis is used again")
    assert await store.swap(NAME, None, b"frontier", 60)
    await works(store)


async def test_a_server_that_starts_later_than_we_do_is_found(told: Told) -> None:
    with running(redis_program()) as server:
        server.kill()
        store = RedisStore(read_store_url(server.url), told)
        await store.begin()
        await told.hears("Redis is not used")
        await costs_nothing(store)

        server.start()
        await told.hears("Redis is used again")
        await works(store)
        await store.aclose()


@pytest.mark.parametrize("written", ["a value", "an answer"])
async def test_a_full_server_is_still_read_and_says_when_it_takes_values_again(
    store: RedisStore, own_redis: RedisServer, told: Told, written: str
) -> None:
    asked, unknown = Flight.of("asked"), Flight.of("unknown")
    await works(store)
    await store.set(asked.answer, b"hello", 60)
    own_redis.ask("CONFIG", "SET", "maxmemory", "1")

    with pytest.raises(StoreDown, match="OOM"):
        await store.set(OTHER, b"x", 60)
    assert await store.get(NAME) == b"tuned"
    assert await store.claim(asked, ANN, 1) == Claim(b"hello")
    assert await store.claim(unknown, ANN, 1) == Claim()
    assert not is_up(store)
    assert "takes nothing that is written" in await told.hears("OOM")

    store.put(OTHER, b"what is in no hurry", 60)
    with pytest.raises(StoreDown, match="OOM"):
        await store.set(OTHER, b"x", 60)
    assert not is_up(store)

    own_redis.ask("CONFIG", "SET", "maxmemory", "0")
    if written == "a value":
        store.put(unknown.answer, b"x", 60)
    else:
        store.settle(unknown, ANN, lambda: b"x", 60)
    await told.hears("takes what is written again")
    assert is_up(store)
    assert await store.get(unknown.answer) == b"x"


async def test_a_read_only_replica_is_read_and_left_once_there_is_a_master_again(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    await works(store)
    own_redis.ask("REPLICAOF", "127.0.0.1", str(free_port()))

    with pytest.raises(StoreDown, match="READONLY"):
        await store.set(OTHER, b"x", 60)
    await told.hears("READONLY")
    await told.hears("Redis is used again")  # the connection was made anew: the master may be elsewhere by now
    assert await store.get(NAME) == b"tuned"
    assert await store.claim(Flight.of("asked"), ANN, 1) == Claim()
    assert not is_up(store)

    own_redis.ask("REPLICAOF", "NO", "ONE")
    await store.set(OTHER, b"x", 60)
    assert is_up(store)


async def test_a_slow_server_costs_one_wait_and_is_used_again_when_it_is_fast(
    own_redis: RedisServer, told: Told
) -> None:
    async with slow_road(own_redis.port) as road:
        store = RedisStore(read_store_url(road.url), told)
        await store.begin()
        await works(store)

        road.delay = 0.2
        with pytest.raises(StoreDown, match="no answer within 50 ms"):
            await store.get(NAME)
        await costs_nothing(store)

        road.delay = 0
        await told.hears("Redis is used again")
        await works(store)
        await store.aclose()


async def test_a_network_that_loses_everything_is_left_and_found_again(own_redis: RedisServer, told: Told) -> None:
    async with slow_road(own_redis.port) as road:
        store = RedisStore(read_store_url(road.url), told)
        await store.begin()
        road.block()
        with pytest.raises(StoreDown):
            await store.get(NAME)
        await costs_nothing(store)

        road.unblock()
        await told.hears("Redis is used again")
        await works(store)
        await store.aclose()


async def test_a_server_that_only_takes_orders_nobody_waits_for_is_noticed_too(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    own_redis.pause()
    store.put(NAME, b"lost or not", 60)

    await told.hears("no answer within 50 ms")
    await costs_nothing(store)
    own_redis.resume()
    await told.hears("Redis is used again")


async def test_a_server_that_is_busy_is_asked_again_when_it_is_not(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    own_redis.ask("CONFIG", "SET", "busy-reply-threshold", "1")
    running_on = asyncio.create_task(asyncio.to_thread(own_redis.ask, "EVAL", "while true do end", "0"))

    await told.hears("Redis is not used") if await _fails(store) else None
    await costs_nothing(store)
    own_redis.ask("SCRIPT", "KILL")
    await running_on
    await told.hears("Redis is used again")
    await works(store)


async def _fails(store: RedisStore) -> bool:
    """Ask until it does."""
    async with asyncio.timeout(10):
        while True:
            try:
                await store.get(NAME)
            except StoreDown:
                return True


async def test_a_key_of_another_type_is_one_key_that_is_not_there(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    asked = Flight.of("asked")
    own_redis.ask("LPUSH", NAME, "what is this")
    own_redis.ask("LPUSH", asked.answer, "what is this")

    with pytest.raises(StoreDown, match="WRONGTYPE"):
        await store.get(NAME)
    with pytest.raises(StoreDown, match="WRONGTYPE"):
        await store.claim(asked, ANN, 1)
    assert await store.get(OTHER) is None
    assert (store.up, told.sentences) == (True, [])

    await works(store)
    store.settle(asked, ANN, lambda: b"hello", 60)
    assert await store.claim(asked, ANN, 1) == Claim(b"hello")


async def test_who_may_not_write_is_told_of_whatever_was_to_be_written(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    await works(store)
    own_redis.ask("ACL", "SETUSER", "default", "-set")
    store.put(NAME, b"what is in no hurry goes in a script", 60)
    assert await store.get(OTHER) is None
    assert "takes nothing that is written" in await told.hears("takes nothing")
    assert not is_up(store)

    own_redis.ask("ACL", "SETUSER", "default", "+set")
    await store.set(OTHER, b"x", 60)
    assert is_up(store)


async def test_a_command_that_cannot_be_written_takes_nobody_elses_answer(store: RedisStore, told: Told) -> None:
    def torn() -> bytes:
        raise ZeroDivisionError

    await store.set(NAME, b"ann's", 60)
    asked = Flight.of("asked")
    await store.claim(asked, ANN, 1)
    store.settle(asked, ANN, torn, 60)
    await told.hears("cannot be written")
    assert await store.get(NAME) == b"ann's"
    assert await store.get(OTHER) is None


async def test_scripts_that_a_server_has_forgotten_are_told_again(store: RedisStore, own_redis: RedisServer) -> None:
    own_redis.ask("SCRIPT", "FLUSH")

    assert await store.swap(NAME, None, b"one", 60)
    assert await store.swap(NAME, b"one", b"two", 60)


async def test_whoever_leaves_while_waiting_takes_nobody_elses_answer(store: RedisStore) -> None:
    await store.set(NAME, b"ann's", 60)
    await store.set(OTHER, b"ben's", 60)

    leaving = asyncio.ensure_future(store.get(NAME))
    staying = asyncio.ensure_future(store.get(OTHER))
    await asyncio.sleep(0)  # noqa: TID251  both have asked, nobody has answered
    leaving.cancel()

    assert await staying == b"ben's"
    assert await store.get(NAME) == b"ann's"


async def test_a_claim_goes_at_once_for_who_has_something_to_do_meanwhile(own_redis: RedisServer) -> None:
    async with slow_road(own_redis.port) as road:
        store = RedisStore(read_store_url(road.url))
        await store.begin()
        spared: list[str] = []

        async def asked(name: str) -> Claim:
            return await store.claim(Flight.of(name), ANN, 1, meanwhile=partial(spared.append, name))

        assert await asked("alone") == Claim()
        assert spared == ["alone"]

        before = road.pieces
        found = await asyncio.gather(store.get(NAME), asked("with others"))
        assert list(found) == [None, Claim()]
        assert road.pieces - before == 1
        assert spared == ["alone"]  # others went with that turn, and wait for what it brings
        await store.aclose()


async def test_nobody_has_time_to_spare_when_there_is_no_server(store: RedisStore, own_redis: RedisServer) -> None:
    own_redis.kill()
    assert await _fails(store)
    spared: list[str] = []
    with pytest.raises(StoreDown):
        await store.claim(Flight.of("asked"), ANN, 1, meanwhile=partial(spared.append, "asked"))
    assert spared == []


async def test_an_answer_is_written_when_it_is_sent_and_not_for_a_server_that_is_gone(
    store: RedisStore, own_redis: RedisServer
) -> None:
    asked, written = Flight.of("asked"), list[bytes]()

    def value() -> bytes:
        written.append(b"hello")
        return b"hello"

    await store.claim(asked, ANN, 1)
    store.settle(asked, ANN, value, 60)
    assert written == []
    assert await store.claim(asked, BEN, 1) == Claim(b"hello")
    assert written == [b"hello"]

    own_redis.kill()
    assert await _fails(store)
    store.settle(asked, ANN, value, 60)
    await store.aclose()
    assert written == [b"hello"]


async def test_the_commands_of_one_tick_are_one_write(own_redis: RedisServer) -> None:
    async with slow_road(own_redis.port) as road:
        store = RedisStore(read_store_url(road.url))
        await store.begin()
        before = road.pieces
        await asyncio.gather(*(store.get(key("pin", str(number))) for number in range(200)))
        assert road.pieces - before == 1
        await store.aclose()


async def test_what_is_in_no_hurry_goes_with_what_is(own_redis: RedisServer) -> None:
    async with slow_road(own_redis.port) as road:
        store = RedisStore(read_store_url(road.url))
        await store.begin()
        before = road.pieces
        store.put(NAME, b"ann's", 60)
        store.put(OTHER, b"ben's", 60, hurried=True)
        assert await store.get(OTHER) == b"ben's"
        assert road.pieces - before == 1
        await store.aclose()


async def test_what_nobody_follows_goes_by_itself(store: RedisStore, own_redis: RedisServer) -> None:
    store.put(NAME, b"ann's", 60)
    async with asyncio.timeout(5):
        while b"ann's" not in await asyncio.to_thread(own_redis.ask, "GET", NAME):
            pass


async def test_what_is_in_no_hurry_is_not_lost_when_the_store_is_closed(
    store: RedisStore, own_redis: RedisServer
) -> None:
    store.put(NAME, b"ann's", 60)
    await store.aclose()
    async with asyncio.timeout(5):
        while b"ann's" not in await asyncio.to_thread(own_redis.ask, "GET", NAME):
            pass


async def test_a_lease_that_is_not_renewed_ends(store: RedisStore) -> None:
    asked = Flight.of("asked")
    await store.claim(asked, ANN, 0.05)

    async with asyncio.timeout(5):
        while (await store.claim(asked, BEN, 60)).holder is not None:
            pass

    assert await store.claim(asked, ANN, 60) == Claim(holder=BEN)


async def test_whoever_listens_is_told_that_messages_may_have_been_missed(
    store: RedisStore, own_redis: RedisServer, told: Told
) -> None:
    heard: list[bytes | None] = []
    news = asyncio.Event()

    def hear(message: bytes | None) -> None:
        heard.append(message)
        news.set()

    store.subscribe("sf1:threshold", hear)
    own_redis.kill()
    await told.hears("Redis is not used")
    own_redis.start()
    await told.hears("Redis is used again")
    async with asyncio.timeout(5):
        while b"auto" not in heard:
            news.clear()
            await store.publish("sf1:threshold", b"auto")
            await news.wait()

    assert heard[0] is None


async def test_what_waits_when_the_store_is_closed_is_told_so(store: RedisStore, own_redis: RedisServer) -> None:
    own_redis.pause()
    waiting = asyncio.ensure_future(store.get(NAME))
    await asyncio.sleep(0)  # noqa: TID251  it has asked

    await store.aclose()

    with pytest.raises(StoreDown):
        await waiting
    with pytest.raises(StoreDown, match="closed"):
        await store.get(NAME)
    own_redis.resume()
