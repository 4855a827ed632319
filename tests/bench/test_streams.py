"""Clients that leave, as a command: all of them are noticed, and nothing stays behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_command_tells_what_leaving_costs() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench.streams", "--json", "--only", "clients that leave"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    figures = json.loads(told.stdout)["clients that leave"]
    assert figures["streams"] == 200
    assert figures["requests in flight afterwards"] == 0
