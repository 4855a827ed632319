"""What is read aside is not looked through for garbage, and leaves none; nor does what was served meanwhile."""

import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import yaml

from router.clock import SYSTEM
from router.demo.answers import Answer
from router.series import Gauge
from router.server.patience import Patient
from router.server.reading import CannotServe
from router.server.reloads import Reloads
from router.server.workers import ALONE
from router.settings import Settings
from tests.proxy import Proxy, proxy, write
from tests.talking import talk
from tests.waiting import until

NOWHERE = {"tuned-a": "http://127.0.0.1:1/v1", "frontier-a": "http://127.0.0.1:1/v1"}


OURS = ("router.", "uvicorn.", "uvloop.", "httptools.", "pydantic.")
"""Whose objects are counted."""
BODY = orjson.dumps({"model": "auto", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
LENGTH = {"host": "x", "content-length": str(len(BODY))}


@pytest.fixture
def looked() -> Iterator[list[int]]:
    """Which generations the collector has looked at; it would at every opportunity."""
    generations: list[int] = []

    def look(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            generations.append(info["generation"])

    before = gc.get_threshold()
    gc.set_threshold(100)
    gc.callbacks.append(look)
    yield generations
    gc.callbacks.remove(look)
    gc.set_threshold(*before)


def reloads(folder: Path) -> Reloads:
    write(folder, NOWHERE)
    return Reloads(folder / "policy.yaml", Settings(), SYSTEM, ALONE)


async def test_for_a_reload_the_collector_looks_at_the_young_once_and_never_at_what_was_read(
    tmp_path: Path, looked: list[int]
) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served:
        looked.clear()
        assert await served.service.reload()
        assert looked == [0]
        assert gc.isenabled()
        plan = served.service.pipeline.plan
        seen = {id(each) for each in gc.get_objects()}
        assert not seen & {id(each) for each in (plan, *plan.routes.values(), served.service.policy)}


async def test_what_is_refused_is_not_kept_and_the_collector_looks_again(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served:
        (tmp_path / "policy.yaml").write_text("routes: {")
        before = gc.get_freeze_count()
        assert not await served.service.reload()
        assert gc.get_freeze_count() <= before
        assert gc.isenabled()


async def test_reloads_under_open_connections_keep_nothing_for_good(tmp_path: Path) -> None:
    """Every reload replaces every deployment, while one client waits, one reads a stream and one has asked before."""
    async with proxy(tmp_path, Answer(stream=["a", "b"], stall_after=2)) as served:

        async def once(number: int) -> None:
            async with talk(served.base_url) as idle, talk(served.base_url) as reading:
                assert (await idle.say("GET", "/healthz", {"host": "x"})).status == 200
                reading.send("POST", "/v1/chat/completions", LENGTH, BODY)
                await reading.head()
                _change(tmp_path / "policy.yaml", 100 + number)
                assert await served.service.reload()
                reading.hang_up()
            await served.tuned.left(number + 1)

        await once(0)
        await _quiet(served)
        before = _alive()
        gc.disable()
        try:
            for number in range(1, 11):
                await once(number)
            await _quiet(served)
            assert _alive() - before == {Gauge: 10}  # of `router_policy`: one for each version there was
        finally:
            gc.enable()


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


async def test_a_policy_for_strangers_needs_keys(tmp_path: Path) -> None:
    made = reloads(tmp_path)
    made.only_for("0.0.0.0")
    with pytest.raises(CannotServe, match="loopback"):
        await made.read_aside()


def _change(policy: Path, seconds: int) -> None:
    """Give every deployment another timeout, so that none keeps its connections."""
    said = yaml.safe_load(policy.read_text())
    for deployment in said["deployments"].values():
        deployment["timeout"] = {"total": seconds}
    policy.write_text(yaml.safe_dump(said))


async def _quiet(served: Proxy) -> None:
    """Wait until every connection is closed, every pool that was replaced is retired, and all is written down."""
    await until(lambda: not (served.service.inflight or served.service._retiring or _alive()[Patient]))
    served.service.books.settle()  # the last request's outcome may lie there for a moment


def _alive() -> Counter[type]:
    """Our objects by type, what is frozen too; the fakes are not ours here."""
    gc.unfreeze()
    kinds = Counter(type(each) for each in gc.get_objects())
    ours = {kind: n for kind, n in kinds.items() if str(kind.__module__).startswith(OURS)}
    return Counter({kind: n for kind, n in ours.items() if not kind.__module__.startswith("router.demo.")})
