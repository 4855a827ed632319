"""Tasks that are told apart, and what each tier is worth at them."""

import numpy as np

from router.difficulty.tasks import Tasks

# Sums are where the first feature is high, law where it is low; the small tier is good at sums only.
TASKS = Tasks(
    weights=np.array([[9.0, -9.0], [0.0, 0.0]], np.float32),
    offsets=np.zeros(2, np.float32),
    rates=np.array([[0.9, 1.0], [0.2, 0.8]], np.float32),
)


def test_a_request_is_worth_what_its_task_is_worth() -> None:
    assert np.allclose(TASKS.vote(np.array([1, 5], np.float32)), [0.9, 1.0], atol=1e-3)
    assert np.allclose(TASKS.vote(np.array([-1, 5], np.float32)), [0.2, 0.8], atol=1e-3)


def test_between_two_tasks_lies_what_it_is_worth() -> None:
    assert np.allclose(TASKS.vote(np.array([0, 5], np.float32)), [0.55, 0.9])


def test_odds_beyond_any_number_are_harmless() -> None:
    assert np.isfinite(TASKS.vote(np.array([1e6, 0], np.float32))).all()
