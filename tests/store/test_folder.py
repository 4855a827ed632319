"""Files of learned values: replaced whole, by several processes at once."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from router.store import Folder, key

NAME = key("threshold", "auto")


def test_a_value_is_one_file_that_says_what_it_is(tmp_path: Path) -> None:
    Folder(tmp_path / "learned").write(NAME, b"0.3")

    assert [path.name[:10] for path in (tmp_path / "learned").glob("[!.]*")] == ["threshold-"]
    assert Folder(tmp_path / "learned").read(NAME) == b"0.3"


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert Folder(tmp_path / "none").read(NAME) is None
    assert not (tmp_path / "none").exists()


def test_a_write_that_fails_leaves_the_old_value_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    folder.write(NAME, b"0.3")

    def full(descriptor: int) -> None:
        assert descriptor
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folder.write(NAME, b"0.4")

    assert folder.read(NAME) == b"0.3"
    assert list(tmp_path.glob(".draft-*")) == []


def test_of_many_swaps_at_once_each_builds_on_the_last(tmp_path: Path) -> None:
    Folder(tmp_path).write(NAME, b"0")

    def add(_: int) -> None:
        folder, done = Folder(tmp_path), False
        while not done:
            before = folder.read(NAME) or b""
            done = folder.swap(NAME, before, b"%d" % (int(before) + 1))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))

    assert Folder(tmp_path).read(NAME) == b"40"


def test_a_value_is_removed_only_while_it_is_what_one_thinks(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(NAME, b"0.3")

    assert not folder.remove(NAME, b"0.4")
    assert folder.remove(NAME, b"0.3")
    assert not folder.remove(NAME)


def test_a_name_that_is_no_key_never_becomes_a_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a key of this house"):
        Folder(tmp_path).write("sf1:threshold:{../../etc}", b"")
