"""From an address to a store."""

from pathlib import Path

import pytest

from router.policy.store_url import read_store_url
from router.store import Memory, open_store
from router.store.redis_store import RedisStore
from tests.redis_server import RedisServer, valkey_program


async def test_memory_keeps_what_was_learned_in_the_state_folder(tmp_path: Path) -> None:
    store = open_store(read_store_url("memory://"), tmp_path, print)

    await store.set("sf1:threshold:{0}", b"0.3", None)

    assert isinstance(store, Memory)
    assert (tmp_path / "learned" / "threshold-0").read_bytes() == b"0.3"


@pytest.mark.redis
async def test_an_address_of_redis_opens_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    store = open_store(read_store_url(redis_server.url), tmp_path, print)

    assert isinstance(store, RedisStore)
    assert await store.get("sf1:threshold:{1}") is None
    await store.aclose()


async def test_embedded_is_ended_with_its_store(tmp_path: Path) -> None:
    valkey_program()
    store = open_store(read_store_url("embedded://"), tmp_path, print)
    await store.begin()
    await store.set("sf1:threshold:{0}", b"0.3", None)

    await store.aclose()

    assert not (tmp_path / "valkey" / "valkey.sock").exists()
