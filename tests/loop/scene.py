"""A steered route in a made-up world: the clock is the test's, the source is the truth with chance on top."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from router.clock import Clock
from router.control import Window
from router.loop import Steersman, Telling
from router.metrics import Metrics
from router.plan import Plan, Route
from router.simulation.world import World
from router.store import Memory
from router.thresholds import Thresholds
from router.web import Unreachable
from tests.plans import TWO_TIERS, plan

STEERED = TWO_TIERS.replace(
    "difficulty: 0.2",
    "difficulty: builtin, objectives: {quality: {min: 0.9, confidence: 0.9}}, control: {mode: MODE, step: 0.1}",
).replace("below: 0.3", "share: 0.3")
WINDOW, EVERY = 900.0, 60.0


def steered(mode: str = "apply", **changes: str) -> Plan:
    """Return a plan whose route `auto` is steered."""
    text = STEERED.replace("MODE", mode)
    for before, after in changes.items():
        text = text.replace(before, after)
    return plan(text)


class Hand:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.at = 1_000_000.0
        self.made = 0

    def token(self, size: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(size)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, wall=lambda: self.at, draw=lambda: 0.5, token=self.token)


@dataclass
class Seen:
    """A source that shows a world as it is at the thresholds in force."""

    thresholds: Thresholds
    world: World = field(default_factory=World)
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    gap: str = ""
    down: bool = False
    asked: list[tuple[float, float]] = field(default_factory=list)
    noted: list[float] = field(default_factory=list)

    def note(self, now: float) -> None:
        """The world needs no notes."""
        self.noted.append(now)

    async def window(self, route: Route, since: float, until: float) -> Window:
        self.asked.append((since, until))
        if self.down:
            raise Unreachable("Prometheus at http://p did not answer in 10 s")
        if self.gap:
            return Window.empty(until, until - since, self.gap)
        assert route.steering is not None
        threshold = self.thresholds.now(route.name, route.state).get("tuned", route.cascade[0].below)
        share = float(route.steering.ground.scale.split(threshold) @ route.steering.ground.scale.sizes())
        return self.world.window(share, until, self.draw)


@dataclass
class Replica:
    """One server's control."""

    steersman: Steersman
    thresholds: Thresholds
    source: Seen
    metrics: Metrics
    said: list[str]
    records: list[Mapping[str, Any]]
    plan: Plan

    @property
    def start(self) -> float:
        """The policy's own."""
        return self.plan.routes["auto"].cascade[0].below

    @property
    def threshold(self) -> float:
        route = self.plan.routes["auto"]
        return self.thresholds.now("auto", route.state).get("tuned", route.cascade[0].below)

    def counted(self, name: str, **labels: str) -> float:
        samples = self.metrics.samples({name})
        return sum(value for _, given, value in samples if labels.items() <= given.items())


async def replica(store: Memory, hand: Hand, made: Plan | None = None) -> Replica:
    """Begin one."""
    said: list[str] = []
    records: list[Mapping[str, Any]] = []
    chosen = made or steered()
    thresholds, metrics = Thresholds(store, None, said.append), Metrics()
    await thresholds.begin(["auto"])
    source = Seen(thresholds)
    telling = Telling(metrics.control, said.append, record=records.append, grafana=None)
    steersman = Steersman(lambda: chosen, thresholds, store, source=source, telling=telling, clock=hand.clock)
    return Replica(steersman, thresholds, source, metrics, said, records, chosen)


async def pass_time(hand: Hand, seconds: float, *replicas: Replica) -> None:
    """Let so much time pass, with a look of every replica four times in each interval."""
    end = hand.at + seconds
    while hand.at < end:
        hand.at += EVERY / 4
        for each in replicas:
            await each.thresholds.refresh("auto")
            await each.steersman.pulse()
