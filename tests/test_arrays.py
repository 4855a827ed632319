"""numpy waits until somebody computes."""

import subprocess
import sys

import numpy  # noqa: ICN001  beside ours

from router.arrays import np


def test_it_is_numpy() -> None:
    assert np.float64 is numpy.float64
    assert np.random.default_rng is numpy.random.default_rng


def test_serving_and_judging_come_without_it_until_they_need_it() -> None:
    told = """
import sys
import router.cli
print("numpy" in sys.modules)
from router.control import Scale
Scale.of([each / 100 for each in range(101)], (0.0, 1.0))
print("numpy" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]
