"""Who steers this server: the thresholds in force, and control that moves them."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from router.clock import Clock
from router.log import say
from router.loop import FromPrometheus, Grafana, Hosts, Own, Prometheus, Remote, Source, Steersman, Telling
from router.metrics import Metrics
from router.plan import Plan
from router.policy import Policy, schema
from router.store import Folder, Store
from router.thresholds import Thresholds

__all__ = ["Helm"]

Record = Callable[[Mapping[str, Any]], None]

_LONGEST: Final = 2.2
"""Windows that this process remembers its own counters for."""


class Helm:
    """Thresholds of every route, followed and steered in the background."""

    def __init__(self, policy: Policy, store: Store, metrics: Metrics, clock: Clock, record: Record) -> None:
        """Hold the thresholds; nothing is read, and nothing moves, before `begin`."""
        learned = Folder(policy.path(policy.state.path) / "learned")
        self.thresholds = Thresholds(store, learned, say)
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._record = record
        self._plan: Plan | None = None
        self._remotes: tuple[schema.Prometheus | None, schema.Grafana | None] | None = None
        self._telling: Telling | None = None
        self._steering: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._hosts = Hosts(lambda: self._plan, store, metrics.idle, clock)
        self._hosting: asyncio.Task[None] | None = None

    def frozen(self, route: str) -> bool:
        """Whether nothing may move a route's thresholds."""
        return self.thresholds.board(route).frozen

    async def begin(self, policy: Policy, plan: Plan) -> None:
        """Read what is in force, before the first request, and steer from now on."""
        await self.thresholds.begin(_routes(plan))
        self._following = asyncio.create_task(self.thresholds.run())
        await self.adopt(policy, plan)
        self._hosting = asyncio.create_task(self._hosts.run())

    async def adopt(self, policy: Policy, plan: Plan) -> None:
        """Steer what another policy says."""
        if self._plan is not None:
            await self.thresholds.begin(_routes(plan))
        self._plan = plan
        remotes = policy.prometheus, policy.grafana
        if remotes == self._remotes:
            return
        await self._let_go()
        self._remotes = remotes
        grafana = Grafana(_remote(policy, policy.grafana)) if policy.grafana else None
        self._telling = Telling(self._metrics.control, say, record=self._record, grafana=grafana)
        steersman = Steersman(
            lambda: self._plan or plan,
            self.thresholds,
            self._store,
            source=self._source(policy),
            telling=self._telling,
            clock=self._clock,
        )
        self._steering = asyncio.create_task(steersman.run())

    async def aclose(self) -> None:
        """Let another replica lead, and finish what is being told."""
        await self._let_go()
        await _ended(self._following)
        await _ended(self._hosting)
        self._following = self._hosting = None

    async def _let_go(self) -> None:
        await _ended(self._steering)
        if self._telling is not None:
            await self._telling.aclose()
        self._steering = self._telling = None

    def _source(self, policy: Policy) -> Source:
        if policy.prometheus is None:
            return Own(self._metrics, longest=self._longest_window)
        remote = _remote(policy, policy.prometheus, policy.prometheus.timeout)
        return FromPrometheus(Prometheus(remote), policy.prometheus.match)

    def _longest_window(self) -> float:
        routes = self._plan.routes.values() if self._plan else ()
        windows = [route.steering.ground.window for route in routes if route.steering is not None]
        return _LONGEST * max(windows, default=0.0)


def _routes(plan: Plan) -> list[str]:
    """Every route that has a threshold."""
    return [route.name for route in plan.routes.values() if len(route.cascade) > 1]


def _remote(policy: Policy, spec: schema.Prometheus | schema.Grafana, timeout: float = 10.0) -> Remote:
    ca: Path | None = policy.path(spec.ca) if spec.ca else None
    return Remote(spec.url, spec.token, ca, timeout)


async def _ended(task: asyncio.Task[None] | None) -> None:
    """End a task, and say what it died of if it did."""
    if task is None:
        return
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    except Exception as error:  # noqa: BLE001  a fault of ours in the background is told, and does not keep us from closing
        say(f"control ended: {type(error).__name__}: {error}")
