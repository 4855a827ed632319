"""The circuit breaker, told as what happened to it."""

from hypothesis import given
from hypothesis import strategies as st

from router.health import CLOSED, Breaker


def after(*moments: float) -> Breaker:
    breaker = CLOSED
    for now in moments:
        breaker = breaker.sent().after_failure(now, failures=3, open_for=10.0)
    return breaker


def test_it_stays_closed_below_the_number_of_failures() -> None:
    assert after(1, 2).allows(2)


def test_it_opens_at_the_number_of_failures_in_a_row() -> None:
    opened = after(1, 2, 3)

    assert not opened.allows(3)
    assert not opened.allows(12.9)
    assert opened.allows(13)


def test_a_success_in_between_starts_the_count_again() -> None:
    assert after(1, 2).succeeded() == CLOSED


def test_one_probe_at_a_time_goes_out_when_it_is_half_open() -> None:
    probing = after(1, 2, 3).sent()

    assert not probing.allows(20)


def test_a_probe_that_succeeds_closes_it() -> None:
    assert after(1, 2, 3).sent().succeeded() == CLOSED


def test_a_probe_that_fails_opens_it_again_from_then_on() -> None:
    again = after(1, 2, 3).sent().after_failure(20, failures=3, open_for=10.0)

    assert not again.allows(29)
    assert again.allows(30)


def test_a_probe_whose_client_left_lets_the_next_one_go() -> None:
    assert after(1, 2, 3).sent().abandoned().allows(20)
    assert CLOSED.abandoned() is CLOSED


@given(st.lists(st.sampled_from(["sent", "succeeded", "failed", "abandoned"]), max_size=30))
def test_after_any_story_time_lets_somebody_try_again(story: list[str]) -> None:
    breaker = CLOSED
    for now, event in enumerate(story):
        if event == "failed":
            breaker = breaker.after_failure(now, failures=3, open_for=10.0)
        else:
            breaker = getattr(breaker, event)()

    assert breaker.abandoned().allows(len(story) + 10.0)
