"""Servers that tests start for themselves: asked for by name, and never missed in silence where they are promised."""

import shutil
from collections.abc import Mapping
from typing import TypeVar

import pytest

REASON = "needs a server"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def needs(program: str) -> str:
    """Return the path of a server program, or skip the test that asked for it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{REASON}: {program} is not installed (Debian: apt install {program})")
    return path


def promised(environ: Mapping[str, str]) -> bool:
    """Tell whether this machine promises every server, as CI does."""
    return environ.get("CI") == "true" or environ.get("SMALLFIRST_REQUIRE_SERVERS") == "1"


def refuse_skip(report: Report, environ: Mapping[str, str]) -> Report:
    """Turn a skip for want of a server into a failure where servers are promised."""
    if report.skipped and isinstance(report.longrepr, tuple) and promised(environ):
        path, line, said = report.longrepr
        reason = said.removeprefix("Skipped: ")
        if reason.startswith(REASON):
            report.outcome = "failed"
            report.longrepr = f"{path}:{line}: may not be skipped here (CI or SMALLFIRST_REQUIRE_SERVERS): {reason}"
    return report
