"""Keys: what they look like, and that their kinds are what docs/redis.md tells."""

from pathlib import Path

import pytest

from router.store import CHANNELS, KINDS, Flight, key
from router.store.keys import kind_of

PAGE = (Path(__file__).parents[2] / "docs/redis.md").read_text("utf-8")


def test_a_key_names_its_kind_and_hashes_the_rest() -> None:
    made = key("pin", "ann", "auto")

    assert made == "sf1:pin:{" + made[9:-1] + "}"
    assert len(made[9:-1]) == 32
    assert kind_of(made) is KINDS["pin"]


def test_equal_parts_share_a_hash_whatever_the_kind() -> None:
    asked = Flight.of("ann", b"body")

    assert {one.partition("{")[2] for one in asked} == {key("answer", "ann", "body").partition("{")[2]}
    assert asked.answer == key("answer", "ann", "body")


def test_parts_never_run_into_each_other() -> None:
    assert len({key("pin", "ab", "c"), key("pin", "a", "bc"), key("pin", "abc"), key("pin", "abc", "")}) == 4


def test_there_is_no_key_of_a_kind_that_nobody_told_of() -> None:
    with pytest.raises(KeyError):
        key("guess", "ann")


def test_every_kind_is_told_as_it_is() -> None:
    told = [line for line in PAGE.splitlines() if line.startswith("| `sf1:")]

    assert told == [
        f"| `sf1:{one.name}:{{…}}` | {one.type} | {one.holds} | {one.size} | {one.ttl or 'none: it was learned'} |"
        for one in KINDS.values()
    ]


def test_every_channel_is_told() -> None:
    told = [line for line in PAGE.splitlines() if line.startswith("| channel `")]

    assert told[:-1] == [f"| channel `sf1:{name}` | {says} |" for name, says in CHANNELS.items()]
    assert told[-1].startswith("| channel `sf1:flight:{…}` |")
