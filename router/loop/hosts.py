"""Hosts that are paid by the hour, busy or not: what they cost is counted once, by all replicas together.

Until when it was counted stands in the store. Whoever looks next moves that moment on to now and counts the time in
between; two who look at once cannot both. So the sum over replicas is right, and nobody has to lead for it. What nobody
looked at for an hour is not counted: nothing was served then, as far as anybody knows.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from router.clock import Clock
from router.plan import Plan
from router.store import Store, StoreDown, key

__all__ = ["Hosts"]

_PULSE: Final = 15.0
_FORGOTTEN: Final = 3600.0
_HOUR: Final = 3600.0

Count = Callable[[str, float], None]


class Hosts:
    """Counts what the hosts of a plan cost."""

    def __init__(self, plan: Callable[[], Plan | None], store: Store, count: Count, clock: Clock) -> None:
        """Let `count` hear of a deployment and of US dollars."""
        self._plan = plan
        self._store = store
        self._count = count
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.pulse()
            await asyncio.sleep(_PULSE * (0.9 + 0.2 * self._clock.draw()))

    async def pulse(self) -> None:
        """Count the time since anybody looked; while the store is down it waits to be counted."""
        for name, place, per_hour in self._hosts():
            try:
                since, now = await self._store.get(place), self._clock.wall()
                if since is not None and float(since) >= now:  # another's clock is ahead of ours
                    continue
                mine = await self._store.swap(place, since, b"%.3f" % now, _FORGOTTEN)
            except StoreDown:
                return
            self._count(name, per_hour * (now - float(since)) / _HOUR if mine and since is not None else 0.0)

    def _hosts(self) -> Iterator[tuple[str, str, float]]:
        plan = self._plan()
        for name, deployment in plan.deployments.items() if plan is not None else ():
            if deployment.price is not None and deployment.price.per_hour:
                yield name, key("lease", "idle", name, deployment.base_url or ""), deployment.price.per_hour
