"""Lines to disk from a thread of its own, so that no disk can make a request wait.

Lines are written when 64 KiB wait or `flush` seconds have passed, and are on the disk itself (fsync) once every `flush`
seconds: that is what a power cut can cost. A crash of the process alone costs what waits here, and at most tears the
last line of its segment, which nobody appends to again. A disk that is full or gone costs nothing as long as what waits
for it fits into `limit` bytes; what comes then is dropped, and counted.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

from router.clock import Clock
from router.records.segments import HIDDEN, name_of, next_day, sweep

__all__ = ["Keeping", "Writer"]

_BATCH: Final = 64 * 1024
_LIMIT: Final = 32 * 1024 * 1024
_LONGEST: Final = 3600.0
"""Seconds after which a segment is closed, whatever its size, so that others may ship it or make it smaller."""
_NAME_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Keeping:
    """How records are kept."""

    folder: Path
    retention: float = 30 * 86400.0
    """Seconds until they are deleted."""
    segment: int = 64 * 1024 * 1024
    """Bytes of a file after which the next is begun."""
    flush: float = 1.0
    """Seconds between two times that everything is made sure to be on the disk."""
    limit: int = _LIMIT
    """Bytes that wait for the disk at most."""


class Writer:
    """Appends lines to segments. `append` and `append_later` belong to one thread, the event loop's."""

    def __init__(self, keeping: Keeping, clock: Clock, tell: Callable[[str], None]) -> None:
        """Begin to write; `tell` hears once when that fails, and when it works again. The folder need not exist yet."""
        self._keeping = keeping
        self._clock = clock
        self._tell = tell
        self._name = clock.token(_NAME_BYTES).hex()
        self._lock = Lock()  # held for the time of a copy or a swap, never while anything is written
        self._waiting = bytearray()  # not a list of lines, whose memory would lie scattered between requests
        self._later: list[tuple[Callable[[], bytes], int]] = []
        self._size = 0  # bytes of all that waits, in whatever form, and of what is being written
        self._heading: Callable[[float], bytes] | None = None
        self._headed = 0.0
        self._wake = Event()
        self._closing = False
        self._refused = 0
        self._lost = 0
        self._file: _Open | None = None
        self._number = 0
        self._failing = False
        self._synced = clock.now()
        self._thread = Thread(target=self._run, name="records", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many lines were not written, and will not be."""
        return self._refused + self._lost

    def append(self, line: bytes) -> None:
        """Take a line to be written soon; never waits, never fails."""
        size = len(line)
        with self._lock:
            if self._size + size > self._keeping.limit or self._closing:
                self._refused += 1
                return
            self._size += size
            self._waiting += line
        if self._size >= _BATCH and not self._wake.is_set():
            self._wake.set()

    def append_later(self, make: Callable[[], bytes], size: int) -> None:
        """Take a line that is made by the writing thread, about `size` bytes long; never waits, never fails."""
        with self._lock:
            if self._size + size > self._keeping.limit or self._closing:
                self._refused += 1
                return
            self._size += size
            self._later.append((make, size))
        if self._size >= _BATCH and not self._wake.is_set():
            self._wake.set()

    def head(self, heading: Callable[[float], bytes]) -> None:
        """Write this line (given the time) now, at the top of every segment, every hour, and at the end."""
        self._heading = heading
        self.append(heading(self._clock.wall()))
        self._headed = self._clock.wall()

    def close(self, patience: float = 5.0) -> None:
        """Write what waits and stop; what the disk has not taken within `patience` seconds is dropped and counted."""
        if self._heading is not None and not self._closing:
            self.append(self._heading(self._clock.wall()))
        self._closing = True
        self._wake.set()
        self._thread.join(patience)

    # ----------------------------------------------------------------------------------------------- the thread's own

    def _run(self) -> None:
        held = b""
        last = False
        self._sweep()
        while not last:
            self._wake.wait(self._keeping.flush)
            self._wake.clear()
            last = self._closing
            held = self._write_all(held)
            now = self._clock.now()
            if last or now - self._synced >= self._keeping.flush:
                self._synced = now
                self._keep_house()
        self._lost += held.count(b"\n")
        if self._file is not None:
            self._file.close()

    def _write_all(self, held: bytes) -> bytes:
        """Write everything that waits, what was held back first; gives what is to be held back again."""
        lines = held + self._take()
        held = self._write(lines)
        with self._lock:
            self._size -= len(lines) - len(held)
        return held

    def _take(self) -> bytes:
        """Everything that waits, as bytes."""
        with self._lock:
            lines, self._waiting = self._waiting, bytearray()
            later, self._later = self._later, []
        made = [bytes(lines)]
        for make, size in later:
            try:
                line = make()
            except Exception as error:  # noqa: BLE001  a line that cannot be made costs itself, not the thread
                self._lost += 1
                self._tell(f"records: a line could not be made: {type(error).__name__}: {error}")
                line = b""
            made.append(line)
            with self._lock:
                self._size += len(line) - size
        return b"".join(made)

    def _write(self, lines: bytes) -> bytes:
        """Write lines; return what could not be written and may be tried again."""
        written = 0
        try:
            while written < len(lines):
                written += self._segment().write(lines[written:], self._keeping.segment)
        except OSError as error:
            self._failed(error)
        else:
            if self._failing and lines:
                self._failing = False
                self._tell(f"records: written again; {self.dropped} were dropped")
        return lines[written:]

    def _failed(self, error: OSError) -> None:
        """Say once what is wrong, and begin a new segment next time."""
        if not self._failing:
            self._failing = True
            self._tell(f"records: {self._keeping.folder}: {error.strerror or error}; requests go on, records wait")
        self._leave()

    def _segment(self) -> "_Open":
        """The file to append to now; a new one when the last is full, old, of another day, or gone."""
        now = self._clock.wall()
        if self._file is not None and self._file.ended(now, self._keeping.segment):
            self._leave()
        if self._file is None:
            self._file = _Open(self._keeping.folder / name_of(now, self._name, self._number), now)
            self._number += 1
            if self._heading is not None and self._number > 1:
                self._file.write(self._heading(now), self._keeping.segment)
                self._headed = now
        return self._file

    def _leave(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _keep_house(self) -> None:
        """Make sure that what was written is on the disk, and do what is to be done every hour."""
        try:
            if self._file is not None:
                self._file.sync()
        except OSError as error:
            self._failed(error)
        now = self._clock.wall()
        if self._heading is not None and now - self._headed >= _LONGEST:
            self._headed = now
            self._write(self._heading(now))
            self._sweep()

    def _sweep(self) -> None:
        with suppress(OSError):
            sweep(self._keeping.folder, retention=self._keeping.retention, now=self._clock.wall())


class _Open:
    """A segment that is being written."""

    def __init__(self, path: Path, now: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        hidden = path.with_name(HIDDEN + path.name)
        self._descriptor = os.open(hidden, flags, 0o640)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # for `compact`, which leaves it alone
        hidden.rename(path)  # only now: nobody sees it that is not locked
        self._until = min(now + _LONGEST, next_day(now))
        self._size = 0

    def ended(self, now: float, most: int) -> bool:
        """Whether the next line belongs into another segment."""
        return self._size >= most or now >= self._until or os.fstat(self._descriptor).st_nlink == 0

    def write(self, lines: bytes, most: int) -> int:
        """Append as many whole lines as belong here, at least one; return how many bytes that was.

        Raises:
            OSError: the disk does not take them; what it took of them is taken back.
        """
        room = max(0, most - self._size)
        end = lines.find(b"\n", room) + 1
        part = lines[: end or len(lines)]
        done = 0
        try:
            while done < len(part):
                done += os.write(self._descriptor, part[done:])
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += done
        return done

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        try:
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
