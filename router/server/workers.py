"""Several workers on one port: forked, started again when they die, told to stop when their supervisor is.

The supervisor opens nothing and serves nobody: it forks, waits for signals, and starts whoever has died. Each worker
listens for itself (SO_REUSEPORT), so that the kernel spreads connections evenly (docs/decisions/0006-workers.md), and
counts on a sheet of memory that all of them share.
"""

import gc
import os
import selectors
import signal
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NoReturn

from router.clock import SYSTEM, Clock
from router.log import say
from router.metrics import Metrics
from router.series import Sheets

__all__ = ["ALONE", "Supervisor", "Worker"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
"""Seconds before a worker that has died is started again: each time twice as many, up to the longest."""
_SOUND = 10.0
"""Seconds after which a worker that dies is taken to have been sound: the next pause is the first again."""
_TOLD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_CLOSING = 5.0
"""Seconds that workers get beyond the time in which streams may finish."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Which of how many processes this is, and what it shares with the others; the supervisor is one past the last."""

    number: int = 0
    count: int = 1
    sheets: Sheets | None = None
    ready: Callable[[], None] = lambda: None
    """Says that it serves from now on."""
    orphaned: int | None = None
    """A descriptor that can be read from when the supervisor is gone."""

    @property
    def sheet(self) -> int:
        """On which of the sheets it counts."""
        return self.number if self.sheets is not None else 0

    @property
    def speaks(self) -> bool:
        """Whether it tells the operator what all of them would tell."""
        return self.number == 0

    @property
    def name(self) -> str:
        """How it is told from the others; nothing when there are none."""
        return f"worker {self.number}: " if self.count > 1 else ""


ALONE = Worker()


@dataclass(slots=True)
class _Place:
    """One of the workers: who has the place now, or when somebody gets it."""

    number: int
    child: int | None = None
    since: float = 0.0
    due: float = 0.0
    pause: float = 0.0
    ready: bool = False


@dataclass(slots=True)
class Supervisor:
    """Keeps `count` workers going; `work` is what each of them does, in a process of its own."""

    count: int
    work: Callable[[Worker], None]
    ready: Callable[[], None] = lambda: None
    """Called once, when all of them serve."""
    drain: float = 30.0
    """Seconds that streams get to finish when all are told to stop."""
    clock: Clock = SYSTEM
    _places: list[_Place] = field(init=False)
    _sheets: Sheets = field(init=False)
    _metrics: Metrics = field(init=False)
    _stopping: float | None = field(init=False, default=None)
    _said: bool = field(init=False, default=False)

    def run(self) -> None:
        """Fork and wait, until everybody has stopped because we were told to (SIGTERM, SIGINT)."""
        self._sheets = Sheets(self.count + 1)
        self._metrics = Metrics(sheets=self._sheets, worker=self.count)
        self._places = [_Place(number) for number in range(self.count)]
        gc.collect()
        gc.freeze()  # what is there now stays on pages that workers share
        with (
            _hearing() as (heard, wake),
            _pipe() as (hears, says),
            _pipe() as (orphaned, alive),
            selectors.DefaultSelector() as selector,
        ):
            for descriptor in (heard, hears):
                selector.register(descriptor, selectors.EVENT_READ)
            ours = (heard, wake, hears, alive)
            while self._stopping is None or any(place.child for place in self._places):
                self._start_due(ours, says, orphaned)
                selector.select(self._patience)
                for told in _read(heard):
                    self._hear(told)
                for number in _read(hears):
                    self._places[number].ready = True
                self._reap()
                self._announce()

    @property
    def _patience(self) -> float | None:
        """Seconds until there is something to do, whatever is heard."""
        now = self.clock.now()
        if self._stopping is not None:
            return max(0.0, self._stopping - now)
        dues = [place.due - now for place in self._places if place.child is None]
        return max(0.0, min(dues)) if dues else None

    def _hear(self, told: int) -> None:
        if told == signal.SIGHUP:
            self._tell(signal.SIGHUP)
        elif told in {signal.SIGTERM, signal.SIGINT}:
            self._tell(signal.SIGTERM)
            if self._stopping is None:
                self._stopping = self.clock.now() + self.drain + _CLOSING

    def _tell(self, told: signal.Signals) -> None:
        for place in self._places:
            if place.child is not None:
                os.kill(place.child, told)

    def _start_due(self, ours: tuple[int, ...], says: int, orphaned: int) -> None:
        now = self.clock.now()
        if self._stopping is not None:
            if now >= self._stopping:
                self._tell(signal.SIGKILL)
                self._stopping = now + _CLOSING
            return
        for place in self._places:
            if place.child is None and place.due <= now:
                place.since, place.ready = now, False
                place.child = self._fork(place.number, ours, says, orphaned)

    def _fork(self, number: int, ours: tuple[int, ...], says: int, orphaned: int) -> int:
        worker = Worker(number, self.count, self._sheets, lambda: _write(says, number), orphaned)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # numpy's idle threads: OpenBLAS minds its own forks
            child = os.fork()
        if child == 0:
            _become(worker, self.work, ours)
        return child

    def _reap(self) -> None:
        """See who has died."""
        now = self.clock.now()
        for place in self._places:
            child, status = os.waitpid(place.child, os.WNOHANG) if place.child is not None else (0, 0)
            if child == 0:
                continue
            place.child = None
            self._sheets.ended(place.number)
            if self._stopping is not None:
                continue
            sound = now - place.since >= _SOUND
            place.pause = _FIRST_PAUSE if sound else min(max(_FIRST_PAUSE, 2 * place.pause), _LONGEST_PAUSE)
            place.due = now + place.pause
            self._metrics.restarted()
            killed = os.WIFSIGNALED(status)
            why = signal.Signals(os.WTERMSIG(status)).name if killed else f"exit code {os.WEXITSTATUS(status)}"
            say(f"worker {place.number} has ended ({why}) and is started again in {place.pause:.1f} s")

    def _announce(self) -> None:
        if not self._said and all(place.ready for place in self._places):
            self._said = True
            self.ready()


def _become(worker: Worker, work: Callable[[Worker], None], supervisor_s: tuple[int, ...]) -> NoReturn:
    """Be a worker, in the process that was just forked."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for told in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(told, signal.SIG_DFL)
        for told in (signal.SIGINT, signal.SIGHUP):  # a terminal's goes to everybody, and the supervisor hands it on
            signal.signal(told, signal.SIG_IGN)
        for descriptor in supervisor_s:
            os.close(descriptor)
        work(worker)
        code = 0
    except Exception as error:  # noqa: BLE001  the supervisor starts it again
        say(f"{worker.name}{type(error).__name__}: {error}")
    finally:
        os._exit(code)


@contextmanager
def _hearing() -> Iterator[tuple[int, int]]:
    """Turn signals into bytes that can be waited for, each the number of one."""
    ours, wake = socket.socketpair()
    for end in (ours, wake):
        end.setblocking(False)  # noqa: FBT003  as the socket module has it
    before = {told: signal.signal(told, lambda *_: None) for told in _TOLD}
    woken = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    try:
        yield ours.fileno(), wake.fileno()
    finally:
        signal.set_wakeup_fd(woken)
        for told, handler in before.items():
            signal.signal(told, handler)
        ours.close()
        wake.close()


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def _read(descriptor: int) -> bytes:
    """What has been written so far."""
    with suppress(BlockingIOError):
        return os.read(descriptor, 4096)
    return b""


def _write(descriptor: int, number: int) -> None:
    with suppress(OSError):
        os.write(descriptor, bytes([number]))
