"""Several workers on one port: they count together, who dies is started again, and all stop with their supervisor."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import orjson
import pytest

from router.demo.answers import Answer
from router.server.workers import ALONE, Worker
from tests.server.test_run import BODY, PATIENCE, STREAM, Process, upstreams
from tests.talking import talk

TWO = """
import sys
from pathlib import Path
from router.server.reading import CannotServe
from router.server.run import Endpoint, several
from router.settings import Settings

try:
    several(Endpoint(Path(sys.argv[1]), Settings.read(), port=int(sys.argv[2])), "0" * 12, 2)
except CannotServe as error:
    sys.exit(str(error))
"""
"""What `smallfirst serve --workers 2` does once it knows that they can share."""

DYING = """
import signal
from router.server.workers import Supervisor

def work(worker):
    if worker.number:
        raise OSError("no more")
    signal.pause()

Supervisor(2, work).run()
"""


@asynccontextmanager
async def started(*arguments: str, **env: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
        env={**os.environ, "SMALLFIRST_WATCH": "off", **env},
    )
    try:
        yield Process(process, "")
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # also of one that has ended: its pipes are open until they are read


@asynccontextmanager
async def serving(policy: Path, port: int = 0, **env: str) -> AsyncIterator[Process]:
    async with started(TWO, str(policy), str(port), **env) as served:
        found = await served.tells(r"smallfirst: policy [0-9a-f]{12} at (http://127\.0\.0\.1:\d+/v1), 2 workers")
        served.base_url = found[1]
        yield served


def workers_of(served: Process) -> list[int]:
    pid = served.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def counted(served: Process, name: str) -> float:
    text = (await served.ask(b"", "/metrics", "GET")).body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))


async def have_counted(served: Process, requests: int) -> None:
    """Wait until they are counted: an answer is sent before it is."""
    async with asyncio.timeout(PATIENCE):
        while await counted(served, "router_requests_total") < requests:
            pass


def test_one_alone_needs_no_name() -> None:
    assert (ALONE.name, ALONE.speaks, ALONE.sheet) == ("", True, 0)
    assert (Worker(1, 2).name, Worker(1, 2).speaks) == ("worker 1: ", False)


async def test_whichever_worker_is_scraped_shows_what_all_have_counted(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        asked = 40
        assert {(await served.ask()).status for _ in range(asked)} == {200}
        await have_counted(served, asked)
        assert {await counted(served, "router_requests_total") for _ in range(8)} == {asked}
        assert await counted(served, "router_policy") == 1
        assert len(workers_of(served)) == 2
        served.process.send_signal(signal.SIGTERM)
        code, log = await served.ends()
    assert (code, len(log)) == (0, asked)


async def test_one_that_dies_is_started_again_and_what_it_counted_stays(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        for _ in range(20):
            await served.ask()
        await have_counted(served, 20)
        before = workers_of(served)
        os.kill(before[0], signal.SIGKILL)
        await served.tells(r"worker \d has ended \(SIGKILL\) and is started again in 0\.1 s")
        assert await counted(served, "router_requests_total") == 20
        assert await counted(served, "router_worker_restarts_total") == 1
        assert {(await served.ask()).status for _ in range(10)} == {200}
        async with asyncio.timeout(PATIENCE):
            while len(workers_of(served)) < 2:
                await served.ask()
        assert set(workers_of(served)) & set(before) == {before[1]}
        served.process.send_signal(signal.SIGTERM)
        assert (await served.ends())[0] == 0


async def test_all_read_the_policy_again(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        policy.write_text(policy.read_text().replace("difficulty: builtin", "difficulty: 0.9"))
        served.process.send_signal(signal.SIGHUP)
        for number in range(2):
            await served.tells(rf"worker {number}: policy [0-9a-f]{{12}} is in force")
        assert {(await served.ask()).headers["x-router-path"] for _ in range(10)} == {"frontier:ok"}
        assert await counted(served, "router_policy") == 1


async def test_stopping_lets_streams_finish_whoever_has_them(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with upstreams(tmp_path, Answer(text="hello, you", gates={2: gate})) as policy, serving(policy) as served:
        async with talk(served.base_url) as one, talk(served.base_url) as other:
            for client in (one, other):
                client.send("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(STREAM))}, STREAM)
                assert (await client.head())[0] == 200
            async with talk(served.base_url) as idle:
                served.process.send_signal(signal.SIGINT)
                assert await idle.closed()  # so it has heard
            gate.set()
            ends = [b"".join([piece async for piece in client.chunks()]) for client in (one, other)]
        code, log = await served.ends()
    assert all(end.endswith(b"data: [DONE]\n\n") for end in ends)
    assert (code, [line["end"] for line in log]) == (0, ["ok", "ok"])


async def test_streams_that_do_not_finish_are_cut_when_their_time_is_over(tmp_path: Path) -> None:
    gate = asyncio.Event()
    answer = Answer(text="hello, you", gates={2: gate})
    async with upstreams(tmp_path, answer) as policy, serving(policy, SMALLFIRST_DRAIN="0") as served:
        async with talk(served.base_url) as client:
            client.send("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(STREAM))}, STREAM)
            assert (await client.head())[0] == 200
            served.process.send_signal(signal.SIGTERM)
            assert (await served.ends())[0] == 0
        gate.set()


async def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        await served.ask()
        served.process.kill()
        code, log = await served.ends()  # its pipes are closed when the last of them has ended
    assert (code, len(log)) == (-signal.SIGKILL, 1)


async def test_a_port_that_other_workers_serve_is_taken(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        port = served.base_url.removesuffix("/v1").rpartition(":")[2]
        async with started(TWO, str(policy), port) as second:
            code, _ = await second.ends()
    assert (code, second.told.splitlines()[-1]) == (1, f"cannot listen on 127.0.0.1:{port}: Address already in use")


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_connections_are_spread_evenly(tmp_path: Path) -> None:
    """Of 64 at once each worker has about half; that one gets fewer than 10 happens once in a hundred million runs."""
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served, AsyncExitStack() as stack:
        before = {worker: open_files(worker) for worker in workers_of(served)}
        for _ in range(64):
            client = await stack.enter_async_context(talk(served.base_url))
            await client.say("GET", "/healthz", {"host": "x"})
        shares = [open_files(worker) - before[worker] for worker in before]
    assert min(shares) >= 10


async def test_a_worker_that_keeps_dying_is_waited_for_longer_and_longer() -> None:
    async with started(DYING) as process:
        for pause in ("0.1", "0.2", "0.4"):
            told = (
                rf"worker 1: OSError: no more\n.*worker 1 has ended \(exit code 1\) and is started again in {pause} s"
            )
            await process.tells(told)
        process.process.send_signal(signal.SIGTERM)
        assert (await process.ends())[0] == 0


async def test_every_line_of_the_log_is_whole(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        for _ in range(5):
            await asyncio.gather(*(served.ask(BODY) for _ in range(20)))
        served.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            out, _ = await served.process.communicate()
    lines = out.splitlines()
    assert len({orjson.loads(line)["id"] for line in lines}) == len(lines) == 100


async def test_workers_share_the_valkey_that_their_supervisor_embeds(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy:
        policy.write_text(policy.read_text() + "\ncache: {url: 'embedded://'}\n")
        command = "from router.cli import main; main()"
        async with started(command, "serve", "--policy", str(policy), "--port", "0", "--workers", "2") as served:
            served.base_url = (await served.tells(r"at (http://127\.0\.0\.1:\d+/v1), 2 workers"))[1]
            assert {(await served.ask()).status for _ in range(10)} == {200}
            assert await counted(served, "router_redis_up") == 1
            served.process.send_signal(signal.SIGTERM)
            assert (await served.ends())[0] == 0


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_nobody_is_there(tmp_path: Path, told: signal.Signals) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        served.process.send_signal(told)
        assert await served.ends() == (0, [])
