"""Which limit holds for which key; the golden policies show each mistake."""

from collections.abc import Mapping

from router.policy import loads
from router.policy.limits import Allowance, Limit, allowance

POLICY = """
version: 1
deployments: {a: {base_url: "http://127.0.0.1:1/v1", model: m}}
tiers: {t: {deployments: [a]}}
routes: {auto: {cascade: [{tier: t}]}}
"""
LIMITS = """
limits:
  everybody: {requests_per_minute: 600, usd_per_day: 20}
  batch: {labels: {team: batch}, shared: true, requests_per_minute: 60}
  nightly: {labels: {team: batch, when: night}, parallel: 4}
  desk: {keys: [desk, bot], tokens_per_minute: 9, usd_per_month: 1.5}
  staff: {keys: [ann]}
"""


def limits() -> Mapping[str, Limit]:
    return loads(POLICY + LIMITS).limits


def test_a_key_that_a_limit_names_has_that_one_whatever_its_labels() -> None:
    assert allowance(limits(), "desk", {"team": "batch"}) == Allowance(
        "desk", "desk", ("key", "desk"), tokens=9, usd_per_month=1.5
    )


def test_of_limits_for_labels_the_first_counts() -> None:
    both = allowance(limits(), "job", {"team": "batch", "when": "night"})

    assert both == Allowance("batch", "job", ("limit", "batch"), requests=60)


def test_whoever_no_limit_names_has_the_default_for_itself() -> None:
    assert allowance(limits(), "eve", {"team": "support"}) == Allowance(
        "everybody", "eve", ("key", "eve"), requests=600, usd_per_day=20
    )


def test_a_limit_without_limits_sets_its_keys_free() -> None:
    assert allowance(limits(), "ann", {}) is None
    assert allowance({}, "ann", {}) is None


def test_where_nobody_has_a_key_all_have_the_default_together() -> None:
    assert allowance(limits(), None, {}) == Allowance("everybody", None, ("anybody",), requests=600, usd_per_day=20)


def test_an_account_is_the_key_s_whichever_limit_holds_for_it() -> None:
    before, after = allowance(limits(), "desk", {}), allowance({"all": Limit(parallel=1)}, "desk", {})

    assert before is not None
    assert after is not None
    assert before.account == after.account


def test_limits_are_no_part_of_the_version_nor_of_what_a_route_has_learned() -> None:
    assert loads(POLICY).version_hash == loads(POLICY + LIMITS).version_hash
