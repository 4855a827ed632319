"""Every store there is, so that one suite tells what all of them do."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from router.policy.store_url import read_store_url
from router.store import Memory, Store
from router.store.redis_store import RedisStore
from tests.redis_server import PATIENT, RedisServer, redis_program, running, valkey_program


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with running(redis_program()) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[RedisServer]:
    with running(valkey_program()) as server:
        yield server


@pytest.fixture(scope="session", params=[redis_program, valkey_program], ids=["redis", "valkey"])
def program(request: pytest.FixtureRequest) -> str:
    """Either of the programs that are promised to work: Debian's Redis, and the Valkey in the extra `embedded`."""
    found: str = request.param()
    return found


@pytest.fixture
def own_redis(program: str) -> Iterator[RedisServer]:
    """A server that this test alone may break."""
    with running(program) as server:
        yield server


def _memory(_: pytest.FixtureRequest) -> Store:
    return Memory()


def _redis(request: pytest.FixtureRequest) -> Store:
    return RedisStore(read_store_url(request.getfixturevalue("redis_server").url), deadline=PATIENT)


def _valkey(request: pytest.FixtureRequest) -> Store:
    return RedisStore(read_store_url(request.getfixturevalue("valkey_server").url), deadline=PATIENT)


@pytest.fixture(
    params=[
        pytest.param(_memory, id="memory"),
        pytest.param(_redis, id="redis", marks=pytest.mark.redis),
        pytest.param(_valkey, id="valkey", marks=pytest.mark.redis),
    ]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    make: Callable[[pytest.FixtureRequest], Store] = request.param
    made = make(request)
    await made.begin()
    yield made
    await made.aclose()
