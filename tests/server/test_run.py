"""`smallfirst serve` as a process of its own: ready soon, reloaded while it serves, stopped without cutting answers."""

import asyncio
import os
import re
import resource
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.server.run import running
from router.server.service import CannotServe, Service
from router.settings import Settings
from tests.proxy import write
from tests.talking import Heard, talk

PATIENCE = 30.0
BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'
STREAM = BODY.replace(b"{", b'{"stream": true, ', 1)
HEAVY = {"litellm", "sklearn", "scipy", "pandas", "torch", "transformers", "openai", "matplotlib", "httpx", "redis"}


@dataclass(slots=True)
class Process:
    """A server in a process of its own."""

    process: asyncio.subprocess.Process
    base_url: str
    told: str = ""
    """What it has written to stderr so far."""

    async def tells(self, pattern: str) -> re.Match[str]:
        """Read its stderr until something in it matches."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while (found := re.search(pattern, self.told)) is None:
                line = await self.process.stderr.readline()
                assert line, f"it ended, and said:\n{self.told}"
                self.told += line.decode()
        return found

    async def ask(self, body: bytes = BODY, path: str = "/v1/chat/completions", method: str = "POST") -> Heard:
        async with talk(self.base_url) as client:
            return await client.say(method, path, {"host": "x", "content-length": str(len(body))}, body)

    async def ends(self) -> tuple[int, list[dict[str, object]]]:
        """Wait for its end; its exit code and its access log."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self.process.communicate()
        self.told += err.decode()
        assert self.process.returncode is not None
        return self.process.returncode, [orjson.loads(line) for line in out.splitlines()]


@asynccontextmanager
async def serving(
    policy: Path, *python: str, env: Mapping[str, str] = os.environ, watch: str = "off"
) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *python, "-m", "router", "serve", "--policy", str(policy), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
        env={**env, "SMALLFIRST_WATCH": watch},
    )
    served = Process(process, "")
    try:
        served.base_url = (await served.tells(r"smallfirst: policy [0-9a-f]{12} at (http://127\.0\.0\.1:\d+/v1)"))[1]
        yield served
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # also of one that has ended: its pipes are open until they are read


@asynccontextmanager
async def upstreams(folder: Path, answer: Answer) -> AsyncIterator[Path]:
    async with FakeUpstream(answer) as tuned, FakeUpstream(Answer(text="hello from frontier-a")) as frontier:
        addresses = {"tuned-a": tuned.base_url, "frontier-a": frontier.base_url}
        yield write(folder, addresses, {"routes": {"auto": {"difficulty": "builtin"}}})


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_stopping_lets_a_stream_finish(tmp_path: Path, told: signal.Signals) -> None:
    gate = asyncio.Event()
    async with upstreams(tmp_path, Answer(text="hello, you", gates={2: gate})) as policy, serving(policy) as served:
        async with talk(served.base_url) as idle, talk(served.base_url) as client:
            client.send("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(STREAM))}, STREAM)
            status, _ = await client.head()
            pieces = client.chunks()
            first = await anext(pieces)
            served.process.send_signal(told)
            assert await idle.closed()  # so it has heard
            with pytest.raises(OSError, match="Connect"):
                await served.ask()
            gate.set()
            rest = b"".join([piece async for piece in pieces])
        code, log = await served.ends()
    assert (status, code) == (200, 0)
    assert b'"hello,"' in first + rest
    assert rest.endswith(b"data: [DONE]\n\n")
    assert [(line["status"], line["end"], line["path"]) for line in log] == [(200, "ok", "tuned:ok")]


async def test_stopping_when_nobody_is_there(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        served.process.send_signal(signal.SIGTERM)
        assert await served.ends() == (0, [])


async def test_sighup_reads_the_policy_again_and_keeps_the_last_good_one(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy) as served:
        good = policy.read_text()
        before = (await served.ask()).headers
        policy.write_text(good.replace("difficulty: builtin", "difficulty: 0.9"))
        served.process.send_signal(signal.SIGHUP)
        version = (await served.tells(r"smallfirst: policy ([0-9a-f]{12}) is in force"))[1]
        after = (await served.ask()).headers
        policy.write_text(good.replace("difficulty", "dificulty"))
        served.process.send_signal(signal.SIGHUP)
        await served.tells(rf"the new policy is refused, {version} stays in force:\n.*did you mean 'difficulty'")
        still = (await served.ask()).headers
        metrics = (await served.ask(b"", "/metrics", "GET")).body.decode()
    assert before["x-router-path"] == "tuned:ok"
    assert before["x-router-policy"] != version
    assert (after["x-router-path"], after["x-router-policy"]) == ("frontier:ok", version)
    assert (still["x-router-path"], still["x-router-policy"]) == ("frontier:ok", version)
    assert 'router_policy_reload_total{result="ok"} 1.0' in metrics
    assert 'router_policy_reload_total{result="refused"} 1.0' in metrics
    assert f'router_policy{{version="{version}"}} 1.0' in metrics


async def test_a_policy_that_is_edited_is_served_within_two_seconds(tmp_path: Path) -> None:
    """Unless the machine is too busy: what is asked for here is that nobody had to say so."""
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy, watch="on") as served:
        (tmp_path / "new.yaml").write_text(policy.read_text().replace("difficulty: builtin", "difficulty: 0.9"))
        (tmp_path / "new.yaml").rename(policy)
        await served.tells(r"smallfirst: policy ([0-9a-f]{12}) is in force")
        assert (await served.ask()).headers["x-router-path"] == "frontier:ok"


async def test_serving_imports_nothing_heavy(tmp_path: Path) -> None:
    """`-X importtime` tells of every import, whoever does it and however late."""
    async with upstreams(tmp_path, Answer(text="hi")) as policy, serving(policy, "-X", "importtime") as served:
        for body in (BODY, STREAM):
            assert (await served.ask(body)).status == 200
        assert (await served.ask(b"", "/metrics", "GET")).status == 200
        served.process.send_signal(signal.SIGHUP)
        await served.tells("is in force")
        served.process.send_signal(signal.SIGTERM)
        assert (await served.ends())[0] == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in served.told.splitlines() if "|" in line}
    assert {"router", "uvicorn", "orjson"} <= imported
    assert imported & HEAVY == set()


async def test_ready_within_a_second(tmp_path: Path) -> None:
    """Of computing, from the start of the interpreter to the first 200: what other programs take does not count."""
    unwatched = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    unwatched.pop("PYTHONDONTWRITEBYTECODE", None)
    compiled = {**unwatched, "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}  # by the first start, once for all
    computed = []
    async with upstreams(tmp_path, Answer(text="hi")) as policy:
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            async with serving(policy, env=compiled) as served:
                assert (await served.ask()).status == 200
                served.process.send_signal(signal.SIGTERM)
                assert (await served.ends())[0] == 0
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            computed.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert computed[1] < 1.0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_serving_inside_another_program(tmp_path: Path, host: str) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy:
        async with (
            running(Service(policy, Settings(environment=os.environ)), host) as base_url,
            talk(base_url) as client,
        ):
            heard = await client.say("GET", "/healthz", {"host": "x"})
        assert heard.status == 200
        with pytest.raises(OSError, match="Connect"):
            async with talk(base_url):
                pass


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async with upstreams(tmp_path, Answer(text="hi")) as policy:
        service = Service(policy, Settings(environment=os.environ))
        async with running(service) as base_url:
            port = int(base_url.removesuffix("/v1").rpartition(":")[2])
            with pytest.raises(CannotServe, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
                async with running(service, port=port):
                    pass


async def test_threads_beside_the_loop_have_short_turns() -> None:
    told = "import sys; from router.server import run; run._settle(); print(sys.getswitchinterval())"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", told, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()

    assert float(out) == 0.0005
