"""The demo's whole cast in one process: two fakes with recorded answers, the proxy in front of them, a customer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from router.clock import SYSTEM, Clock
from router.demo.overhead import measure
from router.demo.recorded import RecordedAnswers
from router.demo.report import DemoReport, summarise
from router.demo.run import drive
from router.demo.upstream import NO_LATENCY, FakeUpstream, Latency
from router.demo.workload import Row
from router.pricing import Price
from router.server.run import running
from router.server.service import Service
from router.settings import Settings

__all__ = ["POLICY", "Stage", "on_stage"]

POLICY = Path(__file__).with_name("policy.yaml")
ROUTE = "auto"

_LATENCIES = {"tuned": Latency(first=0.020, per_token=0.001), "frontier": Latency(first=0.060, per_token=0.003)}
"""Made up, and small so that nobody waits: the frontier thinks three times as long."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The cast, ready to play."""

    base_url: str
    """The proxy's."""
    rows: tuple[Row, ...]
    fakes: Mapping[str, FakeUpstream]
    """By tier, cheapest first."""
    prices: Mapping[str, Price | None]

    async def play(self, *, samples: int = 200, clock: Clock = SYSTEM) -> DemoReport:
        """Measure what the proxy adds by so many samples, send every request through it, and add up."""
        first = next(iter(self.fakes))
        for fake in self.fakes.values():
            fake.latency = NO_LATENCY
        upstream = self.fakes[first].base_url
        overhead = await measure(self.base_url, upstream, first, self.rows, count=samples, clock=clock)
        for tier, fake in self.fakes.items():
            fake.latency = _LATENCIES[tier]
        return summarise(await drive(self.base_url, self.rows, clock=clock), self.prices, overhead)


@asynccontextmanager
async def on_stage(rows: Sequence[Row], *, port: int = 0, clock: Clock = SYSTEM) -> AsyncIterator[Stage]:
    """Start the fakes and, at `port` of 127.0.0.1, the proxy; stop them at the end.

    Raises CannotServe when the port is taken, and nothing is left behind on the disk.
    """
    tuned, frontier = (FakeUpstream(RecordedAnswers(rows, tier)) for tier in _LATENCIES)
    with TemporaryDirectory(prefix="smallfirst-demo-") as state:
        async with tuned, frontier:
            addresses = {"DEMO_TUNED_URL": tuned.base_url, "DEMO_FRONTIER_URL": frontier.base_url}
            service = Service(POLICY, Settings(environment={**addresses, "DEMO_STATE": state}), clock=clock)
            cascade = service.pipeline.plan.routes[ROUTE].cascade
            prices = {rung.tier.name: rung.tier.deployments[0].price for rung in cascade}
            async with running(service, port=port) as base_url:
                yield Stage(base_url, tuple(rows), dict(zip(prices, (tuned, frontier), strict=True)), prices)
