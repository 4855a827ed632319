"""`smallfirst serve`, as far as it refuses; tests/server/test_run.py serves."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calling import Called

Smallfirst = Callable[..., Called]


def test_without_keys_only_loopback_is_served(smallfirst: Smallfirst, policy: Path) -> None:
    told = smallfirst("serve", "--policy", str(policy), "--host", "0.0.0.0", "--port", "0")

    assert told.code == 2
    assert "smallfirst keys add" in told.err


def test_a_port_that_is_taken_is_told_in_one_line(smallfirst: Smallfirst, policy: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        told = smallfirst("serve", "--policy", str(policy), "--port", str(port))

    assert told.code == 2
    assert told.err.splitlines()[-1] == f"smallfirst: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_several_workers_need_something_to_share(smallfirst: Smallfirst, policy: Path) -> None:
    told = smallfirst("serve", "--policy", str(policy), "--workers", "2")

    assert told.code == 2
    assert told.err.splitlines()[-1] == (
        "smallfirst: --workers 2: several workers share what they learn and remember through Redis, and this policy's "
        "cache.url is memory://; write redis://HOST:6379/0, or embedded://"
    )


def test_every_fault_of_a_policy_is_told(smallfirst: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("below", "bellow").replace("tiers:", "tears:"))

    told = smallfirst("serve", "--policy", str(policy))

    assert told.code == 2
    assert "did you mean 'below'?" in told.err
    assert "did you mean 'tiers'?" in told.err


def test_a_setting_that_is_wrong_is_told(smallfirst: Smallfirst, policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALLFIRST_PORT", "many")

    assert "SMALLFIRST_PORT" in smallfirst("serve", "--policy", str(policy)).err
