"""Who writes the access log: the request loop itself, a thread of ours, or Python's logging, with or without a queue.

``python -m bench.decisions.access_log``: CPU of the process for each line of 600 bytes, and how long the caller
stands still for one at most, by where the lines go: a file, a pipe that is read at once, and one whose reader stops for
half a second.
"""

import contextlib
import logging
import logging.handlers
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

from bench.decisions.timing import printed
from router.log import AccessLog

LINE = (b'{"time":1.5,"id":"' + b"x" * 577 + b'"}\n')[:600]
LINES, EVERY = 20_000, 25
PAUSE = 0.5
Writer = tuple[Callable[[], object], Callable[[], object]]


def at_once(descriptor: int) -> Writer:
    """One write for each line, by the caller."""
    return lambda: os.write(descriptor, LINE), lambda: None


def a_thread_of_ours(descriptor: int) -> Writer:
    """The house's: lines are put together, and written by a thread."""
    log = AccessLog(descriptor)
    return lambda: log.append(LINE), lambda: log.close(5.0)


def stream_handler(descriptor: int) -> Writer:
    """Python's logging, written by the caller."""
    stream = os.fdopen(os.dup(descriptor), "w", buffering=1)
    handler = logging.StreamHandler(stream)
    return _logger(handler), lambda: None


def queue_handler(descriptor: int) -> Writer:
    """Python's logging behind its own queue and thread."""
    stream = os.fdopen(os.dup(descriptor), "w", buffering=1)
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, logging.StreamHandler(stream))
    listener.start()
    return _logger(logging.handlers.QueueHandler(waiting)), listener.stop


def _logger(handler: logging.Handler) -> Callable[[], object]:
    logger = logging.Logger("access", logging.INFO)  # noqa: LOG001  one for each way, with nothing above it
    logger.addHandler(handler)
    text = LINE.decode().rstrip()
    return lambda: logger.info(text)


def nobody(_descriptor: int) -> Writer:
    """What the loop around costs."""
    return lambda: None, lambda: None


WRITERS = {
    "nothing is written": nobody,
    "os.write, at once": at_once,
    "a thread of ours (router/log.py)": a_thread_of_ours,
    "logging.StreamHandler": stream_handler,
    "logging.QueueHandler": queue_handler,
}


@contextlib.contextmanager
def a_file() -> Iterator[int]:
    """A file on the disk of temporary files."""
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


@contextlib.contextmanager
def a_pipe(pause: float = 0.0) -> Iterator[int]:
    """A pipe that another process reads: all the time, or after standing still once."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        if pause:
            os.read(reading, 1)
            time.sleep(pause)
        while os.read(reading, 2**20):
            pass
        os._exit(0)
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def measured(writer: Callable[[int], Writer], descriptor: int) -> tuple[float, float]:
    """Microseconds of CPU for each line, and the longest time in milliseconds that the caller waited."""
    append, close = writer(descriptor)
    longest, begun = 0.0, time.process_time()
    for number in range(LINES):
        before = time.perf_counter()
        append()
        longest = max(longest, time.perf_counter() - before)
        if number % EVERY == 0:
            time.sleep(0.0005)  # lets others have their turn, as a loop that waits for sockets does
    close()
    cpu = time.process_time() - begun
    return 1e6 * cpu / LINES, 1e3 * longest


def main() -> None:
    """Measure and print."""
    rows: dict[str, dict[str, float]] = {}
    places = {"a file": a_file, "a pipe": a_pipe, "a pipe whose reader stops for 0.5 s": lambda: a_pipe(PAUSE)}
    for name, writer in WRITERS.items():
        rows[name] = {}
        for place, opened in places.items():
            with opened() as descriptor:
                cpu, longest = measured(writer, descriptor)
            rows[name] |= {f"{place}: CPU µs": cpu, f"{place}: longest, ms": longest}
        assert threading.active_count() == 1
    printed("", rows)


if __name__ == "__main__":
    main()
