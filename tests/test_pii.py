"""Personal data are claimed only when they check out."""

import timeit
from collections.abc import Callable
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import pii


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+news@mail.example.org please", {"email"}),
        ("the @ sign and user@localhost are no addresses", set()),
        ("card 4111 1111 1111 1111", {"card"}),
        ("card 4111-1111-1111-1111, cvv 123", {"card"}),
        ("378282246310005", {"card"}),
        ("4111 1111 1111 1111 12/27", {"card"}),
        ("4111 1111 1111 1112", set()),
        ("order 1234 5678 9012 3452", set()),
        ("pi is 3.14159265358979323846264338327950288", set()),
        ("DE89 3704 0044 0532 0130 00 is my account", {"iban"}),
        ("gb82west12345698765432", {"iban"}),
        ("DE88 3704 0044 0532 0130 00", set()),
        ("XX89370400440532013000", set()),
        ("pay NL91ABNA0417164300 and mail a@b.io", {"iban", "email"}),
        ("٤١١١ ١١١١ ١١١١ ١١١١", {"card"}),
        ("", set()),
    ],
)
def test_what_is_found(text: str, expected: set[str]) -> None:
    assert pii.kinds([text]) == expected


def test_every_text_is_looked_at() -> None:
    assert pii.kinds(["nothing here", "4111111111111111", "a@b.io"]) == {"card", "email"}


def test_what_is_too_long_to_read_counts_as_everything() -> None:
    assert pii.kinds(["x" * pii.LIMIT, "y"]) == pii.KINDS
    assert pii.kinds(["x" * pii.LIMIT]) == set()


def test_a_card_split_by_line_ends_of_a_number_column_is_not_made_up() -> None:
    assert pii.kinds(["4111\n1111\n1111\n1111"]) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+news@mail.example.org please", "write to [email] please"),
        ("a@b.io,c@d.io", "[email],[email]"),
        ("card 4111 1111 1111 1111 12/27!", "card [card]/27!"),
        ("pay NL91ABNA0417164300 now", "pay [iban] now"),
        ("DE89 3704 0044 0532 0130 00 is my account", "[iban] is my account"),
        ("order 1234 5678 9012 3452 of user@localhost", "order 1234 5678 9012 3452 of user@localhost"),
        ("", ""),
    ],
)
def test_what_is_found_can_be_replaced(text: str, expected: str) -> None:
    assert pii.redacted(text) == expected
    assert pii.kinds([pii.redacted(text)]) == set()


@pytest.mark.parametrize("row", ["1 ", "4 ", "2-", "4111 1111 1111 111 ", "DE12 ", "a@", "a@a.", "x@a-"])
@pytest.mark.parametrize("search", [lambda text: pii.kinds([text]), pii.redacted])
def test_a_text_made_to_take_long_takes_no_longer_than_it_is_long(search: Callable[[str], object], row: str) -> None:
    def seconds(size: int) -> float:
        text = row * (size // len(row))
        return min(timeit.repeat(lambda: search(text), timer=thread_time, number=1, repeat=3))

    assert seconds(60_000) < 40 * seconds(6_000)  # a hundred times as long, if it were squared


GROUPED = st.lists(st.text("0123456789٤", min_size=1, max_size=20), min_size=1, max_size=8)


@given(GROUPED | GROUPED.map(lambda groups: ["4111", "1111", "1111", "1111", *groups]), st.sampled_from([" ", "-"]))
def test_a_card_is_whole_groups_of_digits_and_never_a_part_of_one(groups: list[str], between: str) -> None:
    joined = ("".join(groups[i:j]) for i in range(len(groups)) for j in range(i + 1, len(groups) + 1))
    alone = any(pii.kinds([number]) == {"card"} for number in joined)

    assert ("card" in pii.kinds([between.join(groups)])) == alone


def test_what_is_too_long_to_be_searched_is_replaced_whole() -> None:
    assert pii.redacted("x" * (pii.LIMIT + 1)) == "[too long to be searched]"
