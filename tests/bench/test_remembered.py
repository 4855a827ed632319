"""What remembering costs, as a command: every figure is there, hits were hits, and nothing failed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import needs

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.redis
def test_the_command_measures_both_levels_and_what_is_not_there() -> None:
    needs("redis-server")
    told = subprocess.run(
        [sys.executable, "-m", "bench.remembered", "--json", "--rounds", "50", "--seconds", "0.2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode in {0, 1}, told.stderr  # 1: more than it may be, which a busy machine can do
    report = json.loads(told.stdout)
    assert report["held"] is (told.returncode == 0)
    assert report["hits"]["direct"]["p50"] < report["hits"]["process"]["p50"]
    assert report["added"]["hit_ms"]["Redis"] > 0
    assert min(report["misses"].values()) > 0
