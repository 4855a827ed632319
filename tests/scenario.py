"""A policy at work between a client and scripted upstreams, as a file in `tests/scenarios/` tells it."""

import asyncio
import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import yaml

from router import keys
from router.clock import SYSTEM, Clock
from router.demo.upstream import FakeUpstream
from router.demo.wire import Received
from router.log import AccessLog
from router.server.run import running
from router.server.service import Service
from router.settings import Settings
from tests.learning import small
from tests.matching import differences
from tests.talking import Heard, talk
from tests.waiting import all_blocked, until

__all__ = ["FOLDER", "Scenario", "merged", "names", "play"]

FOLDER = Path(__file__).parent / "scenarios"
_STANDARD = FOLDER / "_policy.yaml"
_FIELDS = {"policy", "files", "keys", "upstreams", "client", "request", "expect", "steps", "afterwards"}
_STEP = {"policy", "keys", "later", "request", "at_once", "together", "reloads", "expect"}
_REQUEST = {"method", "path", "key", "headers", "body", "raw"}
_EXPECT = {
    *("status", "headers", "path", "error", "body", "raw", "text", "events", "last_event"),
    *("calls", "received", "log", "seconds", "closed"),
}
_AFTERWARDS = {"metrics", "log_lacks", "left", "lines"}
_MADE = {"model": small.model_file, "calibration": small.calibration_file}
_CHAT = "/v1/chat/completions"
_BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
Data = Mapping[str, Any]


def names() -> Iterator[tuple[str, str]]:
    """Yield every scenario's name with each way its client asks: `whole`, `streamed`, or as its request says."""
    for path in sorted(FOLDER.glob("[!_]*.yaml")):
        ways = {"both": ("whole", "streamed")}.get(yaml.safe_load(path.read_text("utf-8")).get("client", ""), ("",))
        yield from ((path.stem, way) for way in ways)


class Scenario:
    """One file, read; raises ValueError for what it cannot mean."""

    def __init__(self, name: str, way: str = "") -> None:
        data = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
        _known(data, _FIELDS, "a scenario")
        self.way = way
        self.policy = merged(yaml.safe_load(_STANDARD.read_text("utf-8")), data.get("policy", {}))
        self.keys: Data | None = data.get("keys")
        self.files: Data = data.get("files", {})
        self.upstreams: Data = data.get("upstreams", {})
        self.steps: Sequence[Data] = data.get("steps") or [
            {"request": data.get("request", {}), "expect": data.get("expect", {})}
        ]
        self.afterwards: Data = data.get("afterwards", {})
        _known(self.upstreams, set(self.policy["deployments"]), "the upstreams")
        _known(self.afterwards, _AFTERWARDS, "`afterwards`")
        for step in self.steps:
            _known(step, _STEP, "a step")
            _known(step.get("request", {}), _REQUEST, "a request")
            _known(step.get("expect", {}), _EXPECT, "`expect`")


async def play(scenario: Scenario, folder: Path) -> list[str]:
    """Let it happen; return everything that went otherwise than told."""
    async with AsyncExitStack() as stack:
        upstreams = {
            name: await stack.enter_async_context(
                FakeUpstream.from_data(scenario.upstreams.get(name, {"text": f"hello from {name}"}))
            )
            for name in scenario.policy["deployments"]
        }
        return await _Stage(scenario, folder, upstreams).play()


class _Stage:
    """Where one scenario is played."""

    def __init__(self, scenario: Scenario, folder: Path, upstreams: Mapping[str, FakeUpstream]) -> None:
        self.scenario = scenario
        self.folder = folder
        self.upstreams = upstreams
        self.policy: Data | str = scenario.policy
        self.auth = {"auth": {"keys": "keys.yaml"}} if scenario.keys else {}
        self.later = 0.0
        self.wrong: list[str] = []
        self.logged: list[tuple[str, str, Any]] = []
        for name, text in scenario.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(_MADE[text["made"]]() if isinstance(text, Mapping) else text.encode())
        self.write(scenario.policy, scenario.keys)

    def write(self, policy: Data | str, clients: Data | None) -> None:
        """Write what the operator writes: the policy with the upstreams' addresses, and the clients' keys."""
        if clients is not None:
            (self.folder / "keys.yaml").unlink(missing_ok=True)
            for name, client in clients.items():
                keys.add(self.folder / "keys.yaml", name, client["key"], labels=client.get("labels", {}), now=0)
        if not isinstance(policy, str):
            policy = yaml.safe_dump({**policy, **self.auth}, sort_keys=False)
        for name, upstream in self.upstreams.items():
            policy = policy.replace(f"${{{name}}}", upstream.base_url)
        (self.folder / "policy.yaml").write_text(policy)

    async def play(self) -> list[str]:
        """Serve, ask, compare."""
        log = self.folder / "log.jsonl"
        clock = Clock(now=lambda: SYSTEM.now() + self.later, wall=lambda: SYSTEM.wall() + self.later)
        with log.open("wb") as file:
            lines = AccessLog(file.fileno())
            try:
                service = Service(self.folder / "policy.yaml", Settings(environment=os.environ), log=lines, clock=clock)
                async with running(service) as base_url:
                    for number, step in enumerate(self.scenario.steps, 1):
                        await self.step(service, base_url, step, f"step {number}" if number > 1 else "expect")
                        await all_blocked()
                        await service.shadows.settled()
                    await self.left()
            finally:
                lines.close()
        self.compare_metrics(service)
        self.compare_log([orjson.loads(line) for line in log.read_bytes().splitlines()])
        return self.wrong

    async def step(self, service: Service, base_url: str, step: Data, where: str) -> None:
        """One step: perhaps time passes or the policy changes, then the client asks, once or several times at once."""
        self.later += step.get("later", 0.0)
        if "policy" in step or "keys" in step:
            changes = step.get("policy", {})
            self.policy = changes if isinstance(changes, str) else merged(self.scenario.policy, changes)
            self.write(self.policy, step.get("keys"))
            self.compare(step.get("reloads", True), await service.reload(), f"{where}.reloads")
        if "expect" not in step:
            return
        before = {name: len(upstream.requests) for name, upstream in self.upstreams.items()}
        expect = step["expect"]
        gate = asyncio.Event() if step.get("together") else None
        for upstream in self.upstreams.values():
            upstream.gate = gate
        asking = [asyncio.create_task(self.ask(base_url, step)) for _ in range(step.get("at_once", 1))]
        if gate is not None:  # each has come to an upstream, or was refused before that
            there = len(asking) + sum(before.values())
            await until(lambda: sum(map(asyncio.Task.done, asking)) + self.arrived >= there)
            gate.set()
        for heard, seconds, closed in await asyncio.gather(*asking):
            self.compare_answer(expect, heard, where)
            self.compare(expect.get("seconds", {"any": True}), seconds, f"{where}.seconds")
            self.compare(expect.get("closed", False), closed, f"{where}.closed")
        for name, upstream in self.upstreams.items():
            received = upstream.requests[before[name] :]
            if name in expect.get("calls", {}):
                self.compare(expect["calls"][name], len(received), f"{where}.calls.{name}")
            if name in expect.get("received", {}):
                self.compare(expect["received"][name], [_shown(one) for one in received], f"{where}.received.{name}")

    @property
    def arrived(self) -> int:
        """How many requests have come to upstreams."""
        return sum(len(upstream.requests) for upstream in self.upstreams.values())

    async def ask(self, base_url: str, step: Data) -> tuple[Heard, float, bool]:
        """Send one request; say what was heard, after how many seconds, and whether the server hung up then."""
        request = step.get("request", {})
        method, path = request.get("method", "POST"), request.get("path", _CHAT)
        body = request.get("raw", "").encode()
        if "raw" not in request and method == "POST":
            way = {"whole": {"stream": False}, "streamed": {"stream": True}}.get(self.scenario.way, {})
            body = orjson.dumps({**_BODY, **way, **request.get("body", {})})
        given = {"host": "proxy", **({"authorization": f"Bearer {request['key']}"} if "key" in request else {})}
        given |= {name.lower(): str(value) for name, value in request.get("headers", {}).items()}
        if "transfer-encoding" not in given:
            given.setdefault("content-length", str(len(body)))
        started = SYSTEM.now()
        async with talk(base_url) as client:
            heard = await client.say(method, path, given, body)
            seconds = SYSTEM.now() - started
            return heard, seconds, await client.closed() if step["expect"].get("closed") else False

    def compare(self, expected: Any, actual: Any, where: str) -> None:
        """Note every difference."""
        self.wrong += differences(expected, actual, where)

    def compare_answer(self, expect: Data, heard: Heard, where: str) -> None:
        """Note how an answer differs from what was expected; its body when anything does."""
        before = len(self.wrong)
        self.compare(expect.get("status", 200), heard.status, f"{where}.status")
        self.compare(True, heard.complete, f"{where}.complete")  # noqa: FBT003  as expected, so far
        headers = {
            name: {"absent": True} if value is None else value for name, value in expect.get("headers", {}).items()
        }
        headers |= {"x-router-path": expect["path"]} if "path" in expect else {}
        self.compare(headers, heard.headers, f"{where}.headers")
        if "raw" in expect:
            self.compare(expect["raw"], heard.body.decode(), f"{where}.raw")
        if {"error", "body"} & expect.keys():
            body = _json(heard.body)
            self.compare(expect.get("body", {}), body, f"{where}.body")
            self.compare({"error": expect["error"]} if "error" in expect else {}, body, f"{where}.body")
        if {"text", "events", "last_event"} & expect.keys():
            self.compare_said(expect, heard, where)
        if "log" in expect:
            self.logged.append((heard.headers.get("x-request-id", ""), f"{where}.log", expect["log"]))
        if len(self.wrong) > before:
            self.wrong.append(f"{where}: the answer was {heard.status} {dict(heard.headers)}\n{heard.body.decode()}")

    def compare_said(self, expect: Data, heard: Heard, where: str) -> None:
        """Note how the words of an answer, whole or streamed, differ from what was expected."""
        streamed = heard.headers.get("content-type", "").startswith("text/event-stream")
        events = _events(heard.body) if streamed else []
        if "text" in expect:
            choices = [choice for event in events if isinstance(event, dict) for choice in event.get("choices", ())]
            text = "".join(choice["delta"].get("content") or "" for choice in choices)
            if not streamed:
                text = (_json(heard.body) or {}).get("choices", [{}])[0].get("message", {}).get("content")
            self.compare(expect["text"], text, f"{where}.text")
        if "events" in expect:
            self.compare(expect["events"], events, f"{where}.events")
        if "last_event" in expect:
            self.compare(expect["last_event"], events[-1] if events else None, f"{where}.last_event")

    async def left(self) -> None:
        """Wait until upstreams have seen that nobody waits for their answers, where the scenario says so."""
        for name, count in self.scenario.afterwards.get("left", {}).items():
            if count:
                await self.upstreams[name].left(count)
            self.compare(count, self.upstreams[name].cancelled, f"afterwards.left.{name}")

    def compare_metrics(self, service: Service) -> None:
        """Note how what was counted differs; labels that are not named are summed over."""
        counted = [sample for metric in service.metrics.registry.collect() for sample in metric.samples]
        for key, expected in self.scenario.afterwards.get("metrics", {}).items():
            name, _, rest = key.removesuffix("}").partition("{")
            labels = dict(pair.strip().split("=") for pair in rest.split(",") if pair).items()
            found = sum(one.value for one in counted if one.name == name and labels <= one.labels.items())
            self.compare(expected, round(found, 9), f"afterwards.metrics {key}")

    def compare_log(self, lines: Sequence[Data]) -> None:
        """Note how the access log differs."""
        by_id = {line["id"]: line for line in lines}
        for identity, where, expected in self.logged:
            self.compare(expected, by_id.get(identity), where)
        if "lines" in self.scenario.afterwards:
            self.compare(self.scenario.afterwards["lines"], len(lines), "afterwards.lines")
        everything = orjson.dumps(lines).decode()
        for text in self.scenario.afterwards.get("log_lacks", ()):
            self.compare({"without": text}, everything, "afterwards.log_lacks")


def _known(data: Data, known: set[str], what: str) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise ValueError(f"{what} has no '{key}'; {f'did you mean {near[0]!r}?' if near else sorted(known)}")


def merged(standard: Data, changes: Data) -> dict[str, Any]:
    """The standard policy, changed: objects are merged, `null` takes a field away, the rest is replaced."""
    made = dict(standard)
    for key, value in changes.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(made.get(key), Mapping):
            made[key] = merged(made[key], value)
        else:
            made[key] = value
    return made


def _shown(request: Received) -> dict[str, Any]:
    return {"body": request.data, "headers": dict(request.headers), "path": request.path, "raw": request.body.decode()}


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _events(body: bytes) -> list[Any]:
    """A stream's events: their JSON, or their text where it is none."""
    texts = [part for part in body.decode().replace("\r\n", "\n").split("\n\n") if part]
    datas = [text.removeprefix("data: ") for text in texts]
    return [data if (parsed := _json(data.encode())) is None else parsed for data in datas]
