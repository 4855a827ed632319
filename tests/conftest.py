"""What every test stands on: one event loop, repeatable properties, and no silent skip where servers are promised."""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests import servers

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)  # the same examples on every run
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run `async def` tests on asyncio, as the server does."""
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test skipped for want of a server fails where servers are promised."""
    return servers.refuse_skip((yield), os.environ)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """So does a whole module."""
    return servers.refuse_skip((yield), os.environ)


def pytest_unconfigure() -> None:
    """What servers have put beyond the collector's reach belongs to it again: libraries tell of leaks at the end."""
    gc.unfreeze()
