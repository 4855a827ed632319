"""The store that several servers share, where it differs from the one inside the process."""

import asyncio
import gc

import orjson
import pytest

from router.policy.store_url import read_store_url
from router.store import KINDS, Flight, StoreDown, key
from router.store.redis_store import RedisStore, _Keep
from tests.redis_server import PATIENT, RedisServer
from tests.waiting import until

pytestmark = pytest.mark.redis


async def test_two_servers_see_the_same(redis_server: RedisServer) -> None:
    one, other = (RedisStore(read_store_url(redis_server.url), deadline=PATIENT) for _ in range(2))
    await one.set(key("threshold", "auto"), b"0.3", None)

    assert await other.get(key("threshold", "auto")) == b"0.3"
    assert one.shared
    await one.aclose()
    await other.aclose()


async def test_a_key_stays_as_long_as_docs_say_and_what_was_learned_stays(own_redis: RedisServer) -> None:
    store = RedisStore(read_store_url(own_redis.url), deadline=PATIENT)
    asked = Flight.of("asked")
    await store.set(key("threshold", "auto"), b"0.3", None)
    await store.set(key("pin", "ann"), b"tuned", 3600)
    await store.claim(asked, b"a" * 16, 1)
    await store.claim(asked, b"b" * 16, 1)
    store.settle(asked, b"a" * 16, lambda: b"an error", None)
    await store.get(asked.answer)

    left = {name: int(own_redis.ask("PTTL", name)[1:-2]) for name in (asked.result, key("pin", "ann"))}

    assert own_redis.ask("PTTL", key("threshold", "auto")) == b":-1\r\n"
    assert KINDS["threshold"].ttl is None
    assert 0 < left[asked.result] <= 5000
    assert 3_590_000 < left[key("pin", "ann")] <= 3_600_000
    await store.aclose()


async def test_what_is_in_no_hurry_is_one_command_for_each_time_to_live(own_redis: RedisServer) -> None:
    store = RedisStore(read_store_url(own_redis.url), deadline=PATIENT)
    await store.begin()
    own_redis.ask("CONFIG", "RESETSTAT")
    names = [key("decision", f"req_{number}") for number in range(300)]
    for name in names:
        store.put(name, name.encode(), 60)
    store.put(key("pin", "ann"), b"stays", None)
    assert [await store.get(name) for name in names] == [name.encode() for name in names]

    told = own_redis.ask("INFO", "commandstats").decode()
    assert "cmdstat_evalsha:calls=4," in told  # 128, 128, 44, and the one that stays
    assert 0 < int(own_redis.ask("PTTL", names[-1])[1:-2]) <= 60_000
    assert own_redis.ask("PTTL", key("pin", "ann")) == b":-1\r\n"
    await store.aclose()


async def test_what_is_in_no_hurry_leaves_nothing_for_the_collector(own_redis: RedisServer) -> None:
    """A reload would freeze it, and so keep it for good."""
    store = RedisStore(read_store_url(own_redis.url), deadline=PATIENT)
    await store.begin()
    gc.collect()
    gc.disable()
    try:
        for number in range(5):
            store.put(key("decision", f"req_{number}"), b"x", 60)
            await store.get(key("decision", f"req_{number}"))  # goes with it
        assert len([known for known in gc.get_objects() if isinstance(known, _Keep)]) == 1  # the last
    finally:
        gc.enable()
    await store.aclose()


async def test_what_is_in_no_hurry_is_kept_by_a_server_that_has_forgotten_how(own_redis: RedisServer) -> None:
    store = RedisStore(read_store_url(own_redis.url), deadline=PATIENT)
    await store.begin()
    own_redis.ask("SCRIPT", "FLUSH")
    store.put(key("decision", "one"), b"1", 60)
    store.put(key("decision", "two"), b"2", 60)
    await store.get(key("decision", "one"))  # goes with the first try, which fails
    assert await store.get(key("decision", "two")) == b"2"
    await store.aclose()


async def test_what_is_in_no_hurry_is_lost_with_the_server_and_what_comes_later_is_not(own_redis: RedisServer) -> None:
    store = RedisStore(read_store_url(own_redis.url), deadline=PATIENT)
    await store.begin()
    own_redis.kill()
    store.put(key("decision", "one"), b"1", 60)
    with pytest.raises(StoreDown):
        await store.get(key("decision", "one"))
    store.put(key("decision", "two"), b"2", 60)

    own_redis.start()
    await until(lambda: store.up)
    store.put(key("decision", "three"), b"3", 60)
    assert await store.get(key("decision", "three")) == b"3"
    assert await store.get(key("decision", "one")) is None
    await store.aclose()


async def test_a_store_that_was_never_used_is_up_and_closes(redis_server: RedisServer) -> None:
    store = RedisStore(read_store_url(redis_server.url), deadline=PATIENT)

    assert store.up
    await store.aclose()


async def test_whoever_leaves_a_channel_leaves_the_others_listening(redis_server: RedisServer) -> None:
    store = RedisStore(read_store_url(redis_server.url), deadline=PATIENT)
    heard: list[bytes | None] = []
    arrived = asyncio.Event()

    def hear(message: bytes | None) -> None:
        heard.append(message)
        arrived.set()

    leave = store.subscribe("sf1:breaker", lambda _: None)
    store.subscribe("sf1:breaker", hear)
    leave()
    leave()
    async with asyncio.timeout(5):
        while not heard:
            arrived.clear()
            await store.publish("sf1:breaker", b"tuned-a")
            await arrived.wait()

    assert set(heard) == {b"tuned-a"}
    await store.aclose()


async def test_an_account_is_charged_in_the_order_of_the_calls_hurried_or_not(own_redis: RedisServer) -> None:
    store = RedisStore(read_store_url(own_redis.url), deadline=PATIENT)
    name, limits = key("limit", "key", "ann"), ("15", "10", "", "", "", "")
    tell = ("-1", "me", *limits, "0.25", "0", "0", "0", "=2")
    take = ("0", "me", *limits, "0.25", "0", "0", "0", "+0")

    telling = store.charge(name, tell, 60, hurried=False)
    taking = store.charge(name, take, 60)

    told, took = [orjson.loads(await one) for one in (telling, taking)]
    assert (told[0], told[2], told[4:7]) == (0, 0, [0.25, 0.25, 2])
    assert (took[0], took[2], took[4:8]) == (1, 1, [0.25, 0.25, 2, 1])
    assert 0 < int(own_redis.ask("PTTL", name)[1:-2]) <= 60_000
    await store.aclose()
