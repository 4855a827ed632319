"""Thresholds in force on a server that runs, and an operator beside it."""

from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from router.demo.answers import Answer
from router.outcome import Evidence
from router.store import Folder, Memory
from router.thresholds import Change, Thresholds
from tests.proxy import Proxy, proxy, write
from tests.talking import Heard, talk

GOOD = Answer(text="fine")
BODY = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": "hi"}]})
STEERED = {"difficulty": "builtin", "objectives": {"quality": {"min": 0.9}}, "control": {"every": "1s"}}


async def asked(one: Proxy) -> Heard:
    """Ask once, over a connection of its own."""
    async with talk(one.base_url) as talking:
        heads = {"host": "test", "content-type": "application/json", "content-length": str(len(BODY))}
        return await talking.say("POST", "/v1/chat/completions", heads, BODY)


async def until(one: Proxy, threshold: str) -> Heard:
    """Ask until this threshold is in force."""
    with anyio.fail_after(20):
        while (heard := await asked(one)).headers["x-router-threshold"] != threshold:
            pass
    return heard


def put(one: Proxy, after: float) -> Any:
    state = one.service.pipeline.plan.routes["auto"].state
    return lambda board: board.changed(state, Change(1.0, "tuned", 0.5, after, "set"))


async def test_what_an_operator_sets_beside_the_server_is_in_force_within_moments(tmp_path: Path) -> None:
    async with proxy(tmp_path, GOOD) as one:
        assert (await asked(one)).headers["x-router-tier"] == "tuned"
        operator = Thresholds(Memory(Folder(tmp_path / ".smallfirst" / "learned")), None, print)
        await operator.edit("auto", put(one, 0.1))
        heard = await until(one, "0.1000")
        assert heard.headers["x-router-tier"] == "frontier"
        assert one.counted("router_threshold", route="auto", tier="tuned") == 0.1


async def test_what_was_learned_survives_a_restart_and_a_new_model_begins_anew(tmp_path: Path) -> None:
    async with proxy(tmp_path, GOOD) as one:
        await one.service.helm.thresholds.edit("auto", put(one, 0.3))
        assert (await asked(one)).headers["x-router-threshold"] == "0.3000"
    async with proxy(tmp_path, GOOD) as one:
        assert (await asked(one)).headers["x-router-threshold"] == "0.3000"
    changes = {"deployments": {"tuned-a": {"model": "another"}}}
    async with proxy(tmp_path, GOOD, changes=changes) as one:
        assert (await asked(one)).headers["x-router-threshold"] == "0.5000"


async def test_what_a_route_would_do_is_told_by_what_is_in_force(tmp_path: Path) -> None:
    async with proxy(tmp_path, GOOD) as one:
        await one.service.helm.thresholds.edit("auto", put(one, 0.1))
        async with talk(one.base_url) as talking:
            heads = {"host": "test", "content-type": "application/json", "content-length": str(len(BODY))}
            told = orjson.loads((await talking.say("POST", "/v1/route", heads, BODY)).body)
    assert (told["start"], told["threshold"]) == ("frontier", 0.1)


async def test_evidence_is_counted_and_a_frozen_route_is_shown(tmp_path: Path) -> None:
    async with proxy(tmp_path, GOOD, changes={"routes": {"auto": STEERED}}) as one:
        state = one.service.pipeline.plan.routes["auto"].state
        one.service.books.evidence(Evidence("id", "auto", state, 2, "tuned", 1.0, 1.0, weight=5.0, source="grader"))
        assert one.counted("router_quality_weight_total", measure="quality", start="tuned") == 5
        await one.service.helm.thresholds.edit("auto", lambda board: board.freeze(frozen=True))
        assert one.counted("router_threshold_frozen") == 1


async def test_a_host_paid_by_the_hour_is_counted_from_nothing_on(tmp_path: Path) -> None:
    host = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "price": {"per_hour": 2.4}}
    changes = {"deployments": {"host-a": host}}
    async with proxy(tmp_path, GOOD, changes=changes) as one:
        with anyio.fail_after(20):
            while not idle(one):
                await asked(one)
        assert [(each["deployment"], each["route"]) for each in idle(one)] == [("host-a", "")]


def idle(one: Proxy) -> list[dict[str, str]]:
    samples = one.service.metrics.samples({"router_cost_usd_total"})
    return [labels for _, labels, _ in samples if labels["kind"] == "idle"]


async def test_another_prometheus_in_the_policy_is_asked_after_a_reload(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with proxy(tmp_path, GOOD, changes={"routes": {"auto": STEERED}}) as one:
        before = one.service.helm._steering
        addresses = {"tuned-a": one.tuned.base_url, "frontier-a": one.frontier.base_url}
        write(tmp_path, addresses, {"routes": {"auto": STEERED}, "prometheus": {"url": "http://127.0.0.1:1"}})
        assert await one.service.reload()
        assert one.service.helm._steering is not before
        assert before is not None
        assert before.done()
        assert await one.service.reload()
    assert "control ended" not in capsys.readouterr().err
