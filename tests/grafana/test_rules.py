"""Rules that fire when they should and not otherwise, and that say where to read on."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.grafana.queries import KNOWN, RULES, metrics, rules
from tests.servers import needs

HERE = Path(__file__).parent
RUNBOOK = RULES.parent.parent / "docs" / "runbook.md"
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


@pytest.mark.prometheus
@pytest.mark.parametrize("tests", ["alerts.yaml", "recording.yaml"])
def test_rules_do_what_they_say(tmp_path: Path, tests: str) -> None:
    (tmp_path / tests).write_text((HERE / tests).read_text("utf-8").replace("RULES", str(RULES)))
    command = [needs("promtool"), "test", "rules", str(tmp_path / tests)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_firing() -> None:
    cases = [
        case
        for test in yaml.safe_load((HERE / "alerts.yaml").read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    fired = {case["alertname"] for case in cases if case["exp_alerts"]}

    assert set(ALERTS) - fired == set()


def test_every_alert_has_its_place_in_the_runbook() -> None:
    told = re.findall(r"^## (\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)

    assert sorted(told) == sorted(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_rules_ask_for_metrics_that_there_are() -> None:
    asked = {metric for rule in rules() for metric in metrics(rule["expr"])}

    assert asked - set(KNOWN) == set()
