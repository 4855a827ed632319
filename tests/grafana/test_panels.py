"""Every query of every panel, asked of a real Prometheus that scraped a real run of the proxy."""

import asyncio
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.clock import SYSTEM
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.demo.wire import Received
from router.difficulty import Estimate
from router.server.run import running
from router.server.service import Service
from router.settings import Settings
from router.thresholds import Change
from tests.grafana.queries import panels, rules
from tests.scraping import Prometheus, Scraped, prometheus
from tests.talking import Heard, talk

POLICY = """
version: 1
deployments:
  tuned-a: {base_url: TUNED, model: small, price: {input: 1, output: 10}}
  frontier-a: {base_url: FRONTIER, model: large, price: {input: 100, output: 1000, cached_input: 10}}
  odd-a: {base_url: TUNED, model: a-model-nobody-has-a-price-for, drop: [seed], tune: {id: v1, refresh_due: 2099-01-01}}
tiers:
  tuned: {deployments: [tuned-a], prompt: {system: lean.md, replaces: full.md},
          checks: [complete, {judge: {deployment: frontier-a, rate: 0.5}}]}
  frontier: {deployments: [frontier-a]}
  odd: {deployments: [odd-a], context: {url: TUNED, on_error: skip}}  # which is no retriever: it is asked all the same
records: {path: records}
routes:
  auto:
    cascade: [{tier: tuned, below: 0.5}, {tier: frontier}]
    difficulty: builtin
    objectives:
      quality: {min: 0.5}
      latency_p95_seconds: {max: 10s}
      cost_per_request_usd: {max: 1}
      escalation_rate: {max: 0.9}
    control: {every: 200ms, window: 200ms, evidence: 1d}
    shadow: {rate: 1, usd_per_hour: 1000, judge: {deployment: frontier-a}}
  support:
    cascade: [{tier: tuned, below: 0.5}, {tier: frontier}]
    difficulty: 0.2
"""
PROSE = "They make a sentence that nobody can compare letter by letter, so that somebody has to read it and judge."
FULL = "You answer our customers politely. " * 40
PATIENCE = 30.0
VARIABLES = {"$__rate_interval": "1m", "$__range": "5m", "$__interval": "10s", "$route": ".*"}


def told(request: Received) -> Answer:
    """Do what the request says: a fake that fails, cuts short or keeps silent when it is asked to."""
    if not request.messages:  # somebody takes it for a retriever
        return Answer(status=404)
    said = str(request.messages[-1]["content"])
    if "fail" in said:
        return Answer(status=503)
    if "silence" in said:
        return Answer(stall=True)
    return Answer(text=f"A few words. {PROSE}", finish="length" if "short" in said else "stop")


def patient(request: Received) -> Answer:
    """Answer for the large model, which is cut short only when told twice; asked to judge, it likes both."""
    said = str(request.messages[-1]["content"])
    if "<answer" in said:
        return Answer(text='{"a": 8, "b": 9, "score": 0.8}')
    return Answer(text=f"Many more words than that. {PROSE}", finish="length" if "very short" in said else "stop")


def body(said: str, model: str = "auto", **more: object) -> bytes:
    messages = [{"role": "system", "content": FULL}, {"role": "user", "content": said}]
    return json.dumps({"model": model, "messages": messages, **more}).encode()


REQUESTS = (
    *(body(said) for said in ("hi", "be short", "be very short", "fail, please")),
    *(body(said, stream=True) for said in ("hi", "fail, please")),
    body("hi", "frontier"),
    body("hi again", temperature=0),
    body("hi", "odd", seed=1),
    body("hi", "nobody"),
    body("hi", "support"),
    b"{",
)


def estranged(service: Service) -> None:
    """From now on everything on the route `support` is unlike what its model knows."""
    pipeline = service.pipeline
    known = pipeline.plan.routes["support"]
    strange = replace(known, scope=0.99, estimate=lambda _request, _signals: Estimate((0.7, 0.9), (0.2, 0.0), 2, 1.0))
    pipeline.swap(replace(pipeline.plan, routes={**pipeline.plan.routes, "support": strange}), pipeline.pool)


async def asked_and_judged(base_url: str, service: Service) -> None:
    """Ask everything once; when the shadows are done, somebody speaks of each answer too."""
    heard = await asyncio.gather(*(post(base_url, "/v1/chat/completions", sent) for sent in REQUESTS))
    await service.shadows.settled()
    for one in heard:
        if one.status == 200:
            said = {"id": one.headers["x-request-id"], "score": 0.8, "reference": 0.9}
            assert (await post(base_url, "/v1/feedback", json.dumps(said).encode())).status == 202


async def post(base_url: str, path: str, sent: bytes) -> Heard:
    async with talk(base_url) as client:
        return await client.say("POST", path, {"host": "x", "content-length": str(len(sent))}, sent)


async def leave(base_url: str, upstream: FakeUpstream) -> None:
    """Ask, and go before there is an answer."""
    asked, gone = len(upstream.requests), upstream.cancelled
    sent = body("silence")
    async with talk(base_url) as client:
        client.send("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(sent))}, sent)
        await upstream.saw(asked + 1)
        client.hang_up()
        await upstream.left(gone + 1)


async def move(service: Service) -> None:
    """Set a threshold, as `smallfirst thresholds set` does."""
    route = service.pipeline.plan.routes["auto"]
    before = service.helm.thresholds.now("auto", route.state).get("tuned", 0.5)
    change = Change(SYSTEM.wall(), "tuned", before, 0.9 - before, "set")
    await service.helm.thresholds.edit("auto", lambda board: board.changed(route.state, change))


def judged(service: Service) -> bool:
    """Whether control has looked at a window with something in it, since the policy came into force."""
    samples = (sample for metric in service.metrics.registry.collect() for sample in metric.samples)
    return any(sample.name == "router_objective_measured" for sample in samples)


async def live(base_url: str, service: Service, path: Path, upstream: FakeUpstream) -> None:
    """Let happen what happens to a proxy in a week."""
    good = path.read_text()  # noqa: ASYNC240 - a small file, and nobody waits
    for text in ("version: 2", good):
        path.write_text(text)  # noqa: ASYNC240
        await service.reload()
    estranged(service)
    await move(service)
    async with asyncio.timeout(PATIENCE):
        await asked_and_judged(base_url, service)
        while not judged(service):
            await asked_and_judged(base_url, service)
    await leave(base_url, upstream)


def asked(expr: str, variables: Mapping[str, str] = VARIABLES) -> str:
    for name, value in variables.items():
        expr = expr.replace(name, value)
    return expr


async def wrong(prometheus: Prometheus, expr: str, legend: str) -> str:
    """Say what is wrong with a query's answer, or nothing."""
    result: list[dict[str, Any]] = await prometheus.ask(asked(expr))
    if not any(math.isfinite(float(series["value"][1])) for series in result):
        return "no data" if not result else "no number"
    labels = set(re.findall(r"\{\{(\w+)\}\}", legend))
    return "" if any(labels <= set(series["metric"]) for series in result) else f"no label {sorted(labels)}"


@pytest.mark.prometheus
@pytest.mark.slow
async def test_every_query_finds_what_it_asks_for(tmp_path: Path) -> None:
    (tmp_path / "full.md").write_text(FULL)
    (tmp_path / "lean.md").write_text("Be polite.")
    policy = tmp_path / "policy.yaml"
    async with FakeUpstream(told) as tuned, FakeUpstream(patient) as frontier:
        policy.write_text(POLICY.replace("TUNED", tuned.base_url).replace("FRONTIER", frontier.base_url))
        service = Service(policy, Settings())
        async with (
            running(service) as base_url,
            Scraped(base_url) as scraped,
            prometheus(tmp_path, [scraped.target]) as seen,
        ):
            for _ in range(2):
                await live(base_url, service, policy, tuned)
                await scraped.again()
            queries = [(place, query.expr, query.legend) for place, query in panels()]
            queries += [(str(rule["record"]), str(rule["expr"]), "") for rule in rules() if "record" in rule]
            found = [(place, await wrong(seen, expr, legend)) for place, expr, legend in queries]
            for rule in rules():
                await seen.ask(str(rule["expr"]))  # whether it fires is told elsewhere; here it is understood

    assert len(found) > 30
    missing = [f"{place}: {fault}" for place, fault in found if fault]
    assert not missing, "\n".join(missing)
