"""What grows is told as a line through what was seen."""

import pytest

from bench.soak import Window, growth, slope


def windows(*memory: float, errors: int = 0) -> list[Window]:
    return [Window(60.0 * n + 30, 1000 * n, errors, 200.0, mb, 1.0) for n, mb in enumerate(memory)]


def test_what_grows_is_told_for_each_minute_and_in_all() -> None:
    grown = growth(windows(40, 60, 61, 62, 63))

    assert grown["memory, MB a minute"] == pytest.approx(1)
    assert grown["memory, MB in all"] == pytest.approx(3)
    assert grown["CPU, µs a request, a minute"] == pytest.approx(0)


def test_the_first_minute_does_not_count() -> None:
    assert growth(windows(1, 60, 60, 60))["memory, MB in all"] == pytest.approx(0)


def test_errors_count_from_the_beginning() -> None:
    assert growth(windows(60, 60, errors=2))["errors"] == 4


def test_a_line_needs_two_points() -> None:
    assert slope([(1, 5)]) == 0
    assert slope([(1, 5), (3, 9)]) == 2
