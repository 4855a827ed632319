"""What a request has taken is settled once."""

from router.limits import Charge, Held


def test_it_is_settled_with_what_was_used_beyond_what_was_taken_and_only_once() -> None:
    settled: list[tuple[float, float]] = []
    held = Held(lambda tokens, usd: settled.append((tokens, usd)), [], tokens=100)

    held.settle(Charge(30, 0.5))
    held.settle(Charge(30, 0.5))
    held.release()

    assert settled == [(-70, 0.5)]


def test_what_nobody_knows_stays_taken() -> None:
    settled: list[tuple[float, float]] = []
    held = Held(lambda tokens, usd: settled.append((tokens, usd)), [], tokens=100)

    held.release()

    assert settled == [(0, 0)]
