"""A proxy between a client of the test's own and scripted upstreams, on the policy that scenarios begin with."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from router import keys
from router.chat import ChatRequest
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.difficulty import Estimate
from router.server.run import running
from router.server.service import Service
from router.settings import Settings
from router.signals import Signals
from tests.scenario import FOLDER, merged

__all__ = ["KEY", "Proxy", "proxy", "write"]

KEY = "sf-ann"


@dataclass(frozen=True, slots=True)
class Proxy:
    """What a test may look at."""

    base_url: str
    service: Service
    tuned: FakeUpstream
    frontier: FakeUpstream

    def counted(self, name: str, **labels: str) -> float:
        """The sum of a metric over all labels that are not named."""
        samples = [sample for metric in self.service.metrics.registry.collect() for sample in metric.samples]
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    def breaks(self) -> None:
        """From now on our own code is at fault in every estimate."""
        pipeline = self.service.pipeline
        routes = {name: replace(route, estimate=_faulty) for name, route in pipeline.plan.routes.items()}
        pipeline.swap(replace(pipeline.plan, routes=routes), pipeline.pool)


def _faulty(request: ChatRequest, signals: Signals) -> Estimate:  # noqa: ARG001  as estimators have it
    raise ZeroDivisionError


def write(folder: Path, addresses: Mapping[str, str], changes: Mapping[str, Any] | None = None) -> Path:
    """Write the scenarios' policy with these addresses, changed as told, and a keys file where it wants one."""
    text = yaml.safe_dump(merged(yaml.safe_load((FOLDER / "_policy.yaml").read_text()), changes or {}), sort_keys=False)
    for name, address in addresses.items():
        text = text.replace(f"${{{name}}}", address)
    if "keys.yaml" in text and not (folder / "keys.yaml").exists():
        keys.add(folder / "keys.yaml", "ann", KEY, labels={}, now=0)
    (folder / "policy.yaml").write_text(text)
    return folder / "policy.yaml"


@asynccontextmanager
async def proxy(
    folder: Path, tuned: Answer, frontier: Answer | None = None, changes: Mapping[str, Any] | None = None
) -> AsyncIterator[Proxy]:
    """Serve; the small tier's deployment answers `tuned`, the other one's `frontier`."""
    async with AsyncExitStack() as stack:
        small = await stack.enter_async_context(FakeUpstream(tuned))
        large = await stack.enter_async_context(FakeUpstream(frontier or Answer(text="hello from frontier-a")))
        path = write(folder, {"tuned-a": small.base_url, "frontier-a": large.base_url}, changes)
        service = Service(path, Settings(environment=os.environ))
        yield Proxy(await stack.enter_async_context(running(service)), service, small, large)
