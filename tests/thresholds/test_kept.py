"""Where thresholds are kept, and who sees a change when."""

import asyncio
from pathlib import Path

import pytest
from typing_extensions import override

from router.store import Folder, Memory, StoreDown, key
from router.thresholds import Board, Change, Thresholds
from router.thresholds.kept import CHANNEL
from tests.waiting import all_blocked

PLACE = key("threshold", "auto")


def raised(board: Board) -> Board:
    now = board.held("s").thresholds.get("tuned", 0.3)
    return board.changed("s", Change(0.0, "tuned", now, round(now + 0.1, 1), "set"))


class Shared(Memory):
    """One process's memory that says what a Redis would: others see it; and that can be down."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = True
        self.down = False

    @override
    async def get(self, key: str) -> bytes | None:
        if self.down:
            raise StoreDown
        return await super().get(key)


def server(store: Memory, folder: Path | None = None, said: list[str] | None = None) -> Thresholds:
    return Thresholds(store, Folder(folder) if folder else None, (said if said is not None else []).append)


async def test_without_a_change_the_policy_s_own_are_in_force(tmp_path: Path) -> None:
    thresholds = server(Memory(Folder(tmp_path)))
    await thresholds.begin(["auto"])
    assert thresholds.now("auto", "s") == {}
    assert thresholds.board("auto") == Board()


async def test_a_change_survives_the_process(tmp_path: Path) -> None:
    await server(Memory(Folder(tmp_path))).edit("auto", raised)
    again = server(Memory(Folder(tmp_path)))
    await again.begin(["auto"])
    assert again.now("auto", "s") == {"tuned": 0.4}
    assert again.now("auto", "another state") == {}


async def test_a_change_is_heard_by_every_server() -> None:
    store = Shared()
    first, second = server(store), server(store)
    await second.begin(["auto"])
    following = asyncio.create_task(second.run())
    await all_blocked()
    await first.edit("auto", raised)
    await all_blocked()
    following.cancel()
    assert second.now("auto", "s") == {"tuned": 0.4}


async def test_two_who_change_at_once_both_get_their_way() -> None:
    store = Shared()
    await asyncio.gather(*(server(store).edit("auto", raised) for _ in range(4)))
    seen = server(store)
    await seen.begin(["auto"])
    assert seen.now("auto", "s") == {"tuned": 0.7}


async def test_without_the_store_the_disk_has_what_was_seen_last(tmp_path: Path) -> None:
    store = Shared()
    await server(store, tmp_path).edit("auto", raised)
    store.down = True
    alone = server(store, tmp_path)
    await alone.begin(["auto"])
    assert alone.now("auto", "s") == {"tuned": 0.4}
    with pytest.raises(StoreDown):
        await alone.edit("auto", raised)


async def test_a_store_that_was_emptied_learns_again(tmp_path: Path) -> None:
    await server(Shared(), tmp_path).edit("auto", raised)
    emptied = Shared()
    thresholds = server(emptied, tmp_path)
    await thresholds.begin(["auto"])
    assert thresholds.now("auto", "s") == {"tuned": 0.4}
    assert await emptied.get(PLACE) is not None


async def test_what_cannot_be_read_leaves_what_was_in_force_and_is_said_once() -> None:
    store, said = Shared(), list[str]()
    thresholds = server(store, said=said)
    await thresholds.edit("auto", raised)
    await store.set(PLACE, b"{", None)
    await thresholds.refresh("auto")
    await thresholds.refresh("auto")
    assert thresholds.now("auto", "s") == {"tuned": 0.4}
    assert said == ["the thresholds of 'auto' that are kept: it cannot be read; what was in force stays"]


async def test_a_disk_that_cannot_be_written_is_said_and_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    thresholds = server(Shared(), tmp_path / "file", said)
    await thresholds.edit("auto", raised)
    assert thresholds.now("auto", "s") == {"tuned": 0.4}
    assert "thresholds are only in the store" in said[0]


async def test_messages_that_were_missed_mean_reading_again() -> None:
    store = Shared()
    thresholds = server(store)
    await thresholds.begin(["auto"])
    await server(store).edit("auto", raised)
    thresholds._hear(None)
    await store.publish(CHANNEL, b"another route")
    await all_blocked()
    assert thresholds.now("auto", "s") == {"tuned": 0.4}
