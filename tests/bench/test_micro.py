"""What is timed, and how it is told; times themselves are for `make bench`, on a machine that has time."""

import json
import subprocess
import sys

import pytest

from bench.micro import calibration, timed
from bench.parts import PARTS


def test_the_loop_that_others_are_held_against_is_the_same_everywhere() -> None:
    assert calibration() == calibration() > 0


def test_a_part_is_timed_in_microseconds_of_each_thing_it_does() -> None:
    found = timed("parse 100 KB")

    assert 0 < found.here < 1000
    assert found.budget == PARTS["parse 100 KB"].micros / 100
    assert found.over is (found.normal > 1.5 * found.budget)


@pytest.mark.slow
def test_the_command_prints_one_document() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench.micro", "--json", "headers"], capture_output=True, text=True, check=False
    )

    assert list(json.loads(told.stdout)) == ["headers"]
    assert told.stderr.splitlines()[-1] == "timing headers"


def test_a_name_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    told = subprocess.run([sys.executable, "-m", "bench.micro", "haeders"], capture_output=True, text=True, check=False)

    assert told.returncode == 2
    assert "no part named haeders; there are identify" in told.stderr
