"""Ways to a Redis: over TLS, as a user with few rights, through a socket, to the master that Sentinels name."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from router.policy.store_url import read_store_url
from router.store import Claim, Flight, StoreDown, key
from router.store.redis_store import RedisStore
from tests.redis_server import PATIENT, RedisServer, free_port, redis_program, running
from tests.store.hearing import Told

pytestmark = pytest.mark.redis

NAME = key("pin", "ann")


async def works(address: str) -> None:
    store = RedisStore(read_store_url(address), deadline=PATIENT)
    await store.begin()
    try:
        await store.set(NAME, b"tuned", 60)
        assert await store.get(NAME) == b"tuned"
        assert await store.claim(Flight.of("asked"), b"a" * 16, 1) == Claim()
    finally:
        await store.aclose()


async def refuses(address: str) -> str:
    """What is told when a connection cannot be made."""
    told = Told()
    store = RedisStore(read_store_url(address), told, deadline=PATIENT)
    await store.begin()
    with pytest.raises(StoreDown):
        await store.get(NAME)
    await store.aclose()
    return await told.hears("Redis is not used")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def encrypted(authority: trustme.CA, folder: Path) -> Iterator[RedisServer]:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    own = authority.issue_cert("localhost", "127.0.0.1")
    own.private_key_pem.write_to_path(folder / "key.pem")
    own.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    settings = {
        "tls-port": str(free_port()),
        "tls-cert-file": str(folder / "cert.pem"),
        "tls-key-file": str(folder / "key.pem"),
        "tls-ca-cert-file": str(folder / "ca.pem"),
        "tls-auth-clients": "no",
    }
    with running(redis_program(), settings) as server:  # the Valkey in the wheel is built without TLS
        yield server


async def test_a_server_is_reached_over_tls_and_its_certificate_is_checked(
    authority: trustme.CA, tmp_path: Path
) -> None:
    with encrypted(authority, tmp_path) as server:
        port = server.settings["tls-port"]
        await works(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path}/ca.pem")
        assert "certificate" in await refuses(f"rediss://127.0.0.1:{port}/0")


async def test_a_user_needs_these_rights_and_no_others(own_redis: RedisServer) -> None:
    own_redis.ask("ACL", "SETUSER", "bob", "on", ">hunter2", "~sf1:*", "&sf1:*", *_rights())

    await works(f"redis://bob:hunter2@127.0.0.1:{own_redis.port}/0")


def _rights() -> list[str]:
    """What docs/redis.md tells operators to allow."""
    page = (Path(__file__).parents[2] / "docs/redis.md").read_text("utf-8")
    line = next(line for line in page.splitlines() if line.startswith("ACL SETUSER"))
    return [word for word in line.split() if word[0] in "+-"]


async def test_a_wrong_password_is_told_and_never_shown(own_redis: RedisServer) -> None:
    own_redis.ask("CONFIG", "SET", "requirepass", "right")

    told = await refuses(f"redis://:hunter2@127.0.0.1:{own_redis.port}/0")

    assert "invalid username-password pair" in told
    assert "hunter2" not in told


async def test_databases_are_apart(own_redis: RedisServer) -> None:
    await works(f"redis://127.0.0.1:{own_redis.port}/3")

    assert b"db3:keys=2" in own_redis.ask("INFO", "keyspace")


async def test_a_server_is_reached_through_a_socket(program: str, tmp_path: Path) -> None:
    with running(program, {"unixsocket": str(tmp_path / "s")}):
        await works(f"unix://{tmp_path}/s")


async def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    port = free_port()

    assert f"127.0.0.1:{port}" in await refuses(f"redis://127.0.0.1:{port}/0")


@contextmanager
def sentinel(program: str, master: RedisServer) -> Iterator[RedisServer]:
    """A Sentinel that watches one master."""
    with running(program, {"sentinel": f"monitor main 127.0.0.1 {master.port} 1"}) as watching:
        yield watching


@pytest.mark.slow
async def test_sentinels_name_the_master_and_the_next_one_when_it_is_replaced(program: str) -> None:
    with running(program) as one, running(program) as other:
        other.ask("REPLICAOF", "127.0.0.1", str(one.port))
        with sentinel(program, one) as watching:
            told = Told()
            address = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{watching.port}/main/0"
            store = RedisStore(read_store_url(address), told, deadline=PATIENT)
            await store.begin()
            await store.set(NAME, b"tuned", 60)
            assert b"tuned" in one.ask("GET", NAME)

            async with asyncio.timeout(60):
                while not watching.ask("SENTINEL", "FAILOVER", "main").startswith(b"+OK"):
                    await asyncio.to_thread(other.breathe)  # it has not seen the replica yet
                await _until_written(store, other, b"frontier")
            await store.aclose()


async def _until_written(store: RedisStore, server: RedisServer, value: bytes) -> None:
    while value not in server.ask("GET", NAME):
        try:
            await store.set(NAME, value, 60)
        except StoreDown:
            await asyncio.to_thread(server.breathe)


async def test_a_master_that_no_sentinel_knows_is_told(program: str, own_redis: RedisServer) -> None:
    with sentinel(program, own_redis) as watching:
        told = await refuses(f"redis+sentinel://127.0.0.1:{watching.port}/other/0")

    assert "no Sentinel knows a master named 'other'" in told
