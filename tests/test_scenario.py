"""Scenarios that are wrong say so; scenarios that are right can fail."""

import re
from pathlib import Path

import pytest

from tests import scenario
from tests.scenario import Scenario, names, play


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scenario, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("expects: {}", "a scenario has no 'expects'; did you mean 'expect'?"),
        ("expect: {staus: 1}", "`expect` has no 'staus'; did you mean 'status'?"),
        ("request: {header: {}}", "a request has no 'header'; did you mean 'headers'?"),
        ("steps: [{expct: {}}]", "a step has no 'expct'; did you mean 'expect'?"),
        ("upstreams: {tuned-b: {text: hi}}", "the upstreams has no 'tuned-b'; did you mean 'tuned-a'?"),
        ("afterwards: {metric: {}}", "`afterwards` has no 'metric'; did you mean 'metrics'?"),
    ],
)
def test_a_word_that_nobody_knows_is_refused(folder: Path, text: str, told: str) -> None:
    (folder / "typo.yaml").write_text(text)
    with pytest.raises(ValueError, match=re.escape(told)):
        Scenario("typo")


async def test_everything_that_differs_is_told(folder: Path) -> None:
    (folder / "wrong.yaml").write_text("""
expect:
  {status: 404, text: bye, path: "frontier:ok", calls: {tuned-a: 2}, log: {status: 404}, headers: {x-request-id: null}}
afterwards: {metrics: {router_requests_total: 7}, lines: 3, log_lacks: [tuned]}
""")
    wrong = await play(Scenario("wrong"), folder)
    places = [line.split(": ")[0] for line in wrong]
    assert places == [
        "expect.status",
        "expect.headers.x-request-id",
        "expect.headers.x-router-path",
        "expect.text",
        "expect",
        "expect.calls.tuned-a",
        "afterwards.metrics router_requests_total",
        "expect.log.status",
        "afterwards.lines",
        "afterwards.log_lacks",
    ]


def test_both_ways_are_two_cases(folder: Path) -> None:
    (folder / "a.yaml").write_text("client: both")
    (folder / "b.yaml").write_text("expect: {}")
    (folder / "_c.yaml").write_text("expect: {}")
    assert list(names()) == [("a", "whole"), ("a", "streamed"), ("b", "")]


def test_every_scenario_begins_with_its_story() -> None:
    files = sorted(scenario.FOLDER.glob("*.yaml"))
    assert [file.name for file in files if not file.read_text("utf-8").startswith("# ")] == []
