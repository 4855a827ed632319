"""`smallfirst thresholds`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calling import Called

Smallfirst = Callable[..., Called]


@pytest.fixture
def thresholds(smallfirst: Smallfirst, policy: Path) -> Smallfirst:
    """Call it for the policy of two tiers."""
    return lambda *words: smallfirst("thresholds", "--policy", str(policy), *words)


def test_the_policy_s_own_are_in_force_at_first(thresholds: Smallfirst) -> None:
    told = thresholds()
    assert told.code == 0
    assert told.out == "auto: tuned 0.3000; not steered\n"


def test_a_threshold_is_set_and_taken_back(thresholds: Smallfirst) -> None:
    assert "tuned 0.4500 (policy 0.3000)" in thresholds("set", "0.45").out
    again = thresholds().out
    assert "tuned 0.4500 (policy 0.3000); not steered" in again
    assert "0.3000 → 0.4500 (set)" in again
    back = thresholds("rollback")
    assert "auto: tuned 0.3000; frozen" in back.out
    assert "0.4500 → 0.3000 (rollback): takes back what was set" in back.out
    assert thresholds("unfreeze").out.startswith("auto: tuned 0.3000; not steered")
    nothing = thresholds("rollback")
    assert (nothing.code, nothing.err) == (2, "smallfirst: there is no change to take back\n")


def test_what_an_edited_policy_drops_is_shown(thresholds: Smallfirst, policy: Path) -> None:
    thresholds("set", "0.45")
    policy.write_text(policy.read_text().replace("below: 0.3", "below: 0.2"))
    told = thresholds().out
    assert told.startswith("auto: tuned 0.2000; not steered\n  tuned was 0.4500 (set, ")
    assert told.endswith("before the route itself was changed; if it is still meant, set it again\n")
    assert [one["after"] for one in thresholds("--json").document["routes"]["auto"]["dropped"]] == [0.45]
    assert "tuned was" not in thresholds("set", "0.25").out


def test_the_same_as_json(thresholds: Smallfirst) -> None:
    thresholds("freeze")
    thresholds("set", "0.5")
    found = thresholds("--json", "--route", "auto").document["routes"]["auto"]
    assert found["frozen"] is True
    assert found["thresholds"] == {"tuned": {"now": 0.5, "policy": 0.3}}
    assert [change["cause"] for change in found["history"]] == ["set"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["set"], "`set` takes a threshold, such as `set 0.35`"),
        (["freeze", "0.3"], "`set` takes a threshold"),
        (["set", "1.5"], "a threshold is a number from 0 to 1, not 1.5"),
        (["set", "0.5", "--tier", "frontier"], "route 'auto' has no threshold of 'frontier'"),
        (["--route", "atuo"], "this policy has no route 'atuo' with a threshold"),
    ],
)
def test_what_cannot_be_done_is_told(thresholds: Smallfirst, words: list[str], told: str) -> None:
    called = thresholds(*words)
    assert called.code == 2
    assert told in called.err


def test_one_of_several_routes_has_to_be_named(thresholds: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text() + "  other: {cascade: [{tier: tuned, below: 0.1}, {tier: frontier}]}\n")
    assert "which one? there are auto, other" in thresholds("freeze").err
    assert len(thresholds("--json").document["routes"]) == 2
    assert "other: tuned 0.1000; frozen" in thresholds("freeze", "--route", "other").out


def test_a_policy_without_thresholds_or_that_is_none_is_refused(thresholds: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("{tier: tuned, below: 0.3}, ", ""))
    assert "no route with a threshold" in thresholds().err
    policy.write_text("version: 2")
    assert thresholds().code == 2


def test_a_store_that_is_gone_is_told(thresholds: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text() + 'cache: {url: "redis://127.0.0.1:1/0"}\n')
    called = thresholds("set", "0.4")
    assert called.code == 2
    assert "nothing was changed" in called.err
