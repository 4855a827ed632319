"""Time and chance."""

import os

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


def test_tokens_are_all_different_whatever_their_sizes() -> None:
    tokens = [SYSTEM.token(size) for size in (8, 5000, 24, 4096, 4097) for _ in range(1000 if size < 100 else 3)]

    assert len({token[:8] for token in tokens}) == len(tokens)


def test_a_process_that_is_forked_has_random_bytes_of_its_own() -> None:
    SYSTEM.token(6)  # now some are at hand
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, SYSTEM.token(32))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as theirs:
        assert theirs.read() != SYSTEM.token(32)
    os.waitpid(child, 0)
