"""What was told of a route's thresholds, and what was not yet."""

import pytest

from router.loop.news import News, Told
from router.thresholds import Board, Change


def change(after: float, at: float, cause: str = "set") -> Change:
    return Change(at, "tuned", 0.3, after, cause)


def test_each_change_is_told_once_whoever_leads() -> None:
    board = Board().changed("a", change(0.4, 10.0))
    told, news = Told.first(board).look(board, "a")
    assert news == News()  # it happened before anybody listened
    board = board.changed("a", change(0.5, 20.0)).changed("a", change(0.6, 30.0))
    told, news = Told.read(told.content()).look(board, "a")
    assert [each.after for each in news.changes] == [0.5, 0.6]
    assert told.look(board, "a")[1] == News()


def test_a_clock_that_is_late_hides_no_change() -> None:
    board = Board().changed("a", change(0.4, 100.0))
    told = Told.first(board)
    board = board.changed("a", change(0.5, 60.0))
    assert [each.after for each in told.look(board, "a")[1].changes] == [0.5]


def test_when_what_was_told_is_forgotten_time_says_what_is_new() -> None:
    told = Told(last={"a": (50.0, 0.9)})
    board = Board().changed("a", change(0.4, 40.0)).changed("a", change(0.5, 60.0))
    assert [each.after for each in told.look(board, "a")[1].changes] == [0.5]


def test_freezing_and_letting_go_on_are_news() -> None:
    told = Told.first(Board())
    frozen = Board().freeze(frozen=True)
    told, news = told.look(frozen, "a")
    assert news.frozen is True
    assert told.look(frozen, "a")[1].frozen is None
    assert told.look(frozen.freeze(frozen=False), "a")[1].frozen is False


def test_another_state_of_the_route_is_told_once_with_what_it_drops() -> None:
    board = Board().changed("a", change(0.4, 10.0))
    told = Told.first(board)
    told, news = told.look(board, "b")
    assert news.dropped is not None
    assert [(each.tier, each.after) for each in news.dropped] == [("tuned", 0.4)]
    assert told.look(board, "b")[1] == News()
    assert told.look(board, "a")[1] == News()  # back to the old policy: nothing is new, and nothing was dropped


def test_the_first_change_of_a_state_is_told_even_if_nobody_saw_it_begin() -> None:
    told = Told.first(Board())
    board = Board().changed("a", change(0.4, 10.0))
    assert [each.after for each in told.look(board, "a")[1].changes] == [0.4]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"frozen":false,"last":[]}', b'{"frozen":1,"last":{"a":[1]}}'])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not what was told"):
        Told.read(content)
