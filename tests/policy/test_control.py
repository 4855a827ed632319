"""Objectives and limits as YAML has them; tests/policies has what an operator hears."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from router.policy import load
from router.policy.control import Control, Grafana, QualityAim


def test_what_is_not_said_has_its_default() -> None:
    control = Control()
    assert (control.mode, control.every, control.window, control.step) == ("observe", 60.0, 900.0, 0.05)
    assert control.bounds == (0.0, 0.95)
    assert QualityAim(min=0.9).confidence == 0.95


@pytest.mark.parametrize("bounds", [[0.5], [0.9, 0.1], "all", [0, 2], ["a", 1]])
def test_bounds_are_two_thresholds(bounds: object) -> None:
    with pytest.raises(ValidationError, match="must be two thresholds from 0 to 1"):
        Control.model_validate({"bounds": bounds})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"evidence": "20m"}, "evidence must be kept for at least two windows"),
        ({"step": 0}, "a step of 0 moves nothing"),
        ({"every": "1h"}, "looks less often"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(said: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Control.model_validate(said)


def test_a_token_does_not_show() -> None:
    assert "secret" not in repr(Grafana.model_validate({"url": "http://g:3000", "token": "secret"}))


def test_a_whole_policy_says_it_all() -> None:
    policy = load(Path(__file__).parent.parent / "policies" / "objectives-and-control.yaml", {})
    aims = policy.routes["auto"].objectives
    assert aims is not None
    assert aims.latency_p95_seconds is not None
    assert aims.latency_p95_seconds.max == 2.0
    assert policy.prometheus is not None
    assert policy.prometheus.url == "http://127.0.0.1:9090"
    assert policy.prometheus.token is None
