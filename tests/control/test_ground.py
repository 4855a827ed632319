"""What control judges by."""

from router.control import AIMS, Move


def test_aims_have_the_names_of_the_policy_in_the_order_that_decides() -> None:
    assert AIMS[0] == "quality"
    assert AIMS.index("latency_p95_seconds") < AIMS.index("cost_per_request_usd")


def test_a_move_knows_its_direction() -> None:
    assert Move(0.3, 0.2, "quality", "").towards_last
    assert not Move(0.2, 0.3, "cheaper", "").towards_last
