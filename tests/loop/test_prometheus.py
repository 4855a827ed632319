"""A real Prometheus that scrapes a real proxy: what moves a threshold, and what never does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from typing_extensions import override

from router.clock import SYSTEM
from router.control import Window
from router.demo.answers import Answer
from router.loop import FromPrometheus, Prometheus, Remote
from router.outcome import Evidence
from tests.proxy import Proxy, proxy, write
from tests.redis_server import redis_program, running
from tests.scraping import Scraped, prometheus
from tests.talking import Heard, talk

pytestmark = [pytest.mark.prometheus, pytest.mark.slow]

PATIENCE = 60.0
QUIET = {"mode": "observe", "every": "1h", "window": "1h", "evidence": "1d"}
QUICK = {"mode": "apply", "every": "250ms", "window": "1s", "evidence": "1h", "step": 0.3}


def steered(control: dict[str, Any]) -> dict[str, Any]:
    """A route that starts three in ten low, and has a quality to keep."""
    auto = {
        "cascade": [{"tier": "tuned", "share": 0.3}, {"tier": "frontier"}],
        "difficulty": "builtin",
        "objectives": {"quality": {"min": 0.9, "confidence": 0.9}},
        "control": control,
    }
    return {"routes": {"auto": auto}}


async def ask(one: Proxy, words: int) -> Heard:
    """Ask something of so many words: the longer, the more difficult."""
    body = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": "why, " * words}]})
    async with talk(one.base_url) as talking:
        heads = {"host": "test", "content-type": "application/json", "content-length": str(len(body))}
        return await talking.say("POST", "/v1/chat/completions", heads, body)


async def traffic(one: Proxy, each: int = 3) -> set[str]:
    """Ask requests of every difficulty; gives the thresholds they were decided by."""
    lengths = [length for length in (1, 2, 4, 7, 11, 16, 24, 35, 50, 75, 110, 160, 240, 400) for _ in range(each)]
    heard = await asyncio.gather(*[ask(one, length) for length in lengths])
    return {answer.headers["x-router-threshold"] for answer in heard}


def judge(one: Proxy, *, score: float = 1.0, pairs: int = 60) -> None:
    """Let people have judged both tiers' answers to so many requests of every band."""
    state = one.service.pipeline.plan.routes["auto"].state
    for band in range(10):
        evidence = Evidence("id", "auto", state, band, "tuned", score, 1.0, source="grader")
        for _ in range(pairs):
            one.service.books.evidence(evidence)


def moves(one: Proxy) -> list[float]:
    """When control moved the threshold."""
    route = one.service.pipeline.plan.routes["auto"]
    return [change.at for change in one.service.helm.thresholds.board("auto").held(route.state).history]


class Fickle(Scraped):
    """Does not answer while it is broken."""

    broken = False

    @override
    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.broken:
            writer.close()
            async with self._came:
                self.times += 1
                self._came.notify_all()
            return
        await super()._hand_on(reader, writer)


@dataclass
class Scene:
    """A proxy, and a Prometheus that scrapes it."""

    one: Proxy
    scraped: Fickle
    source: FromPrometheus
    url: str

    async def window(self, since: float) -> Window:
        return await self.source.window(self.one.service.pipeline.plan.routes["auto"], since, SYSTEM.wall())


@asynccontextmanager
async def scene(folder: Path, control: dict[str, Any]) -> AsyncIterator[Scene]:
    """Start both."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(proxy(folder, Answer(text="fine"), changes=steered(control)))
        scraped = await stack.enter_async_context(Fickle(one.base_url))
        (folder / "prometheus").mkdir()
        server = await stack.enter_async_context(prometheus(folder / "prometheus", [scraped.target]))
        await scraped.again()
        source = FromPrometheus(Prometheus(Remote(server.url)), {"job": "smallfirst"})
        yield Scene(one, scraped, source, server.url)


async def moment(at: Scene) -> float:
    """A moment of which the counters are known.

    A scrape that a busy machine has not answered in time takes every series away, from when it began.
    """
    async with asyncio.timeout(PATIENCE):
        while True:
            found = SYSTEM.wall()
            await at.scraped.again()  # what had begun by then has ended
            if not (await at.window(found)).fault.startswith("there are no"):
                return found


async def told(at: Scene, since: float, words: str) -> None:
    """Wait until this is what is said of the time since a moment; a busy machine may miss a scrape meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while words not in (await at.window(since)).fault:
            await at.scraped.again(1)


async def seen(at: Scene, since: float, requests: int) -> Window:
    """Wait until so many requests since a moment have been scraped."""
    async with asyncio.timeout(PATIENCE):
        while (window := await at.window(since)).fault or window.total < requests:
            await at.scraped.again(1)
    return window


async def test_windows_are_what_happened_and_gaps_and_restarts_are_told(tmp_path: Path) -> None:
    async with scene(tmp_path, QUIET) as at:
        await at.scraped.again(15)  # so that the window before is known too
        since = await moment(at)
        judge(at.one, score=0.5)  # first: a scrape that sees the last request has seen this too
        await traffic(at.one)
        window = await seen(at, since, 42)
        assert window.total == 42
        assert window.requests[0].any()
        assert window.requests[1].any()
        assert window.slow.sum() == 42
        assert window.labels.pairs == 600
        assert window.labels.sums("loss").mean.tolist() == [0.5] * 10
        await told(at, since - 3_600, "there are no earlier measurements to compare with")

        broke = await moment(at)
        at.scraped.broken = True
        await told(at, since, "there are no measurements of this route")
        await at.scraped.again(15)
        at.scraped.broken = False
        await told(at, broke, "scrapes of 1 of 1 processes are missing")

        before = await moment(at)
        await traffic(at.one)
        await seen(at, before, 42)
        before = await moment(at)
        (tmp_path / "again").mkdir()
        async with proxy(tmp_path / "again", Answer(text="fine"), changes=steered(QUIET)) as another:
            at.scraped.base_url = another.base_url
            await traffic(another, each=7)  # more than were counted before
            await told(at, before, "a process restarted: a counter was set back")


async def test_evidence_moves_the_threshold_and_nothing_else_does(tmp_path: Path) -> None:
    async with scene(tmp_path, QUICK) as at:
        addresses = {"tuned-a": at.one.tuned.base_url, "frontier-a": at.one.frontier.base_url}
        write(tmp_path, addresses, {**steered(QUICK), "prometheus": {"url": at.url}})
        assert await at.one.service.reload()
        declared = at.one.service.pipeline.plan.routes["auto"].cascade[0].below

        async with asyncio.timeout(PATIENCE):  # windows with requests, and nobody who judges
            while at.one.counted("router_control_windows_total", verdict="kept") < 2:
                assert await traffic(at.one) == {f"{declared:.4f}"}

        async with asyncio.timeout(PATIENCE):
            while not moves(at.one) or not at.one.counted("router_control_evidence", route="auto"):
                judge(at.one)
                await traffic(at.one)
        assert at.one.counted("router_threshold_changes_total", reason="cheaper") >= 1
        assert float(max(await traffic(at.one, each=1))) > declared

        async with asyncio.timeout(PATIENCE):  # the small model gets worse: back without being asked
            while not at.one.counted("router_threshold_changes_total", reason="quality"):
                judge(at.one, score=0.0)
                await traffic(at.one)
        times = moves(at.one)
        assert all(later - sooner >= 0.98 for sooner, later in pairwise(times))


@pytest.mark.redis
async def test_of_two_replicas_one_leads_and_the_other_takes_over(tmp_path: Path) -> None:
    with running(redis_program()) as redis:
        shared = {**steered(QUICK), "cache": {"url": redis.url}}
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        async with AsyncExitStack() as first, proxy(tmp_path / "b", Answer(text="fine"), changes=shared) as second:
            one = await first.enter_async_context(proxy(tmp_path / "a", Answer(text="fine"), changes=shared))
            both = [one, second]
            async with asyncio.timeout(PATIENCE):
                while not all(moves(each) for each in both):
                    for each in both:
                        judge(each)
                        await traffic(each)
            assert sum(each.counted("router_control_leads") for each in both) == 1
            await one.service.helm.thresholds.edit("auto", lambda board: board.freeze(frozen=True))
            async with asyncio.timeout(PATIENCE):
                while not second.counted("router_threshold_frozen"):
                    await traffic(second, each=1)
            assert moves(one) == moves(second)
            assert await traffic(one, each=1) == await traffic(second, each=1)
            await second.service.helm.thresholds.edit("auto", lambda board: board.freeze(frozen=False))
            await first.aclose()
            async with asyncio.timeout(PATIENCE):
                while not second.counted("router_control_leads"):
                    await traffic(second, each=1)
            times = moves(second)
            assert all(later - sooner >= 0.98 for sooner, later in pairwise(times))
