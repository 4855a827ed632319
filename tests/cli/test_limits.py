"""`smallfirst limits`."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from router import keys
from router.clock import SYSTEM
from router.limits import Charge, Limits, account_key
from router.policy.limits import Allowance
from router.policy.store_url import read_store_url
from router.store import Folder, key
from router.store.redis_store import RedisStore
from tests.cli.calling import Called
from tests.redis_server import PATIENT, redis_program, running

Smallfirst = Callable[..., Called]

LIMITS = """
auth: {keys: keys.yaml}
limits:
  everybody: {requests_per_minute: 600, usd_per_day: 20}
  batch: {labels: {team: batch}, shared: true, tokens_per_minute: 200000, parallel: 4, usd_per_month: 300}
  staff: {keys: [eve]}
"""
ANN = Allowance("everybody", "ann", ("key", "ann"), 600, usd_per_day=20)
BATCH = Allowance("batch", "job", ("limit", "batch"), tokens=200_000, parallel=4, usd_per_month=300)


@pytest.fixture
def limited(policy: Path) -> Path:
    policy.write_text(policy.read_text() + LIMITS)
    for name, labels in (("job", {"team": "batch"}), ("ann", {}), ("eve", {})):
        keys.add(policy.parent / "keys.yaml", name, f"sf-{name}", labels=labels, now=0)
    return policy


async def served_alone(folder: Path, usd: float = 1.25) -> None:
    served = Limits(folder=Folder(folder))
    (await served.take(ANN)).settle(Charge(10, usd))
    await served.aclose()


async def served_with(url: str) -> None:
    """Three requests, of which one has ended."""
    store = RedisStore(read_store_url(url), deadline=PATIENT)
    served = Limits(store, SYSTEM)
    held = [await served.take(BATCH, 1000, 500) for _ in range(3)]
    held[0].settle(Charge(20_000, 12.5))
    await served.aclose()
    await store.aclose()


@pytest.fixture
def limits(smallfirst: Smallfirst, limited: Path) -> Smallfirst:
    return lambda *words: smallfirst("limits", "--policy", str(limited), *words)


def test_every_limited_key_is_shown(limits: Smallfirst) -> None:
    assert limits().out == (
        "ann (everybody): 0 of 600 requests per minute, 0 of 20 USD today\n"
        "job (batch, shared): 0 of 200,000 tokens per minute, 0 of 4 at the same time, 0 of 300 USD this month\n"
    )


def test_what_a_server_without_redis_has_written_is_shown_and_taken_back(limits: Smallfirst, limited: Path) -> None:
    asyncio.run(served_alone(limited.parent / ".smallfirst" / "learned"))

    assert "USD today" in (told := limits().out)
    assert "1.25 of 20 USD today" in told
    assert limits("reset", "ann").out.endswith(" 0 of 20 USD today\n")
    assert "0 of 20 USD today" in limits().out


@pytest.mark.parametrize(
    ("limit", "spent", "told"),
    [
        ("0.0003", 0.00012, "0.00012 of 0.0003"),
        ("0.00001234", 0.00000165, "0.00000165 of 0.00001234"),
        ("0.5", 0.123456, "0.123 of 0.5"),
        ("2000.125", 1234.567, "1,234.57 of 2,000.125"),
        ("20", 0.999999, "1 of 20"),
    ],
)
def test_small_budgets_are_shown_with_their_digits(
    limits: Smallfirst, limited: Path, *, limit: str, spent: float, told: str
) -> None:
    limited.write_text(limited.read_text().replace("usd_per_day: 20", f"usd_per_day: {limit}"))
    asyncio.run(served_alone(limited.parent / ".smallfirst" / "learned", spent))

    assert f", {told} USD today\n" in limits().out


def test_requests_that_drain_away_are_shown_as_whole_ones(limits: Smallfirst, limited: Path) -> None:
    asyncio.run(served_alone(limited.parent / ".smallfirst" / "learned"))

    assert re.match(r"ann \(everybody\): [01] of 600 requests per minute,", limits().out)


@pytest.mark.redis
def test_what_servers_share_is_shown_and_taken_back(limits: Smallfirst, limited: Path) -> None:
    with running(redis_program()) as redis:
        limited.write_text(limited.read_text() + f"cache: {{url: '{redis.url}'}}\n")
        asyncio.run(served_with(redis.url))

        found = limits("--json").document["accounts"][1]
        assert (found["key"], found["limit"], found["shared"]) == ("job", "batch", True)
        assert found["used"]["parallel"] == {"used": 2, "limit": 4}
        assert found["used"]["usd_per_month"] == {"used": 12.5, "limit": 300}
        assert 10_000 < found["used"]["tokens_per_minute"]["used"] <= 23_000
        again = limits("reset", "job", "--json").document["accounts"]
        assert [one["used"]["usd_per_month"]["used"] for one in again] == [0]
        redis.kill()
        gone = limits()
        assert (gone.code, gone.err.splitlines()[-1]) == (
            2,
            "smallfirst: what servers share (cache.url) cannot be reached",
        )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["reset"], "`reset` takes the name of a key"),
        (["show", "ann"], "`reset` takes the name of a key"),
        (["reset", "eve"], "the policy limits no key named 'eve'"),
        (["reset", "zoe"], "the policy limits no key named 'zoe'"),
    ],
)
def test_what_cannot_be_done_is_told(limits: Smallfirst, words: list[str], told: str) -> None:
    called = limits(*words)

    assert called.code == 2
    assert told in called.err


def test_a_policy_without_limits_or_keys_says_so(smallfirst: Smallfirst, policy: Path) -> None:
    assert "the policy limits nobody" in smallfirst("limits", "--policy", str(policy)).err
    policy.write_text(policy.read_text() + "limits: {all: {parallel: 4}}\n")
    assert smallfirst("limits", "--policy", str(policy)).out == "everybody (all): 0 of 4 at the same time\n"
    assert smallfirst("limits", "--policy", str(policy), "reset", "all").code == 0
    policy.write_text(policy.read_text() + "auth: {keys: keys.yaml}\n")
    (policy.parent / "keys.yaml").write_text("- nonsense\n")
    assert "keys.yaml:1" in smallfirst("limits", "--policy", str(policy)).err
    policy.write_text("version: 2")
    assert smallfirst("limits", "--policy", str(policy)).code == 2


def test_an_account_is_kept_under_its_key_s_name() -> None:
    assert account_key(ANN) == key("limit", "key", "ann")
