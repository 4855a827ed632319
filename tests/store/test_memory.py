"""The store inside the process: it forgets in time, stays small, and what is learned goes to disk."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.clock import Clock
from router.store import Claim, Flight, Folder, Memory, StoreDown, key


@dataclass
class Watch:
    """A clock that stands until it is moved."""

    time: float = 100.0

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time)


def told() -> tuple[list[str], Callable[[str], None]]:
    said: list[str] = []
    return said, said.append


async def test_a_value_is_gone_when_its_time_is_up() -> None:
    watch = Watch()
    store = Memory(clock=watch.clock)
    await store.set(key("pin", "ann"), b"tuned", 10)

    watch.time += 9.9
    assert await store.get(key("pin", "ann")) == b"tuned"
    watch.time += 0.1
    assert await store.get(key("pin", "ann")) is None


async def test_a_flight_whose_lease_ran_out_goes_to_the_next_who_asks() -> None:
    watch, asked = Watch(), Flight.of("body")
    store = Memory(clock=watch.clock)
    await store.claim(asked, b"a" * 16, 1)

    watch.time += 0.9
    assert await store.claim(asked, b"b" * 16, 1) == Claim(holder=b"a" * 16)
    watch.time += 0.1
    assert await store.claim(asked, b"b" * 16, 1) == Claim()


async def test_the_oldest_of_a_kind_go_when_there_are_too_many() -> None:
    store = Memory(most=3000)
    await store.set(key("lease", "control"), b"me", 60)
    for number in range(100):
        store.put(key("decision", str(number)), b"x" * 100, 60)

    kept = [number for number in range(100) if await store.get(key("decision", str(number)))]

    assert kept == list(range(100 - len(kept), 100))
    assert 5 <= len(kept) <= 8
    assert await store.get(key("lease", "control")) == b"me"


async def test_what_was_learned_survives_the_process_and_nothing_else_does(tmp_path: Path) -> None:
    before = Memory(Folder(tmp_path / "learned"))
    await before.set(key("threshold", "auto"), b"0.3", None)
    await before.set(key("pin", "ann"), b"tuned", 60)

    after = Memory(Folder(tmp_path / "learned"))

    assert await after.get(key("threshold", "auto")) == b"0.3"
    assert await after.get(key("pin", "ann")) is None


async def test_servers_that_share_a_folder_see_what_the_others_learn(tmp_path: Path) -> None:
    one, other = Memory(Folder(tmp_path)), Memory(Folder(tmp_path))

    assert await one.swap(key("threshold", "auto"), None, b"0.3", None)
    assert not await other.swap(key("threshold", "auto"), None, b"0.4", None)
    assert await other.swap(key("threshold", "auto"), b"0.3", b"0.4", None)
    assert await one.get(key("threshold", "auto")) == b"0.4"
    assert await one.release(key("threshold", "auto"), b"0.4")
    assert await other.get(key("threshold", "auto")) is None


async def test_what_is_deleted_is_gone_from_the_folder_too(tmp_path: Path) -> None:
    store = Memory(Folder(tmp_path))
    await store.set(key("threshold", "auto"), b"0.3", None)

    await store.delete(key("threshold", "auto"), key("threshold", "triage"))

    assert await Memory(Folder(tmp_path)).get(key("threshold", "auto")) is None


async def test_a_folder_that_cannot_be_used_is_told_once_and_memory_goes_on(tmp_path: Path) -> None:
    said, say = told()
    (tmp_path / "file").write_text("in the way")
    store = Memory(Folder(tmp_path / "file"), say=say)

    await store.set(key("threshold", "auto"), b"0.3", None)
    assert await store.swap(key("threshold", "auto"), b"0.3", b"0.4", None)
    assert await store.get(key("threshold", "auto")) == b"0.4"
    assert await store.release(key("threshold", "auto"), b"0.4")

    assert len(said) == 1
    assert said[0].startswith("state.path: ")
    assert said[0].endswith("what is learned from now on will be forgotten at the next restart")


async def test_an_account_in_memory_is_shared_with_nobody() -> None:
    with pytest.raises(StoreDown, match="this process's own"):
        await Memory().charge("sf1:limit:{x}", (), 60)
