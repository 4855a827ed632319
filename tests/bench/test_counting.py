"""Counting is exact: what is counted here can be counted by hand."""

from bench.counting import counted


def twice(number: int) -> int:
    return len([number]) + number


def test_calls_of_python_and_into_c_are_told_apart() -> None:
    with counted() as nothing:
        pass
    with counted() as something:
        twice(1)
        twice(2)

    assert something.calls - nothing.calls == 2
    assert something.c_calls - nothing.c_calls == 2


def test_the_same_work_is_the_same_number_of_instructions_every_time() -> None:
    counts = []
    for _ in range(5):
        with counted(instructions=True) as count:
            twice(7)
        counts.append(count.instructions)

    assert len(set(counts)) == 1
    assert counts[0] > 0


def test_twice_the_work_is_twice_the_instructions() -> None:
    found = []
    for times in (0, 10, 20):
        with counted(instructions=True) as count:
            list(map(twice, range(times)))
        found.append(count.instructions)
    nothing, ten, twenty = found

    assert twenty - nothing == 2 * (ten - nothing) > 0
