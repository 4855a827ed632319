"""A cluster of two real nodes: keys find theirs, also after a slot has moved."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from router.policy.store_url import read_store_url
from router.store import Claim, Flight, StoreDown, key
from router.store.cluster import slot_of
from router.store.redis_store import RedisStore
from tests.redis_server import PATIENT, RedisServer, free_port, running
from tests.store.hearing import Told

pytestmark = pytest.mark.redis
ANN = b"a" * 16


@pytest.fixture(scope="module")
def nodes(program: str) -> Iterator[tuple[RedisServer, RedisServer]]:
    settings = {"cluster-enabled": "yes", "cluster-node-timeout": "2000"}
    buses = [{**settings, "cluster-port": str(free_port())} for _ in range(2)]
    with running(program, buses[0]) as one, running(program, buses[1]) as other:
        one.ask("CLUSTER", "ADDSLOTSRANGE", "0", "8191")
        other.ask("CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
        one.ask("CLUSTER", "MEET", "127.0.0.1", str(other.port), buses[1]["cluster-port"])
        for _ in range(3000):
            if all(b"cluster_state:ok" in node.ask("CLUSTER", "INFO") for node in (one, other)):
                break
            one.breathe()
        yield one, other


@pytest.fixture
async def store(nodes: tuple[RedisServer, RedisServer]) -> AsyncIterator[RedisStore]:
    made = RedisStore(
        read_store_url(f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{nodes[0].port}/0"), deadline=PATIENT
    )
    await made.begin()
    yield made
    await made.aclose()


@pytest.mark.parametrize("text", ["123456789", "{user1000}.following", "foo{}{bar}", "foo{bar", "ä", key("pin", "ann")])
def test_a_key_is_in_the_slot_that_redis_says(text: str, nodes: tuple[RedisServer, RedisServer]) -> None:
    assert nodes[0].ask("CLUSTER", "KEYSLOT", text) == b":%d\r\n" % slot_of(text)


async def test_every_key_finds_its_node(store: RedisStore, nodes: tuple[RedisServer, RedisServer]) -> None:
    names = [key("pin", str(number)) for number in range(50)]

    await asyncio.gather(*(store.set(name, name.encode(), 60) for name in names))

    assert await asyncio.gather(*(store.get(name) for name in names)) == [name.encode() for name in names]
    assert all(not node.ask("DBSIZE").startswith(b":0") for node in nodes)
    await store.delete(*names)
    assert all(node.ask("DBSIZE").startswith(b":0") for node in nodes)


async def test_a_flight_is_one_nodes_affair(store: RedisStore) -> None:
    for number in range(8):
        asked = Flight.of("cluster", str(number))
        assert await store.claim(asked, ANN, 60) == Claim()
        store.settle(asked, ANN, lambda: b"hello", 60)
        assert await store.claim(asked, ANN, 60) == Claim(b"hello")


async def test_a_slot_that_has_moved_is_found_again(store: RedisStore, nodes: tuple[RedisServer, RedisServer]) -> None:
    number = next(number for number in range(1000) if slot_of(key("pin", "moved", str(number))) < 8192)
    name = key("pin", "moved", str(number))
    slot, new = str(slot_of(name)), nodes[1].ask("CLUSTER", "MYID").split(b"\r\n")[1].decode()
    for node in (nodes[1], nodes[0]):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", new)

    await store.set(name, b"tuned", 60)

    assert await store.get(name) == b"tuned"
    assert b"tuned" in nodes[1].ask("GET", name)


async def test_a_slot_on_its_way_is_asked_for_where_it_goes(
    store: RedisStore, nodes: tuple[RedisServer, RedisServer]
) -> None:
    number = next(number for number in range(1000) if slot_of(key("pin", "moving", str(number))) > 9000)
    name = key("pin", "moving", str(number))
    slot = str(slot_of(name))
    ids = [node.ask("CLUSTER", "MYID").split(b"\r\n")[1].decode() for node in nodes]
    nodes[0].ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[1])
    nodes[1].ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[0])

    await store.set(name, b"tuned", 60)

    assert await store.get(name) == b"tuned"
    assert b"MOVED" in nodes[0].ask("GET", name)  # only who was sent there may ask there
    for node in nodes:
        node.ask("CLUSTER", "SETSLOT", slot, "STABLE")


async def test_what_is_published_at_one_node_is_heard_from_any(store: RedisStore) -> None:
    heard = asyncio.Event()
    store.subscribe("sf1:threshold", lambda message: heard.set() if message == b"auto" else None)

    async with asyncio.timeout(10):
        while not heard.is_set():
            await store.publish("sf1:threshold", b"auto")

    assert store.up


async def test_a_cluster_that_is_not_there_is_told_and_costs_nothing() -> None:
    told = Told()
    store = RedisStore(read_store_url(f"redis+cluster://127.0.0.1:{free_port()}"), told, deadline=PATIENT)
    await store.begin()

    with pytest.raises(StoreDown, match="no node of the cluster"):
        await store.get(key("pin", "ann"))
    await told.hears("no node of the cluster")
    await store.aclose()
