"""The key that signs request ids: kept, and agreed on by replicas."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.clock import SYSTEM
from router.ids import IdFacts, Signer, about, hashed, start_of
from router.policy.store_url import read_store_url
from router.server.reading import CannotServe
from router.server.signing import Signing
from router.settings import Settings
from router.store import Memory, key
from router.store.redis_store import RedisStore
from tests.redis_server import PATIENT, RedisServer, redis_program, running, valkey_program

SAID = about("ann", ("auto", "s1"), ("tuned", 5, 1.0), "small")
TIME = 6.0
FACTS = IdFacts(hashed("ann"), hashed("auto"), start_of("tuned", "s1"), hashed("small"), 5, 1.0, TIME)


@pytest.fixture(params=[redis_program, valkey_program], ids=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with running(request.param()) as server:
        yield server


def signed(signer: Signer) -> str:
    return signer.sign(SAID, TIME, b"nonce!")


def shared(server: RedisServer) -> RedisStore:
    return RedisStore(read_store_url(server.url), deadline=PATIENT)


async def test_one_process_keeps_its_own(tmp_path: Path) -> None:
    one = Signing(tmp_path, Settings(), Memory(), SYSTEM)
    await one.begin()
    again = Signing(tmp_path, Settings(), Memory(), SYSTEM)

    assert again.signer.verify(signed(one.signer)) == FACTS
    await one.aclose()


@pytest.mark.redis
async def test_replicas_agree_and_what_was_signed_before_is_still_known(tmp_path: Path, redis: RedisServer) -> None:
    stores = [shared(redis) for _ in range(2)]
    one, other = (Signing(tmp_path / str(i), Settings(), store, SYSTEM) for i, store in enumerate(stores))
    before = signed(other.signer)
    assert one.signer.verify(before) is None

    for each in (one, other):
        await each.begin()

    assert other.signer.verify(signed(one.signer)) == FACTS
    assert one.signer.verify(signed(other.signer)) == FACTS
    assert other.signer.verify(before) == FACTS
    for store in stores:
        await store.aclose()


@pytest.mark.redis
async def test_a_key_of_the_environment_is_nobody_elses(tmp_path: Path, redis: RedisServer) -> None:
    store = shared(redis)
    one = Signing(tmp_path, Settings(signing_key="secret"), store, SYSTEM)
    await one.begin()

    assert await store.get(key("secret", "signing")) is None
    await store.aclose()


@pytest.mark.redis
async def test_what_is_no_key_is_not_taken(
    tmp_path: Path, redis: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    store = shared(redis)
    await store.set(key("secret", "signing"), b"short", None)
    one = Signing(tmp_path, Settings(), store, SYSTEM)
    await one.begin()

    assert one.signer.verify(signed(one.signer)) == FACTS
    assert "the signing key in Redis is none" in capsys.readouterr().err
    await store.aclose()


@pytest.mark.redis
async def test_replicas_that_cannot_ask_yet_go_on_with_their_own_and_agree_later(
    tmp_path: Path, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.server.signing._AGAIN", 0.01)
    redis.kill()
    store = shared(redis)
    one = Signing(tmp_path, Settings(), store, SYSTEM)
    await store.begin()
    await one.begin()

    assert one.signer.verify(signed(one.signer)) == FACTS
    redis.start()
    assert one._agreeing is not None
    async with asyncio.timeout(15):
        await one._agreeing
    assert await store.get(key("secret", "signing")) is not None
    await one.aclose()
    await store.aclose()


def test_a_folder_that_cannot_be_written_is_told_where_nobody_shares_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    Signing(tmp_path / "file", Settings(), Memory(), SYSTEM)

    assert "set SMALLFIRST_SIGNING_KEY" in capsys.readouterr().err


def test_a_file_that_is_no_key_keeps_a_server_from_starting(tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_bytes(b"short")

    with pytest.raises(CannotServe, match=r"state\.path: "):
        Signing(tmp_path, Settings(), Memory(), SYSTEM)
