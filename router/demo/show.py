"""The demo itself: two fake models, the real proxy between them and the official client, and what came of it."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from router.clock import SYSTEM
from router.demo.overhead import measure
from router.demo.recorded import RecordedAnswers
from router.demo.report import DemoReport, summarise
from router.demo.run import drive
from router.demo.upstream import NO_LATENCY, FakeUpstream, Latency
from router.demo.workload import Row
from router.server.run import running
from router.server.service import Service
from router.settings import Settings

__all__ = ["Stage", "staged"]

TUNED = Latency(first=0.004, per_token=0.0001)
FRONTIER = Latency(first=0.02, per_token=0.0004)
"""Made up, a fifteenth of what real models take, so that nobody waits for a fake."""


class Stage:
    """The proxy and its two fakes, running."""

    def __init__(self, service: Service, base_url: str, tuned: FakeUpstream) -> None:
        self.service = service
        self.base_url = base_url
        self._tuned = tuned

    async def play(
        self, rows: Sequence[Row], answered: Callable[[], None] = lambda: None, *, samples: int = 200
    ) -> DemoReport:
        """Send every row's request through the proxy, and add up what came of it; `answered` is told after each.

        What the proxy adds is measured afterwards, by so many samples, with a fake that does not pretend to think:
        timers tick in milliseconds, which is more than is to be measured.
        """
        served = await drive(self.base_url, rows, answered=answered)
        self._tuned.latency = NO_LATENCY
        overhead = await measure(self.base_url, self._tuned.base_url, "tuned", rows, count=samples)
        self._tuned.latency = TUNED
        plan = self.service.pipeline.plan
        prices = {rung.tier.name: rung.tier.deployments[0].price for rung in plan.routes["auto"].cascade}
        return summarise(served, prices, overhead)


@contextlib.asynccontextmanager
async def staged(rows: Sequence[Row], port: int = 0) -> AsyncIterator[Stage]:
    """Start the fakes and the proxy, and stop them again."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="smallfirst-demo-")))
        policy = folder / "policy.yaml"
        policy.write_bytes(files("router.demo").joinpath("policy.yaml").read_bytes())
        tuned = await stack.enter_async_context(FakeUpstream(RecordedAnswers(rows, "tuned"), latency=TUNED))
        frontier = await stack.enter_async_context(FakeUpstream(RecordedAnswers(rows, "frontier"), latency=FRONTIER))
        environment = {"DEMO_TUNED_URL": tuned.base_url, "DEMO_FRONTIER_URL": frontier.base_url}
        service = Service(policy, Settings(signing_key=SYSTEM.token(32).hex(), environment=environment))
        base_url = await stack.enter_async_context(running(service, port=port))
        yield Stage(service, base_url, tuned)
