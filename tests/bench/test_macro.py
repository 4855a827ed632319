"""The proxy under load, as a command: every figure is there, and nothing failed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.macro import CASES

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_command_measures_a_case() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench.macro", "--json", "--cases", "s50", "--seconds", "0.3", "--repeat", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    assert told.stderr.splitlines()[-1] == "measuring s50"
    report = json.loads(told.stdout)
    case = report["cases"]["s50"]
    assert case["errors"] == 0
    assert case["per_second"] > 0 < case["cpu"]
    assert case["through"]["events"] >= 34 * case["through"]["requests"] > 0
    assert case["added_token"]["p50"] == case["through"]["token"]["p50"] - case["direct"]["token"]["p50"]
    assert report["start"] > 0 < report["idle"]


def test_a_case_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench.macro", "--cases", "u2"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert told.returncode == 2
    assert f"no case named u2; there are {', '.join(CASES)}" in " ".join(told.stderr.split())
