"""What is wrong, where, and what to write instead."""

import pytest

from router.policy.faults import Fault, PolicyError, closest, did_you_mean


@pytest.mark.parametrize(
    ("fault", "spelled"),
    [
        (
            Fault("policies/support.yaml", 14, "tiers.tuned.chekcs", "unknown field", "did you mean 'checks'?"),
            "policies/support.yaml:14 tiers.tuned.chekcs: unknown field; did you mean 'checks'?",
        ),
        (Fault("p.yaml", 3, "", "not YAML"), "p.yaml:3: not YAML"),
        (Fault("p", 0, "routes", "is missing"), "p routes: is missing"),
        (Fault("p", 0, "", "no such policy"), "p: no such policy"),
    ],
)
def test_a_fault_has_its_place_and_its_sentence(fault: Fault, spelled: str) -> None:
    assert str(fault) == spelled


def test_faults_are_in_the_order_of_the_files_and_said_once() -> None:
    second, first, other = Fault("b", 2, "x", "m"), Fault("a", 10, "x", "m"), Fault("a", 9, "x", "m")

    error = PolicyError([second, first, other, first])

    assert error.faults == (other, first, second)
    assert str(error) == "a:9 x: m\na:10 x: m\nb:2 x: m"


@pytest.mark.parametrize(
    ("name", "meant"), [("chekcs", "checks"), ("Checks", "checks"), ("max-body", "max_body"), ("zebra", ""), ("", "")]
)
def test_the_closest_name_is_what_was_meant(name: str, meant: str) -> None:
    assert closest(name, ["checks", "max_body", "deployments"]) == meant
    assert did_you_mean(name, ["checks", "max_body"]) == (f"did you mean '{meant}'?" if meant else "")
