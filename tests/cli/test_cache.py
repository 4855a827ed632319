"""`smallfirst cache`."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.cache.entry import Entry, pack
from router.policy.store_url import read_store_url
from router.store import CLEARED, key
from router.store.redis_store import RedisStore
from tests.cli.calling import Called
from tests.plans import TWO_TIERS
from tests.redis_server import PATIENT, RedisServer, free_port, redis_program, running, valkey_program

Smallfirst = Callable[..., Called]
TRIAGE = "  triage: {difficulty: 0.2, cascade: [{tier: frontier}]}\n"


@dataclass(frozen=True)
class Filled:
    server: RedisServer
    policy: str


@pytest.fixture(params=[redis_program, valkey_program], ids=["redis", "valkey"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    """A Redis with three answers of two routes, one of another policy's, and something odd."""
    with running(request.param()) as server:
        path = tmp_path / "policy.yaml"
        path.write_text(f"{TWO_TIERS}{TRIAGE}cache: {{url: '{server.url}'}}\n")
        asyncio.run(_fill(server))
        yield Filled(server, str(path))


async def _fill(server: RedisServer) -> None:
    store = RedisStore(read_store_url(server.url), deadline=PATIENT)
    for number, route in enumerate(("auto", "auto", "triage", "gone")):
        await store.set(key("answer", str(number)), pack(Entry(route, "tuned", "small", b"{}"), "", None), 60)
    await store.set(key("pin", "ann"), b"tuned", 60)
    server.ask("LPUSH", key("answer", "odd"), "x")
    await store.aclose()


@pytest.mark.redis
def test_answers_are_counted_by_route(smallfirst: Smallfirst, filled: Filled) -> None:
    told = smallfirst("cache", "stats", "--policy", filled.policy, "--json")

    counts = {name: route["answers"] for name, route in told.document["routes"].items()}
    assert (told.code, counts) == (0, {"auto": 2, "triage": 1, "(of no route of this policy)": 1})
    assert "auto: 2 answers, " in smallfirst("cache", "stats", "--policy", filled.policy).out


@pytest.mark.redis
def test_one_routes_answers_are_forgotten_or_all_and_nothing_else_is(smallfirst: Smallfirst, filled: Filled) -> None:
    one = smallfirst("cache", "clear", "--policy", filled.policy, "--route", "auto")
    assert (one.code, one.out) == (0, "2 answers forgotten\n")
    rest = smallfirst("cache", "clear", "--policy", filled.policy)
    assert rest.out == "2 answers forgotten\n"
    assert smallfirst("cache", "stats", "--policy", filled.policy).out == "no answers\n"
    assert b"tuned" in filled.server.ask("GET", key("pin", "ann"))


@pytest.mark.redis
def test_servers_are_told_what_is_forgotten(smallfirst: Smallfirst, filled: Filled) -> None:
    heard: list[bytes | None] = []

    async def server_side() -> None:
        store = RedisStore(read_store_url(filled.server.url), deadline=PATIENT)
        await store.begin()
        told = asyncio.Event()

        def hear(route: bytes | None) -> None:
            heard.append(route)
            told.set()

        store.subscribe(CLEARED, hear)
        await store.get(key("pin", "nobody"))  # what was sent before it has arrived
        await asyncio.to_thread(smallfirst, "cache", "clear", "--policy", filled.policy, "--route", "triage")
        async with asyncio.timeout(10):
            await told.wait()
        await store.aclose()

    asyncio.run(server_side())
    assert heard == [b"triage"]


def test_a_route_nobody_knows_has_nothing_to_forget(smallfirst: Smallfirst, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"{TWO_TIERS}cache: {{url: 'redis://127.0.0.1:1'}}\n")

    told = smallfirst("cache", "clear", "--policy", str(tmp_path / "p.yaml"), "--route", "atuo")

    assert (told.code, told.err) == (2, "smallfirst: no route named 'atuo' in this policy\n")


def test_what_a_process_keeps_itself_is_out_of_reach(smallfirst: Smallfirst, policy: Path) -> None:
    told = smallfirst("cache", "stats", "--policy", str(policy))

    assert told.code == 2
    assert "out of reach" in told.err


def test_a_server_that_is_not_there_is_told(smallfirst: Smallfirst, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"{TWO_TIERS}cache: {{url: 'redis://127.0.0.1:{free_port()}'}}\n")

    told = smallfirst("cache", "stats", "--policy", str(tmp_path / "p.yaml"))

    assert told.code == 2
    assert told.err.startswith("smallfirst: cache.url: ")


def test_a_policy_with_faults_is_told(smallfirst: Smallfirst, tmp_path: Path) -> None:
    assert smallfirst("cache", "stats", "--policy", str(tmp_path / "none.yaml")).code == 2
