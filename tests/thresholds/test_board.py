"""What happens to one route's thresholds."""

import pytest

from router.thresholds import Board, BoardError, Change

WINDOW = 900.0


def change(after: float = 0.35, before: float = 0.3, at: float = 1_000.0, cause: str = "cheaper") -> Change:
    return Change(at, "tuned", before, after, cause, "because", {"labels": 400.0})


def test_a_move_is_in_force_for_its_state_alone() -> None:
    board = Board().moved("a", change(), WINDOW)
    assert board.held("a").thresholds == {"tuned": 0.35}
    assert board.held("b").thresholds == {}


def test_only_one_move_in_a_window_whoever_makes_it() -> None:
    board = Board().moved("a", change(), WINDOW)
    assert board.moved("a", change(0.4, 0.35, at=1_500.0), WINDOW) is board
    later = board.moved("a", change(0.4, 0.35, at=1_900.0), WINDOW)
    assert later.held("a").thresholds == {"tuned": 0.4}


def test_a_move_from_where_the_threshold_is_not_any_more_is_none() -> None:
    board = Board().changed("a", change(0.5, 0.3, cause="set"))
    assert board.moved("a", change(0.35, 0.3), WINDOW) is board


def test_frozen_means_frozen_in_every_state() -> None:
    board = Board().freeze(frozen=True)
    assert board.moved("a", change(), WINDOW) is board
    assert board.moved("b", change(), WINDOW) is board
    assert board.freeze(frozen=True) is board
    assert board.freeze(frozen=False).moved("a", change(), WINDOW).held("a").thresholds


def test_each_rollback_takes_one_more_change_back_and_freezes() -> None:
    board = Board().moved("a", change(), WINDOW).moved("a", change(0.4, 0.35, at=9_000.0), WINDOW)
    once = board.rolled_back("a", 10_000.0)
    assert (once.held("a").thresholds, once.frozen) == ({"tuned": 0.35}, True)
    twice = once.rolled_back("a", 10_001.0)
    assert twice.held("a").thresholds == {"tuned": 0.3}
    assert [each.cause for each in twice.held("a").history] == ["cheaper", "cheaper", "rollback", "rollback"]
    with pytest.raises(BoardError, match="no change to take back"):
        twice.rolled_back("a", 10_002.0)


def test_a_rollback_says_which_way_it_goes_and_what_it_undoes() -> None:
    moved = Change(1_000.0, "tuned", 0.3, 0.35, "cheaper", "0.3000 → 0.3500 (cheaper): proven by 400 answers; 3 % save")
    back = Board().moved("a", moved, WINDOW).rolled_back("a", 2_000.0).held("a").history[-1]
    assert (back.before, back.after) == (0.35, 0.3)
    told = "takes back what was moved for cheaper (proven by 400 answers; 3 % save)"
    assert back.words == f"0.3500 → 0.3000 (rollback): {told}"
    put = Board().changed("a", Change(1_000.0, "tuned", 0.3, 0.2, "set")).rolled_back("a", 2_000.0)
    assert put.held("a").history[-1].words == "0.2000 → 0.3000 (rollback): takes back what was set"


def test_what_belongs_to_another_state_is_dropped_until_something_changes_in_this_one() -> None:
    board = Board().changed("a", change(0.4, cause="set"))
    assert board.dropped("a") == ()
    assert [each.after for each in board.dropped("b")] == [0.4]
    assert board.changed("b", change(0.5, cause="set")).dropped("b") == ()
    assert Board().dropped("b") == ()


def test_old_states_and_old_changes_are_forgotten() -> None:
    board = Board()
    for number in range(50):
        board = board.changed("a", change(at=number))
    for state in "bcd":
        board = board.changed(state, change())
    assert set(board.states) == {"b", "c", "d"}
    assert len(Board().changed("a", change()).held("a").history) == 1


def test_it_is_kept_and_read_as_it_was() -> None:
    board = Board().moved("a", change(), WINDOW).freeze(frozen=True)
    assert Board.read(board.content()) == board
    assert Board.read(None) == Board()


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"format":1,"frozen":false,"states":[]}'])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(BoardError, match="cannot be read"):
        Board.read(content)


def test_another_release_s_is_refused_with_its_format() -> None:
    with pytest.raises(BoardError, match="its format is 7"):
        Board.read(b'{"format":7}')
