"""Where servers are promised, a test that wants one may not be skipped; everywhere else it may."""

from pathlib import Path

import pytest

SUITE = """
import pytest
from tests import servers

@pytest.fixture
def redis():
    return servers.needs("a-server-nobody-has")

def test_by_fixture(redis): ...

def test_in_the_body():
    servers.needs("a-server-nobody-has")

@pytest.mark.skipif(True, reason="needs a server: by mark")
def test_by_mark(): ...

@pytest.mark.skip(reason="not on this system")
def test_of_another_kind(): ...
"""
MODULE = """
import pytest
pytest.skip("needs a server: the whole module", allow_module_level=True)
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("SMALLFIRST_REQUIRE_SERVERS", raising=False)
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile(SUITE)
    return pytester


def test_a_missing_server_skips_on_a_developers_machine(suite: pytest.Pytester) -> None:
    suite.runpytest_inprocess().assert_outcomes(skipped=4)


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("SMALLFIRST_REQUIRE_SERVERS", "1")])
def test_a_missing_server_fails_where_servers_are_promised(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    result = suite.runpytest_inprocess()

    result.assert_outcomes(skipped=1, failed=1, errors=2)
    result.stdout.fnmatch_lines(["*may not be skipped here*a-server-nobody-has is not installed*"])


def test_a_module_that_skips_itself_fails_there_too(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(test_module=MODULE)

    suite.runpytest_inprocess("test_module.py").assert_outcomes(errors=1)
