"""What is read aside is not looked through for garbage, and leaves none."""

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.clock import SYSTEM
from router.server.reading import CannotServe
from router.server.reloads import Reloads
from router.server.workers import ALONE
from router.settings import Settings
from tests.proxy import write

NOWHERE = {"tuned-a": "http://127.0.0.1:1/v1", "frontier-a": "http://127.0.0.1:1/v1"}


@pytest.fixture
def looked() -> Iterator[list[str]]:
    """Which threads the collector has looked in."""
    threads: list[str] = []

    def look(_phase: str, _info: dict[str, int]) -> None:
        threads.append(threading.current_thread().name)

    gc.callbacks.append(look)
    yield threads
    gc.callbacks.remove(look)


def reloads(folder: Path) -> Reloads:
    write(folder, NOWHERE)
    return Reloads(folder / "policy.yaml", Settings(), SYSTEM, ALONE)


async def test_the_collector_does_not_look_while_a_policy_is_read(tmp_path: Path, looked: list[str]) -> None:
    made = reloads(tmp_path)
    before = gc.get_threshold()
    gc.set_threshold(100)
    try:
        await made.read_aside()
    finally:
        gc.set_threshold(*before)
    assert not [thread for thread in looked if thread.startswith("policy")]
    assert gc.isenabled()


def test_a_policy_that_was_replaced_is_gone_without_the_collector(tmp_path: Path) -> None:
    made = reloads(tmp_path)
    read = made.read()
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            read = made.read()
        assert gc.collect() < 10  # objects; one circle a reading would be more
    finally:
        gc.enable()
    assert read.plan.routes


async def test_a_refused_policy_turns_the_collector_on_again(tmp_path: Path) -> None:
    made = reloads(tmp_path)
    (tmp_path / "policy.yaml").write_text("routes: {")
    with pytest.raises(CannotServe):
        await made.read_aside()
    assert gc.isenabled()


async def test_a_policy_for_strangers_needs_keys(tmp_path: Path) -> None:
    made = reloads(tmp_path)
    made.only_for("0.0.0.0")
    with pytest.raises(CannotServe, match="loopback"):
        await made.read_aside()
