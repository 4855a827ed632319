"""Two servers on one Redis; the leader is killed: another leads within two intervals, no window has two moves."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from router.clock import SYSTEM
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.store import key
from router.thresholds import Board, Change
from tests.proxy import write
from tests.redis_server import RedisServer, redis_program, running
from tests.server.test_run import Process, serving

pytestmark = [pytest.mark.redis, pytest.mark.slow]

PATIENCE = 60.0
EVERY = 2.0
CONTROL = {"mode": "apply", "every": f"{EVERY:g}s", "window": f"{EVERY:g}s", "evidence": "1h", "step": 0.05}
AUTO = {
    "cascade": [{"tier": "tuned", "share": 0.3}, {"tier": "frontier"}],
    "difficulty": "builtin",
    "objectives": {"quality": {"min": 0.5, "confidence": 0.8}},
    "control": CONTROL,
}
LENGTHS = (1, 2, 4, 7, 11, 16, 24, 35, 50, 75, 110, 160, 240, 400)


@dataclass(frozen=True, slots=True)
class Both:
    """What two servers share, as somebody beside them sees it."""

    redis: RedisServer
    servers: list[Process]

    def value(self, name: str) -> bytes:
        """What Redis holds under a key; empty when that is nothing."""
        head, _, rest = self.redis.ask("GET", name).partition(b"\r\n")
        return rest[: int(head[1:])] if head != b"$-1" else b""

    @property
    def leader(self) -> bytes:
        return self.value(key("lease", "control"))

    def moves(self) -> tuple[Change, ...]:
        board = Board.read(self.value(key("threshold", "auto")) or None)
        return next(iter(board.states.values())).history if board.states else ()

    async def traffic(self, *servers: Process) -> None:
        """Ask each server something of every difficulty, and grade all that started low."""
        await asyncio.gather(*[ask_and_grade(one, length) for one in servers for length in LENGTHS for _ in "123"])

    async def moved(self, times: int, *servers: Process) -> None:
        """Ask until the threshold has moved so often."""
        async with asyncio.timeout(PATIENCE):
            while len(self.moves()) < times:
                await self.traffic(*servers)

    async def leads(self) -> Process:
        """Find out who does, by what each says of itself."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for one in self.servers:
                    text = (await one.ask(b"", "/metrics", "GET")).body.decode()
                    if re.search(r"^router_control_leads 1\.0$", text, re.MULTILINE):
                        return one


async def ask_and_grade(one: Process, words: int) -> None:
    body = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": "why, " * words}]})
    heard = await one.ask(body)
    grade = {"id": heard.headers["x-request-id"], "score": 1, "reference": 1, "source": "grader"}
    assert (await one.ask(orjson.dumps(grade), "/v1/feedback")).status == 202


@asynccontextmanager
async def two(folder: Path) -> AsyncIterator[Both]:
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(running(redis_program()))
        fakes = [await stack.enter_async_context(FakeUpstream(Answer(text="fine"))) for _ in "12"]
        addresses = {"tuned-a": fakes[0].base_url, "frontier-a": fakes[1].base_url}
        policy = write(folder, addresses, {"routes": {"auto": AUTO}, "cache": {"url": redis.url}})
        env = {**os.environ, "SMALLFIRST_SIGNING_KEY": "0123456789abcdef" * 4}
        servers = [await stack.enter_async_context(serving(policy, env=env)) for _ in "12"]
        yield Both(redis, servers)


async def test_when_the_leader_is_killed_another_leads_within_two_intervals(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        await both.moved(2, *both.servers)
        leader = await both.leads()
        (other,) = (one for one in both.servers if one is not leader)
        owner = both.leader

        leader.process.kill()
        killed = SYSTEM.now()
        async with asyncio.timeout(PATIENCE):
            while both.leader in {owner, b""}:
                await other.ask(b"", "/healthz", "GET")
        assert SYSTEM.now() - killed <= 2 * EVERY

        before = len(both.moves())
        await both.moved(before + 2, other)
        assert both.leader != owner
        moments = [change.at for change in both.moves()]
        assert all(change.by_control for change in both.moves())
        assert all(later - sooner >= 0.98 * EVERY for sooner, later in pairwise(moments))
