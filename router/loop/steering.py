"""One look after the other: who leads reads, judges, and moves a threshold or says why not."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import orjson

from router.clock import Clock
from router.control import Judgement, Memory, Move, judge, moved
from router.loop.lease import Lease
from router.loop.news import Told
from router.loop.sources import Source
from router.loop.telling import Telling, Verdict
from router.plan import Plan, Route, Steering
from router.store import Store, StoreDown, key
from router.thresholds import Board, BoardError, Change, Thresholds
from router.web import Unreachable

__all__ = ["Steersman"]

_PULSES: Final = 4
"""How often within `every` the lease is renewed: who leads may die, and another leads before two of them are over."""
_SHORTEST, _LONGEST = 0.05, 15.0


class Steersman:
    """Steers every route of a server's plan that has something to aim for, while it leads, and tells of all changes."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        thresholds: Thresholds,
        store: Store,
        *,
        source: Source,
        telling: Telling,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._thresholds = thresholds
        self._store = store
        self._source = source
        self._telling = telling
        self._clock = clock
        self._owner = clock.token(12).hex().encode()
        self._lease: Lease | None = None
        self._looked: dict[str, float] = {}
        self._told: dict[str, Told] = {}
        """By route: what was told of its thresholds, by whoever led."""

    @property
    def leads(self) -> bool:
        """Whether this replica moves thresholds."""
        return self._lease is not None and self._lease.held

    async def run(self) -> None:
        """Look until cancelled; then another may lead at once."""
        try:
            while True:
                await asyncio.sleep(self._pulse() * (0.9 + 0.2 * self._clock.draw()))
                try:
                    await self.pulse()
                except Exception as error:  # noqa: BLE001  a fault of ours in one look must not be the last look
                    self._telling.fault("as a whole", f"internal error: {type(error).__name__}: {error}")
        finally:
            if self._lease is not None:
                if self.leads:
                    self._telling.leads(leads=False)
                await asyncio.shield(self._lease.release())

    async def pulse(self) -> None:
        """Keep or take the lead, tell what operators did, and look at the routes whose turn it is."""
        routes, steered = self._with_threshold(), self._steered()
        if not routes:
            return
        now = self._clock.wall()
        if steered:
            self._source.note(now)
        if not await self._lead(steered):
            return
        for route in routes:
            await self._tell(route)
        for route, steering in steered:
            if now - self._looked.get(route.name, 0.0) >= 0.98 * steering.every:
                self._looked[route.name] = now
                await self._look(route, steering, now)

    def _steered(self) -> list[tuple[Route, Steering]]:
        return [(route, route.steering) for route in self._plan().routes.values() if route.steering is not None]

    def _with_threshold(self) -> list[Route]:
        return [route for route in self._plan().routes.values() if len(route.cascade) > 1]

    def _pulse(self) -> float:
        return min(max(_every(self._steered()) / _PULSES, _SHORTEST), _LONGEST)

    async def _lead(self, steered: list[tuple[Route, Steering]]) -> bool:
        """Whether this replica leads; the lease lasts one interval, so that a dead leader's is free in the next."""
        led = self.leads
        if self._lease is None:
            self._lease = Lease(self._store, "control", self._owner, _every(steered))
        leads = await self._lease.hold()
        if leads != led:
            self._told.clear()  # another may have told more
            self._telling.leads(leads=leads)
        return leads

    async def _look(self, route: Route, steering: Steering, now: float) -> None:
        """Judge a route's last window, if it is over."""
        try:
            memory = await self._remembered(route, now)
            since, ground = memory.judged, steering.ground
            if now - since < ground.window:
                return
            if now - since > 2 * ground.window:
                since = now - ground.window
            if self._moved_since(route, since):
                await self._remember(route, replace(memory, judged=now))
                return
            window = await self._source.window(route, since, now)
            threshold = self._threshold(route)
            memory, judgement = judge(ground, memory, window, threshold)
            memory, verdict = await self._carry_out(route, steering, memory, judgement, now)
            await self._remember(route, memory)
        except (StoreDown, Unreachable, BoardError) as error:
            self._telling.fault(route.name, str(error) or "the store cannot be reached")
            return
        self._telling.judged(route, judgement, verdict, now)

    async def _carry_out(
        self, route: Route, steering: Steering, memory: Memory, judgement: Judgement, now: float
    ) -> tuple[Memory, Verdict]:
        """Do what was judged, or only say it."""
        if (move := judgement.move) is None:
            missed = any(aim.violated for aim in judgement.aims)
            unmeasured = not judgement.aims and not judgement.numbers
            return memory, "unmeasured" if unmeasured else "missed" if missed else "kept"
        if self._thresholds.board(route.name).frozen:
            return memory, "frozen"
        if not steering.applies:
            return memory, "proposed"
        if not await self._move(route, steering, move, now):
            return memory, "kept"
        return moved(steering.ground, memory, move, now), "moved"

    async def _move(self, route: Route, steering: Steering, move: Move, now: float) -> bool:
        """Change the threshold everywhere; not when it was frozen or changed meanwhile."""
        change = Change(
            now, route.cascade[0].tier.name, move.before, move.after, move.cause, move.told, dict(move.numbers)
        )
        board = await self._thresholds.edit(
            route.name, lambda board: board.moved(route.state, change, steering.ground.window)
        )
        if change not in board.held(route.state).history[-1:]:
            return False
        await self._tell(route)
        return True

    async def _tell(self, route: Route) -> None:
        """Tell what became of a route's thresholds since that was told last; not while that cannot be written down."""
        board = self._thresholds.board(route.name)
        try:
            before = self._told.get(route.name) or await self._told_until_now(route, board)
            told, news = before.look(board, route.state)
            if told != before:
                await self._store.set(_told_place(route), told.content(), None)
            self._told[route.name] = told
        except StoreDown:
            return
        for change in news.changes:
            self._telling.changed(route, change)
        if news.frozen is not None:
            self._telling.frozen(route, frozen=news.frozen, at=self._clock.wall())
        if news.dropped is not None:
            self._telling.reset(route, news.dropped, self._clock.wall())

    async def _told_until_now(self, route: Route, board: Board) -> Told:
        content = await self._store.get(_told_place(route))
        with suppress(ValueError):
            if content is not None:
                return Told.read(content)
        return Told.first(board)

    def _threshold(self, route: Route) -> float:
        rung = route.cascade[0]
        return self._thresholds.now(route.name, route.state).get(rung.tier.name, rung.below)

    def _moved_since(self, route: Route, since: float) -> bool:
        """Whether the threshold changed inside the window, so that it mixes two."""
        history = self._thresholds.board(route.name).held(route.state).history
        return bool(history) and history[-1].at > since

    async def _remembered(self, route: Route, now: float) -> Memory:
        """What is known of a route; the first look only begins the first window."""
        content = await self._store.get(_place(route))
        if content is not None:
            try:
                return Memory.of(orjson.loads(content))
            except (ValueError, orjson.JSONDecodeError):
                self._telling.fault(route.name, "what control remembered cannot be read, and is collected anew")
        memory = replace(Memory.new(now), judged=now)
        await self._remember(route, memory)
        return memory

    async def _remember(self, route: Route, memory: Memory) -> None:
        await self._store.set(_place(route), orjson.dumps(memory.document()), None)


def _every(steered: list[tuple[Route, Steering]]) -> float:
    """How often somebody looks; without anything to steer, as often as operators' changes are told."""
    return min((steering.every for _, steering in steered), default=_LONGEST * _PULSES)


def _place(route: Route) -> str:
    return key("control", route.name, route.state)


def _told_place(route: Route) -> str:
    return key("control", route.name, "told")
