"""Log lines: cheap to give away, whole when they arrive, and never a reason to wait."""

import fcntl
import os
import threading
import timeit
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from router.log import AccessLog, line, say
from router.outcome import Outcome

LONG_AFTER_THE_TEST = 3600.0


class Pipe:
    """A real pipe of one page, which is full soon."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        self._open = {self.reader, self.writer}

    def close(self, *ends: int) -> None:
        for end in ends or tuple(self._open):
            os.close(end)
            self._open.remove(end)

    def read_to_the_end(self) -> bytes:
        with os.fdopen(os.dup(self.reader), "rb") as file:
            return file.read()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def one_line(told: dict[str, object]) -> bytes:
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def numbered(count: int, *, padding: int = 100) -> list[bytes]:
    return [one_line({"n": number, "padding": "x" * padding}) for number in range(count)]


# --- lines ------------------------------------------------------------------------------------------------------------


def test_a_line_is_json_with_its_line_end() -> None:
    written = line(Outcome("req_0", "p1", 1.5, "auto", error="two\nlines"))
    assert written.startswith(b'{"time":1.5,"id":"req_0",')
    assert (written.count(b"\n"), written[-2:], orjson.loads(written)["error"]) == (1, b"}\n", "two\nlines")


def test_a_line_says_what_was_asked_for_where_that_is_no_chat_completion() -> None:
    chat, embeddings = (orjson.loads(line(Outcome("r", "p", 1.5, operation=one))) for one in ("chat", "embeddings"))
    assert ("operation" in chat, embeddings["operation"]) == (False, "embeddings")


def test_a_message_is_one_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    say("policy reloaded,\n  version 1f2e")
    assert capsys.readouterr().err == "smallfirst: policy reloaded, version 1f2e\n"


def test_a_message_to_a_closed_stderr_is_lost_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as closed:
        monkeypatch.setattr("sys.stderr", closed)
    say("nobody hears this")


# --- the access log ---------------------------------------------------------------------------------------------------


def test_every_line_arrives_whole_and_in_order(tmp_path: Path) -> None:
    lines = numbered(5_000)
    with (tmp_path / "access.log").open("wb") as file:
        log = AccessLog(file.fileno())
        for one in lines:
            log.append(one)
        log.close()
    assert (tmp_path / "access.log").read_bytes().splitlines(keepends=True) == lines
    assert log.dropped == 0


def test_a_quiet_server_still_writes_soon(pipe: Pipe) -> None:
    log = AccessLog(pipe.writer, interval=0.01)
    log.append(b"one\n")
    assert os.read(pipe.reader, 100) == b"one\n"
    log.close()


def test_a_busy_server_does_not_wait_for_the_time_to_pass(pipe: Pipe) -> None:
    log = AccessLog(pipe.writer, interval=LONG_AFTER_THE_TEST)
    for one in numbered(1_000):
        log.append(one)
    assert os.read(pipe.reader, 9) == b'{"n":0,"p'
    pipe.close(pipe.reader)
    log.close()


def test_closing_writes_what_waits(pipe: Pipe) -> None:
    log = AccessLog(pipe.writer, interval=LONG_AFTER_THE_TEST)
    log.append(b"one\n")
    log.close()
    pipe.close(pipe.writer)
    assert pipe.read_to_the_end() == b"one\n"


def test_a_line_longer_than_a_pipe_holds_arrives_whole(pipe: Pipe) -> None:
    long = one_line({"text": "x" * 100_000})
    log = AccessLog(pipe.writer, interval=0.01)
    log.append(long)
    read = b""
    while len(read) < len(long):
        read += os.read(pipe.reader, 4096)
    assert read == long
    log.close()
    assert log.dropped == 0


def test_a_reader_that_does_not_read_costs_lines_and_no_waiting(pipe: Pipe) -> None:
    log = AccessLog(pipe.writer, interval=0.001, limit=100_000)
    lines = numbered(5_000)
    seconds = timeit.timeit(lambda: deque(map(log.append, lines), maxlen=0), number=1)
    log.close(patience=0)
    pipe.close(pipe.writer)
    arrived = pipe.read_to_the_end().splitlines(keepends=True)
    assert seconds < 1
    assert arrived == lines[: len(arrived)]  # whole lines: the pipe took what fits in one undivided write
    assert 0 < len(arrived) < 100
    assert log.dropped == len(lines) - len(arrived)


def test_a_reader_that_comes_back_gets_what_waited_for_it(pipe: Pipe) -> None:
    log = AccessLog(pipe.writer, interval=0.001, limit=100_000)
    lines = numbered(500)
    for one in lines:
        log.append(one)
    taken: list[bytes] = []
    reading = threading.Thread(target=lambda: taken.append(pipe.read_to_the_end()))
    reading.start()
    log.close(patience=60)
    pipe.close(pipe.writer)
    reading.join()
    assert taken[0].splitlines(keepends=True) == lines
    assert log.dropped == 0


@pytest.mark.parametrize("gone", ["reader", "writer"])
def test_a_pipe_that_was_closed_loses_lines_and_nothing_else(pipe: Pipe, gone: str) -> None:
    log = AccessLog(pipe.writer, interval=LONG_AFTER_THE_TEST)
    pipe.close(getattr(pipe, gone))
    for one in numbered(100):
        log.append(one)
    log.close()
    assert log.dropped == 100


def test_a_full_disk_loses_lines_and_the_log_goes_on() -> None:
    with Path("/dev/full").open("wb") as full:
        log = AccessLog(full.fileno(), interval=LONG_AFTER_THE_TEST)
        log.append(b"one\n")
        log.close()
    assert log.dropped == 1


def test_what_comes_after_closing_is_counted_as_dropped(pipe: Pipe) -> None:
    log = AccessLog(pipe.writer)
    log.close()
    log.append(b"late\n")
    log.close()
    assert log.dropped == 1


def test_lines_of_several_workers_on_one_pipe_do_not_mix(pipe: Pipe) -> None:
    workers = [AccessLog(pipe.writer, interval=0.001) for _ in range(2)]
    lines = numbered(1_000)
    taken: list[bytes] = []
    reading = threading.Thread(target=lambda: taken.append(pipe.read_to_the_end()))
    reading.start()
    for one in lines:
        for worker in workers:
            worker.append(one)
    for worker in workers:
        worker.close(patience=60)
    pipe.close(pipe.writer)
    reading.join()
    assert sorted(orjson.loads(one)["n"] for one in taken[0].splitlines()) == sorted([*range(1_000), *range(1_000)])


def test_giving_a_line_away_costs_the_event_loop_little(tmp_path: Path) -> None:
    with (tmp_path / "access.log").open("wb") as file:
        log = AccessLog(file.fileno(), limit=2**40)
        best = min(timeit.repeat(lambda: log.append(b"x" * 300), number=1_000, repeat=30)) / 1_000
        log.close()
    assert best < 20e-6  # measured: 0.3 µs on a quiet machine; a thread woken for each line would cost more than this
