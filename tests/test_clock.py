"""Time and chance."""

from router.clock import SYSTEM


def test_now_never_goes_back() -> None:
    moments = [SYSTEM.now() for _ in range(100)]

    assert moments == sorted(moments)


def test_wall_time_is_seconds_since_1970() -> None:
    assert SYSTEM.wall() > 1_700_000_000


def test_a_draw_is_a_share() -> None:
    assert all(0 <= SYSTEM.draw() < 1 for _ in range(100))


def test_tokens_are_as_long_as_asked_and_not_alike() -> None:
    one, other = SYSTEM.token(16), SYSTEM.token(16)

    assert len(one) == len(other) == 16
    assert one != other
