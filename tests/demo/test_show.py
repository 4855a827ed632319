"""The whole cast: recorded answers, fakes, the real proxy, the official client."""

import tempfile
from pathlib import Path

import httpx
import pytest

from router.demo.recorded import UNKNOWN
from router.demo.show import staged
from router.demo.workload import load
from router.server.service import CannotServe

ROWS = load()[:24]


async def test_what_the_demo_reports_is_what_happened() -> None:
    async with staged(ROWS) as stage:
        report = await stage.play(ROWS, samples=2)
    assert (report.requests, report.errors, report.streamed) == (24, 0, 8)
    assert report.quality["served"] == report.graded_again
    assert report.tiers["tuned"] > 0
    assert report.tiers["frontier"] > 0
    assert sum(report.tiers.values()) == 24


async def test_routing_lies_between_the_two_tiers_in_cost() -> None:
    async with staged(ROWS) as stage:
        cost = (await stage.play(ROWS, samples=1)).cost_usd
    assert cost["served"] is not None
    assert cost["all_tuned"] is not None
    assert cost["all_frontier"] is not None
    assert cost["all_tuned"] < cost["served"] < cost["all_frontier"]


async def test_the_proxy_and_the_report_agree_on_what_an_answer_costs() -> None:
    async with staged(ROWS[:1]) as stage, httpx.AsyncClient() as client:
        body = {"model": "frontier", "messages": list(ROWS[0].messages), **ROWS[0].request}
        answer = await client.post(f"{stage.base_url}/chat/completions", json=body)
        report = await stage.play(ROWS[:1], samples=1)
    assert float(answer.headers["x-router-cost-usd"]) == pytest.approx(report.cost_usd["all_frontier"])


async def test_a_question_of_one_s_own_gets_an_honest_answer() -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Who are you?"}]}
    async with staged(ROWS) as stage, httpx.AsyncClient() as client:
        answer = await client.post(f"{stage.base_url}/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"] == UNKNOWN
    assert answer.json()["system_fingerprint"] == "fp_fake"


async def test_a_port_that_is_taken_is_said_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with staged(ROWS) as stage:
        port = httpx.URL(stage.base_url).port
        assert port is not None
        with pytest.raises(CannotServe, match=f"cannot listen on 127.0.0.1:{port}"):
            async with staged(ROWS, port):
                pass
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - nothing else is running
