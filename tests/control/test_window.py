"""What can be relied on, and what cannot."""

from dataclasses import replace

import numpy as np
import pytest

from router.control import Labels, Window
from tests.control.stories import window


def test_a_usual_window_has_no_fault() -> None:
    assert window().fault == ""
    assert not window().disturbed


def test_gaps_nothing_and_nonsense_are_told_apart() -> None:
    assert Window.empty(0.0, 900.0).fault == "no requests in this window"
    assert Window.empty(0.0, 900.0, "a process restarted").fault == "a process restarted"
    assert replace(window(), cost=window().cost * np.nan).fault == "some measurements are not numbers"
    assert replace(window(), requests=-window().requests).fault == "some measurements are not numbers"
    assert replace(window(), labels=Labels(Labels.none().table + np.nan)).fault == "some measurements are not numbers"


@pytest.mark.parametrize("trouble", [{"spilled": 60.0}, {"failed": 60.0}])
def test_failures_and_full_deployments_disturb(trouble: dict[str, float]) -> None:
    assert replace(window(), **trouble).disturbed  # type: ignore[arg-type]
