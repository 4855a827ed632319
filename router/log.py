"""Lines for people and their tools: one JSON line for each request, one plain line for each event of the process."""

import fcntl
import os
import select
import stat
import sys
import termios
from array import array
from contextlib import suppress
from threading import Event, Lock, Thread

from router.outcome import MICRO, Outcome, ended, rounded

__all__ = ["AccessLog", "line", "say"]

_ATOMIC = select.PIPE_BUF
"""Up to so many bytes a write to a pipe is not mixed with those of other workers, nor blocks when there is room."""
_BATCH = 64 * 1024
_LARGE = 1024 * 1024
"""Bytes of one write to a file: nobody reads it meanwhile, and each write waits for several turns at the GIL."""
_FEW = 4
"""Writers that a pipe is shared among even when we know of fewer: others may have been started by hand."""
_LIMIT = 8 * 1024 * 1024
_POLL_MS = 100
_IN_10_000, _NANO = 1e4, 1e9
_ALIKE = (
    *("route", "stream", "status", "end", "error", "reason", "threshold", "start"),
    *("tier", "deployment", "path", "cache", "policy"),
)


def line(outcome: Outcome) -> bytes:
    """The access log's line: facts only, never a prompt, an answer or a key."""
    decision, last, trimmed = outcome.decision, outcome.heard, outcome.trimmed
    usage = last.usage if last else None
    told: dict[str, object] = {
        "time": outcome.started,
        "id": outcome.id,
        "tenant": outcome.tenant,
        "difficulty": rounded(decision.difficulty, _IN_10_000) if decision else None,
        "propensity": round(decision.propensity * MICRO) / MICRO if decision else None,
        "input_tokens": usage.input if usage else None,
        "output_tokens": usage.output if usage else None,
        "trimmed_tokens": trimmed,
        "trimmed_usd": rounded(outcome.saved, _NANO) if trimmed else 0.0,
        "cost_usd": rounded(outcome.cost, _NANO) if last else None,
        "seconds": round(outcome.seconds * MICRO) / MICRO,
        "first": rounded(outcome.first, MICRO),
        "overhead": round(outcome.overhead * MICRO) / MICRO,
    }
    if outcome.operation != "chat":
        told["operation"] = outcome.operation
    if outcome.dropped:
        told["dropped"] = [":".join(field) for field in outcome.dropped]
    alike = (
        outcome.route,
        outcome.stream,
        outcome.status,
        outcome.end,
        outcome.error,
        decision.reason if decision else None,
        decision.threshold if decision else None,
        decision.start if decision else None,
        last.tier if last else None,
        last.deployment if last else None,
        outcome.path or None,
        outcome.cache,
        outcome.policy,
    )
    return ended(told, _ALIKE, alike)


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

    def __init__(self, descriptor: int, *, interval: float = 0.1, limit: int = _LIMIT, writers: int = 1) -> None:
        """Begin to write to a descriptor, which stays the caller's; how many processes write to it in all."""
        self._descriptor = descriptor
        self._interval = interval
        self._limit = limit
        self._writers = max(writers, _FEW)
        self._lock = Lock()  # held for the time of a copy or a swap, never while anything is written
        self._waiting = bytearray()  # not a list of lines, whose memory would lie scattered between requests
        self._writing = 0  # bytes
        self._wake = Event()
        self._closing = False
        self._given_up = False
        self._refused = 0
        self._lost = 0
        self._thread = Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many lines were not written, and will not be."""
        return self._refused + self._lost

    def append(self, text: bytes) -> None:
        """Take a line, with its line end, to be written soon; never waits, never fails."""
        with self._lock:
            waiting = len(self._waiting) + self._writing + len(text)
            if waiting > self._limit or self._closing:
                self._refused += 1
                return
            self._waiting += text
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
        """Write what waits, as many whole lines at once as go in undivided: each write costs a turn at the GIL."""
        while self._waiting:
            with self._lock:
                lines, self._waiting = self._waiting, bytearray()
                self._writing = len(lines)
            written = 0
            try:
                while written < len(lines) and self._may_write():
                    written += os.write(self._descriptor, self._next(lines, written))
            except OSError:
                pass  # nobody will ever read it
            self._lost += lines.count(b"\n", written)
            self._writing = 0

    def _may_write(self) -> bool:
        """Wait for a slow reader; False when there is no more time to."""
        writable = select.poll()
        writable.register(self._descriptor, select.POLLOUT)
        while not writable.poll(0 if self._given_up else _POLL_MS):
            if self._given_up:
                return False
        return True

    def _next(self, lines: bytearray, start: int) -> bytes:
        """The whole lines from `start` that fit into one write, or as much of a line that is longer than that."""
        end = start + _room(self._descriptor, self._writers)
        whole = lines.rfind(b"\n", start, end) + 1
        return bytes(lines[start : whole or end])


def _room(descriptor: int, writers: int) -> int:
    """How many bytes one write may have to go in undivided and without waiting.

    1 MiB for a file; for a pipe a share of what is free in it, because other writers may look at the same moment.
    """
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISFIFO(mode):
        return _LARGE if stat.S_ISREG(mode) else _BATCH
    try:
        unread = array("i", [0])
        fcntl.ioctl(descriptor, termios.FIONREAD, unread)
        free = fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ) - unread[0]
    except (OSError, AttributeError):  # only Linux tells
        return _ATOMIC
    return max(_ATOMIC, min(_BATCH, free // writers))
