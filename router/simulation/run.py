"""A closed loop: the world gives a window, control judges it, the threshold moves, and so on. No clock, no waiting."""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from router.control import Ground, Labels, Memory, Scale, judge, moved
from router.simulation.scenarios import Scenario
from router.simulation.world import QUANTILES, WINDOW, World

__all__ = ["Run", "Step", "run"]

SCALE = Scale.of(QUANTILES, (0.0, 0.95))


@dataclass(frozen=True, slots=True)
class Step:
    """One window, with what only the world knows."""

    share: float
    """Of the training prompts that started low."""
    margin: float
    """By how much the quality floor truly held."""
    labels: float
    """Judged answers that came in this window."""
    proven: float
    """The share up to which the evidence proves the floor."""
    cause: str
    """Why the threshold moved after this window; empty when it did not."""
    after: float
    """The share from then on."""
    margin_after: float
    violated: tuple[str, ...]
    alert: bool
    late: float
    """Of the requests, how many were truly slower than the limit; 0 without one."""


@dataclass(frozen=True, slots=True)
class Run:
    """All windows of one seed."""

    scenario: Scenario
    steps: tuple[Step, ...]

    @property
    def changed(self) -> tuple[Step, ...]:
        """Those since the world changed."""
        return self.steps[self.scenario.calm :]


def run(scenario: Scenario, seed: int) -> Run:
    """Let a scenario happen once."""
    ground = Ground(SCALE, scenario.aims)
    draw = np.random.default_rng(seed)
    memory, steps = Memory.new(0.0), list[Step]()
    threshold = _threshold(scenario.share)
    waiting: deque[Labels] = deque(Labels.none() for _ in range(scenario.delay))
    floor = scenario.aims.floor.min if scenario.aims.floor else 0.0
    for number in range(scenario.calm + scenario.windows):
        world = _world(scenario, number)
        share, now = _share(threshold), (number + 1) * WINDOW
        window = world.window(share, now, draw, scenario.season(number))
        waiting.append(window.labels)
        window = replace(window, labels=waiting.popleft())
        memory, judgement = judge(ground, memory, window, threshold)
        if (move := judgement.move) is not None:
            memory, threshold = moved(ground, memory, move, now), move.after
        after = _share(threshold)
        steps.append(
            Step(
                share,
                world.margin(share, floor),
                window.labels.judged or float(window.labels.sums("disagreement").count.sum()),
                _share(judgement.numbers.get("proven", 0.0)),
                move.cause if move else "",
                after,
                world.margin(after, floor),
                tuple(aim.name for aim in judgement.aims if aim.violated),
                bool(judgement.alerts),
                world.late(share, scenario.aims.latency) if scenario.aims.latency else 0.0,
            )
        )
    return Run(scenario, tuple(steps))


def _world(scenario: Scenario, number: int) -> World:
    return scenario.after(scenario.world, number - scenario.calm) if number >= scenario.calm else scenario.world


def _threshold(share: float) -> float:
    return float(np.interp(share, np.linspace(0, 1, len(QUANTILES)), QUANTILES)) if share else 0.0


def _share(threshold: float) -> float:
    return float(SCALE.split(threshold) @ SCALE.sizes())
