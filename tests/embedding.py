"""A proxy in front of deployments that embed, and a client of the test's own."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from router import keys
from router.clock import SYSTEM, Clock
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.log import AccessLog
from router.server.run import running
from router.server.service import Service
from router.settings import Settings
from tests.scenario import merged
from tests.talking import Heard, talk

__all__ = ["Embedder", "embedder", "path", "said"]

_POLICY: Mapping[str, Any] = {
    "version": 1,
    "deployments": {
        "one": {"base_url": "${one}", "model": "bge", "api_key": "key-of-one", "price": {"input": 2, "output": 0}},
        "two": {"base_url": "${two}", "model": "bge", "price": {"input": 4, "output": 0}},
        "other": {"base_url": "${other}", "model": "minilm"},
    },
    "tiers": {
        "near": {"deployments": ["one", "two"]},
        "far": {"deployments": ["other"]},
        "mixed": {"deployments": ["one", "other", "two"]},
    },
    "routes": {
        "texts": {"cascade": [{"tier": "near"}]},
        "any": {"cascade": [{"tier": "mixed"}]},
        "auto": {"cascade": [{"tier": "near", "below": 0.5}, {"tier": "far"}], "difficulty": 0.2},
    },
}


@dataclass(slots=True)
class Embedder:
    """What a test may do and look at."""

    base_url: str
    service: Service
    fakes: Mapping[str, FakeUpstream]
    log: Path
    later: list[float] = field(default_factory=list)
    """Seconds by which the proxy's clock is ahead."""

    async def ask(
        self, model: str = "texts", given: object = "hello you", headers: Mapping[str, str] | None = None, **more: Any
    ) -> Heard:
        """Ask for embeddings."""
        return await self.post("/v1/embeddings", {"model": model, "input": given, **more}, headers)

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Heard:
        """Send a request, its body as JSON unless it is bytes."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        async with talk(self.base_url) as client:
            heads = {"host": "proxy", "content-length": str(len(raw)), **(headers or {})}
            return await client.say("POST", path, heads, raw)

    def counted(self, name: str, **labels: str) -> float:
        """The sum of a metric over all labels that are not named."""
        samples = [sample for metric in self.service.metrics.registry.collect() for sample in metric.samples]
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    def calls(self) -> dict[str, int]:
        """How often each deployment was asked."""
        return {name: len(fake.requests) for name, fake in self.fakes.items() if fake.requests}


def said(heard: Heard) -> dict[str, Any]:
    """An answer's or an error's JSON."""
    told: dict[str, Any] = orjson.loads(heard.body)
    return told.get("error", told) if heard.status != 200 else told


def path(heard: Heard) -> tuple[int, str | None]:
    """What became of a request: its status, and who was asked."""
    return heard.status, heard.headers.get("x-router-path")


@asynccontextmanager
async def embedder(
    folder: Path, changes: Mapping[str, Any] | None = None, /, **answers: Answer | list[Answer]
) -> AsyncIterator[Embedder]:
    """Serve the policy above, changed as told; deployments that are not named answer as they should."""
    later: list[float] = []
    clock = Clock(now=lambda: SYSTEM.now() + sum(later), wall=lambda: SYSTEM.wall() + sum(later))
    async with AsyncExitStack() as stack:
        fakes = {
            name: await stack.enter_async_context(FakeUpstream(answers.get(name, Answer(text="an embedding"))))
            for name in ("one", "two", "other")
        }
        text = yaml.safe_dump(merged(_POLICY, changes or {}), sort_keys=False)
        for name, fake in fakes.items():
            text = text.replace(f"${{{name}}}", fake.base_url)
        (folder / "policy.yaml").write_text(text)
        if "keys.yaml" in text:
            keys.add(folder / "keys.yaml", "ann", "sf-ann", labels={"team": "eu"}, now=0)
        file = stack.enter_context((folder / "log.jsonl").open("wb"))
        lines = AccessLog(file.fileno())
        stack.callback(lines.close)
        service = Service(folder / "policy.yaml", Settings(environment=os.environ), log=lines, clock=clock)
        base_url = await stack.enter_async_context(running(service))
        yield Embedder(base_url, service, fakes, folder / "log.jsonl", later)
