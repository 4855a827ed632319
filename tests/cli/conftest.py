"""What every test of a command stands on."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.calling import Called, call
from tests.plans import TWO_TIERS


@pytest.fixture
def smallfirst(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Called]:
    """Call the command line."""
    return partial(call, capfd, monkeypatch)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Return a policy of two tiers."""
    path = tmp_path / "policy.yaml"
    path.write_text(TWO_TIERS)
    return path
