"""Lines for people and their tools: one JSON line for each request, one plain line for each event of the process."""

import os
import select
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Thread

import orjson

__all__ = ["AccessLog", "line", "say"]

_ATOMIC = select.PIPE_BUF
"""Up to so many bytes a write to a pipe is not mixed with those of other workers, nor blocks when there is room."""
_BATCH = 64 * 1024
_LIMIT = 8 * 1024 * 1024
_POLL_MS = 100


def line(fields: Mapping[str, object]) -> bytes:
    """One line of JSON, with its line end; what JSON does not know is written as text."""
    return orjson.dumps(dict(fields), default=str, option=orjson.OPT_APPEND_NEWLINE)


def say(message: str) -> None:
    """Tell the operator what the process does, in one line on stderr: `smallfirst: policy reloaded`."""
    with suppress(OSError, ValueError):  # nobody is listening: no reason to stop serving
        sys.stderr.write(f"smallfirst: {' '.join(message.split())}\n")
        sys.stderr.flush()


class AccessLog:
    """Writes lines to a file descriptor from a thread of its own, so that no reader can make a request wait.

    `append` belongs to one thread, the event loop's. Lines are written when 64 KiB wait or `interval` seconds have
    passed. When the reader is slow, up to `limit` bytes wait; what comes then is dropped and counted. A pipe that is
    closed, or a disk that is full, loses lines and nothing else.
    """

    def __init__(self, descriptor: int, *, interval: float = 0.1, limit: int = _LIMIT) -> None:
        """Begin to write to a descriptor, which stays the caller's."""
        self._descriptor = descriptor
        self._interval = interval
        self._limit = limit
        self._lines: deque[bytes] = deque()
        self._wake = Event()
        self._closing = False
        self._given_up = False
        # Each counter has one writer, so no lock is needed: the event loop has the first two, the thread the others.
        self._accepted = 0
        self._refused = 0
        self._done = 0
        self._lost = 0
        self._thread = Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many lines were not written, and will not be."""
        return self._refused + self._lost

    def append(self, text: bytes) -> None:
        """Take a line (as `line` makes it) to be written soon; never waits, never fails."""
        waiting = self._accepted - self._done + len(text)
        if waiting > self._limit or self._closing:
            self._refused += 1
            return
        self._accepted += len(text)
        self._lines.append(text)
        if waiting >= _BATCH and not self._wake.is_set():
            self._wake.set()

    def close(self, patience: float = 1.0) -> None:
        """Write what waits and stop; what nobody has read within `patience` seconds is dropped and counted."""
        self._closing = True
        self._wake.set()
        self._thread.join(patience)
        self._given_up = True
        self._thread.join(10 * _POLL_MS / 1000)

    def _run(self) -> None:
        last = False
        while not last:
            self._wake.wait(self._interval)
            self._wake.clear()
            last = self._closing
            self._write_all()

    def _write_all(self) -> None:
        """Write what waits, as many whole lines at once as fit into one undivided write."""
        while self._lines:
            lines = [self._lines.popleft()]
            size = len(lines[0])
            while self._lines and size + len(self._lines[0]) <= _ATOMIC:
                lines.append(self._lines.popleft())
                size += len(lines[-1])
            if not self._write(b"".join(lines)):
                self._lost += len(lines)
            self._done += size

    def _write(self, data: bytes) -> bool:
        """Write all of it, waiting for a slow reader; False when nobody will ever read it."""
        room = select.poll()
        room.register(self._descriptor, select.POLLOUT)
        rest = memoryview(data)
        try:
            while rest:
                if room.poll(0 if self._given_up else _POLL_MS):
                    rest = rest[os.write(self._descriptor, rest[:_ATOMIC]) :]
                elif self._given_up:
                    return False
        except OSError:
            return False
        return True
