"""Where thresholds are kept: the store, each server's disk, and a snapshot that requests read without waiting.

A change is published, so that every server has it within a second; a slow poll finds what was missed, and what was
changed while the store was down. When the store is down at the start, the disk has the last values that were seen; when
it was emptied, it gets them back from there.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from router.store import Folder, Store, StoreDown, key
from router.thresholds.board import Board, BoardError

__all__ = ["CHANNEL", "Thresholds"]

CHANNEL: Final = "sf1:threshold"
_POLL_SHARED: Final = 10.0
_POLL_ALONE: Final = 1.0
_TRIES: Final = 8
_NONE: Final[Mapping[str, float]] = {}
_EMPTY: Final = Board()

Edit = Callable[[Board], Board]


class Thresholds:
    """The thresholds in force of every route of one server."""

    def __init__(self, store: Store, copy: Folder | None, say: Callable[[str], None]) -> None:
        """Keep them in `store`; `copy` is this server's own disk, `say` hears what an operator should know."""
        self._store = store
        self._copy = copy if store.shared else None
        self._say = say
        self._boards: dict[str, Board] = {}
        self._now: dict[tuple[str, str], Mapping[str, float]] = {}
        self._taken: dict[str, bytes | None] = {}
        self._copied: dict[str, bytes] = {}
        self._names: set[str] = set()
        self._heard: set[asyncio.Task[None]] = set()
        self._faults: set[str] = set()

    def now(self, route: str, state: str) -> Mapping[str, float]:
        """Return the thresholds in force, by tier; a tier that is missing has the policy's."""
        return self._now.get((route, state), _NONE)

    def board(self, route: str) -> Board:
        """Return all that is known of one route."""
        return self._boards.get(route, _EMPTY)

    async def begin(self, routes: Iterable[str]) -> None:
        """Read what is in force for these routes, from the store or else from the disk."""
        self._names = set(routes)
        for route in sorted(self._names):
            await self._read_copy(route)
            await self.refresh(route)

    async def run(self) -> None:
        """Follow what other servers and operators do; never ends by itself."""
        end = self._store.subscribe(CHANNEL, self._hear)
        try:
            while True:
                await asyncio.sleep(_POLL_SHARED if self._store.shared else _POLL_ALONE)
                for route in sorted(self._names):
                    await self.refresh(route)
        finally:
            end()

    async def refresh(self, route: str) -> None:
        """Read one route's thresholds again; when the store is down, what was known stays."""
        try:
            content = await self._store.get(key("threshold", route))
            if content is None and (kept := self._copied.get(route)) is not None:
                await self._store.add(key("threshold", route), kept, None)  # the store was emptied: it learns again
                return
        except (StoreDown, OSError):
            return
        await self._take(route, content)

    async def edit(self, route: str, change: Edit) -> Board:
        """Change a route's thresholds, wherever they were changed meanwhile; gives what is in force then.

        Raises:
            StoreDown: the store cannot be reached, or everybody changes them at once.
            BoardError: `change` says that it cannot be done, or what is kept cannot be read.
        """
        name = key("threshold", route)
        for _ in range(_TRIES):
            content = await self._store.get(name)
            before = Board.read(content)
            after = change(before)
            if after is before:
                await self._take(route, content)
                return after
            if await self._store.swap(name, content, after.content(), None):
                await self._take(route, after.content())
                with suppress(StoreDown):  # then the poll will do
                    await self._store.publish(CHANNEL, route.encode())
                return after
        raise StoreDown("the thresholds are changed by others all the time")

    def _hear(self, value: bytes | None) -> None:
        """Somebody changed a route's thresholds; None: somebody may have."""
        names = self._names if value is None else self._names & {value.decode(errors="replace")}
        for route in names:
            task = asyncio.ensure_future(self.refresh(route))
            self._heard.add(task)
            task.add_done_callback(self._heard.discard)

    async def _take(self, route: str, content: bytes | None) -> None:
        if route in self._boards and self._taken.get(route) == content:
            return
        try:
            board = Board.read(content)
        except BoardError as error:
            self._fault(f"the thresholds of '{route}' that are kept: {error}; what was in force stays")
            return
        for state in self.board(route).states:
            self._now.pop((route, state), None)
        self._boards[route], self._taken[route] = board, content
        for state, held in board.states.items():
            self._now[route, state] = held.thresholds
        if self._copy is not None and content is not None and self._copied.get(route) != content:
            self._copied[route] = content
            try:
                await asyncio.to_thread(self._copy.write, key("threshold", route), content)
            except OSError as error:
                self._fault(f"state.path: {error}; thresholds are only in the store")

    async def _read_copy(self, route: str) -> None:
        """Begin with what this server saw last."""
        if self._copy is None:
            return
        with suppress(OSError):
            content = await asyncio.to_thread(self._copy.read, key("threshold", route))
            if content is not None:
                self._copied[route] = content
                await self._take(route, content)

    def _fault(self, told: str) -> None:
        """Say a fault once, not at every poll."""
        if told not in self._faults:
            self._faults.add(told)
            self._say(told)
