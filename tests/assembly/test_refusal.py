"""A policy that reads well, and names something that cannot be used."""

from router.assembly.refusal import AssemblyError, refused
from router.policy import loads
from tests.plans import TWO_TIERS


def test_it_is_told_in_one_line_with_its_place() -> None:
    error = refused(loads(TWO_TIERS), ("routes", "auto", "difficulty"), "not a model:\n  it is empty")

    assert isinstance(error, AssemblyError)
    assert str(error).endswith(":15 routes.auto.difficulty: not a model: it is empty")
