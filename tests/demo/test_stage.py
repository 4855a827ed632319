"""The whole cast: recorded answers, fakes, the real proxy, the official client."""

import tempfile
from pathlib import Path

import httpx
import pytest

from router.demo.recorded import UNKNOWN
from router.demo.stage import on_stage
from router.demo.workload import load
from router.server.service import CannotServe

ROWS = load()[:24]


async def test_what_the_demo_reports_is_what_happened() -> None:
    async with on_stage(ROWS) as stage:
        report = await stage.play(samples=2)
        asked = {tier: len(fake.requests) for tier, fake in stage.fakes.items()}
    assert (report.requests, report.errors, report.streamed) == (24, 0, 8)
    assert report.quality["served"] == report.graded_again
    assert report.tiers["tuned"] > 0
    assert report.tiers["frontier"] > 0
    warm_up_and_samples = 2 * (20 + 2)
    assert asked == {"tuned": report.tiers["tuned"] + warm_up_and_samples, "frontier": report.tiers["frontier"]}


async def test_routing_lies_between_the_two_tiers_in_cost() -> None:
    async with on_stage(ROWS) as stage:
        cost = (await stage.play(samples=1)).cost_usd
    assert cost["served"] is not None
    assert cost["all_tuned"] is not None
    assert cost["all_frontier"] is not None
    assert cost["all_tuned"] < cost["served"] < cost["all_frontier"]


async def test_the_proxy_and_the_report_agree_on_what_an_answer_costs() -> None:
    async with on_stage(ROWS[:1]) as stage, httpx.AsyncClient() as client:
        body = {"model": "frontier", "messages": list(ROWS[0].messages), **ROWS[0].request}
        answer = await client.post(f"{stage.base_url}/chat/completions", json=body)
        report = await stage.play(samples=1)
    assert float(answer.headers["x-router-cost-usd"]) == pytest.approx(report.cost_usd["all_frontier"])


async def test_a_question_of_one_s_own_gets_an_honest_answer() -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Who are you?"}]}
    async with on_stage(ROWS) as stage, httpx.AsyncClient() as client:
        answer = await client.post(f"{stage.base_url}/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"] == UNKNOWN
    assert answer.json()["system_fingerprint"] == "fp_fake"


async def test_a_port_that_is_taken_is_said_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with on_stage(ROWS) as stage:
        port = httpx.URL(stage.base_url).port
        assert port is not None
        with pytest.raises(CannotServe, match=f"cannot listen on 127.0.0.1:{port}"):
            async with on_stage(ROWS, port=port):
                pass
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - nothing else is running
