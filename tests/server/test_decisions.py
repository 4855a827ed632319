"""What was decided can be asked for a day, by whoever asked, on any replica."""

import asyncio
import timeit
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from router.chat import Choice, Completion
from router.clock import Clock
from router.consider import ANYBODY, Caller
from router.demo.answers import Answer
from router.errors import NotFound, Unavailable
from router.log import line
from router.policy.schema import Decisions as Kept
from router.policy.store_url import read_store_url
from router.server.decisions import Decisions
from router.store import Memory, Store, key
from router.store.redis_store import RedisStore
from tests.plans import plan
from tests.proxy import Proxy, proxy, write
from tests.records.made import outcome
from tests.redis_server import PATIENT, RedisServer, redis_program, running, valkey_program
from tests.server.down import Down
from tests.talking import talk

BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
PLAN = plan()
STATE = PLAN.routes["auto"].state
ANSWER = Completion((Choice("stop", "hi"),), None, None, "chatcmpl-1")


@asynccontextmanager
async def asked(folder: Path, **body: object) -> AsyncIterator[tuple[Proxy, dict[str, str], list[Any]]]:
    """One request through a real proxy: its headers, and what came of it."""
    async with proxy(folder, Answer(text="hi")) as one, talk(one.base_url) as client:
        data = orjson.dumps({**BODY, **body})
        heard = await client.say("POST", "/v1/chat/completions", {"host": "p", "content-length": str(len(data))}, data)
        texts = heard.body.replace(b"data: [DONE]", b"").split(b"data: ") if body else [heard.body]
        yield one, dict(heard.headers), [orjson.loads(text) for text in texts if text.strip()]


async def get(one: Proxy, path: str) -> tuple[int, dict[str, Any]]:
    async with talk(one.base_url) as client:
        heard = await client.say("GET", path, {"host": "p"})
        return heard.status, orjson.loads(heard.body)


@pytest.mark.parametrize("body", [{}, {"stream": True}])
async def test_a_decision_is_found_by_the_requests_id_and_by_its_completions(
    tmp_path: Path, body: dict[str, object]
) -> None:
    async with asked(tmp_path, **body) as (one, headers, said):
        status, told = await get(one, f"/v1/decisions/{headers['x-request-id']}")
        by_completion = await get(one, f"/v1/decisions/{said[0]['id']}")

    assert (status, by_completion) == (200, (200, told))
    assert (told["id"], told["route"], told["start"], told["reason"]) == (
        headers["x-request-id"],
        "auto",
        "tuned",
        "easy",
    )
    assert told["p_good"] == {"tuned": 0.8, "frontier": 1.0}
    assert [(asked["tier"], asked["result"]) for asked in told["path"]] == [("tuned", "served")]
    assert "tenant" not in told


async def test_a_decision_says_whether_the_answer_was_given_again_or_shared(tmp_path: Path) -> None:
    changes = {"routes": {"auto": {"cache": {"exact": True}}}}
    async with proxy(tmp_path, Answer(text="hi", delay=0.2), changes=changes) as one:
        asking = [say(one, temperature=0) for _ in range(2)]
        heard = [*await asyncio.gather(*asking), await say(one, temperature=0), await say(one)]
        told = [(await get(one, f"/v1/decisions/{each['x-request-id']}"))[1] for each in heard]

    first = next(each["x-request-id"] for each in heard if each["x-router-cache"] == "miss")
    by_word = {one["cache"]: one["found"] for one in told}
    given = {"tier": "tuned", "deployment": "tuned-a", "sources": [], "request": first, "path": "tuned:ok"}
    assert by_word == {"miss": None, "joined": given, "hit": given, "off": None}


async def say(one: Proxy, **body: object) -> dict[str, str]:
    """Ask; the answer's headers."""
    data = orjson.dumps({**BODY, **body})
    async with talk(one.base_url) as client:
        heard = await client.say("POST", "/v1/chat/completions", {"host": "p", "content-length": str(len(data))}, data)
        return dict(heard.headers)


async def test_a_decision_of_an_older_server_can_be_read() -> None:
    store = Memory()
    Decisions(store).remember(outcome(state=STATE))
    value = orjson.loads(await store.get(key("decision", "req_0")) or b"")
    decisions = Decisions(store)
    store.put(key("decision", "req_0"), orjson.dumps(value[:-2]), 60)

    assert (await decisions.told("req_0", Caller("ann"), PLAN))["found"] is None


async def test_an_id_that_nobody_knows_is_told(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as one:
        status, told = await get(one, "/v1/decisions/req_nobody")

    assert (status, told["error"]["code"]) == (404, "request_not_found")


@pytest.mark.parametrize("identity", ["req_0", "chatcmpl-1"])
async def test_another_tenants_is_not_there(identity: str) -> None:
    decisions = Decisions(Memory())
    decisions.remember(outcome(state=STATE, answer=ANSWER))

    assert (await decisions.told(identity, Caller("ann"), PLAN))["id"] == "req_0"
    with pytest.raises(NotFound):
        await decisions.told(identity, Caller("bob"), PLAN)
    with pytest.raises(NotFound):
        await decisions.told(identity, ANYBODY, PLAN)


async def test_estimates_of_a_route_that_is_not_what_it_was_have_no_names() -> None:
    decisions = Decisions(Memory())
    decisions.remember(outcome(state="older"))
    decisions.remember(outcome(1, decision=None, estimate=None, attempts=(), status=403))

    assert (await decisions.told("req_0", Caller("ann"), PLAN))["p_good"] is None
    assert (await decisions.told("req_1", Caller("ann"), PLAN))["path"] == []


async def test_a_policy_says_whether_and_for_how_long_decisions_are_kept() -> None:
    now = 0.0
    store = Memory(clock=Clock(now=lambda: now))
    decisions = Decisions(store)
    decisions.serve(None)
    decisions.remember(outcome(answer=ANSWER))
    with pytest.raises(NotFound, match=r"state: \{decisions: false\}"):
        await decisions.told("req_0", Caller("ann"), PLAN)

    decisions.serve(Kept(ttl=60.0, completions=False))
    decisions.remember(outcome(answer=ANSWER))
    assert (await decisions.told("req_0", Caller("ann"), PLAN))["id"] == "req_0"
    assert await decisions.request_of("chatcmpl-1", "ann") is None
    now = 61.0
    with pytest.raises(NotFound, match="that is kept"):
        await decisions.told("req_0", Caller("ann"), PLAN)


async def test_a_reload_changes_what_is_kept(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as one:
        before = await say(one)
        write(
            tmp_path,
            {"tuned-a": one.tuned.base_url, "frontier-a": one.frontier.base_url},
            {"state": {"decisions": False}},
        )
        assert await one.service.reload()
        after = await say(one)
        told = [await get(one, f"/v1/decisions/{each['x-request-id']}") for each in (before, after)]

    assert [status for status, _ in told] == [200, 404]


@pytest.mark.redis
@pytest.mark.parametrize("program", [redis_program, valkey_program], ids=["redis", "valkey"])
async def test_a_decision_takes_as_many_bytes_as_operators_are_told(program: Callable[[], str]) -> None:
    """`docs/redis.md` says how many: 730 of Redis 7.0, 570 of Valkey 9.1, of which 235 and 165 are the completion's."""
    with running(program()) as server:
        store = RedisStore(read_store_url(server.url), deadline=PATIENT)
        await store.begin()

        async def taken(*, completions: bool, first: int) -> float:
            decisions, before = Decisions(store), used(server)
            decisions.serve(Kept(completions=completions))
            for number in range(first, first + 4000):
                made = Completion(ANSWER.choices, None, None, f"chatcmpl-{number:028d}")
                decisions.remember(replace(outcome(state="0123456789ab"), id=f"req_{number:056d}", answer=made))
                if number % 500 == 0:
                    await store.get(key("pin", "nobody"))
            await store.get(key("pin", "nobody"))
            return (used(server) - before) / 4000

        both, alone = await taken(completions=True, first=0), await taken(completions=False, first=4000)
        await store.aclose()

    assert 400 < both < 900
    assert alone < 0.8 * both


def used(server: RedisServer) -> int:
    """Bytes of memory that a server takes."""
    said = next(line for line in server.ask("INFO", "memory").decode().splitlines() if line.startswith("used_memory:"))
    return int(said.partition(":")[2])


@pytest.mark.redis
async def test_what_another_server_is_about_to_write_down_is_waited_for() -> None:
    with running(redis_program()) as server:
        store = RedisStore(read_store_url(server.url), deadline=PATIENT)
        await store.begin()
        asking = asyncio.create_task(Decisions(store).told("req_0", Caller("ann"), PLAN))
        for _ in range(2):  # by then it has asked, and heard that there is nothing
            await store.get(key("pin", "nobody"))
        Decisions(store).remember(outcome())
        told = await asking
        await store.aclose()

    assert told["id"] == "req_0"


async def test_what_was_turned_away_is_not_remembered() -> None:
    store = Memory()
    Decisions(store).remember(outcome(route=None))

    with pytest.raises(NotFound):
        await Decisions(store).told("req_0", Caller("ann"), PLAN)


async def test_without_the_store_it_is_said_to_try_again() -> None:
    down: Store = Down()
    decisions = Decisions(down)
    decisions.remember(outcome())

    with pytest.raises(Unavailable, match="try again"):
        await decisions.told("req_0", Caller("ann"), PLAN)


def test_remembering_costs_the_event_loop_about_what_the_access_log_does() -> None:
    decisions, done = Decisions(Down()), replace(outcome(), answer=ANSWER)
    remembering = min(timeit.repeat(lambda: decisions.remember(done), number=100, repeat=40))
    logging = min(timeit.repeat(lambda: line(done), number=100, repeat=40))

    assert remembering < 5 * logging  # measured: as much; with Redis itself 11 µs of CPU in all
