"""Every kind of check, from a policy."""

from router.policy.checks import Check as Spec
from router.policy.checks import read_check
from router.verify import KINDS, compiled
from tests.verify.answers import made

ITEMS = (
    *("repetition", "complete", "refusal", "json_object", "json_schema", "tool_calls", "citations"),
    *({"length": {"min": 1}}, {"regex": {"pattern": "a"}}, {"logprob": {"mean": -1}}),
    {"judge": {"deployment": "big"}},
    *({"must_contain": {"texts": ["a"]}}, {"must_not_contain": {"texts": ["a"]}}),
)


def test_every_check_a_policy_may_name_is_here() -> None:
    assert {kind.name for kind in KINDS} == set(Spec.model_fields)
    assert {made(item).name for item in ITEMS} == set(Spec.model_fields)


def test_they_are_asked_cheapest_first_whatever_the_policys_order() -> None:
    checks = compiled(Spec.model_validate(read_check(item)) for item in ITEMS)

    assert [type(check) for check in checks] == list(KINDS)


def test_only_one_of_them_needs_log_probabilities() -> None:
    assert [kind.name for kind in KINDS if kind.reads_logprobs] == ["logprob"]
