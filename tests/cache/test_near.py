"""The answers each process keeps itself."""

import gc
from dataclasses import replace

from router.cache.entry import Entry
from router.cache.near import Near
from router.chat import Usage


def entry(size: int = 100, route: str = "auto") -> Entry:
    return Entry(route, "tuned", "tuned-a", b"x" * size)


def test_an_entry_is_there_until_it_ends() -> None:
    near = Near(10_000)
    near.put("a", entry(), until=10.0)

    assert near.get("a", 9.9) == entry()
    assert near.get("a", 10.0) is None
    assert (len(near), near.size) == (0, 0)


def test_what_is_kept_comes_back_as_it_was() -> None:
    near = Near(10_000)
    told = replace(entry(), usage=Usage(5, 6, 1, 2), status=400, headers={"retry-after": "1"}, sources=("a", "b"))
    near.put("a", told, until=10.0)
    assert near.get("a", 0.0) == told


def test_the_collector_looks_twice_at_what_is_kept_and_never_again() -> None:
    near = Near(10_000)
    near.put("a", replace(entry(), usage=Usage(5, 6), sources=("a", "b")), until=10.0)
    gc.collect()
    gc.collect()
    assert not [each for each in gc.get_referents(near._entries) if gc.is_tracked(each)]


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    near = Near(3_000)
    for name in "abc":
        near.put(name, entry(), until=10.0)
    near.get("a", 0.0)
    near.put("d", entry(), until=10.0)

    assert [name for name in "abcd" if near.get(name, 0.0)] == ["a", "c", "d"]
    assert near.size == 3_000


def test_an_entry_that_is_more_than_may_be_kept_takes_nobodys_place() -> None:
    near = Near(3_000)
    near.put("a", entry(), until=10.0)
    near.put("a", entry(), until=10.0)
    near.put("b", entry(4_000), until=10.0)

    assert (near.get("b", 0.0), len(near), near.size) == (None, 1, 1_000)


def test_one_routes_entries_can_be_cleared_or_all() -> None:
    near = Near(10_000)
    near.put("a", entry(), until=10.0)
    near.put("b", entry(route="triage"), until=10.0)

    assert near.clear("triage") == 1
    assert near.get("a", 0.0) is not None
    assert near.clear() == 1
    assert near.size == 0


def test_less_memory_keeps_less() -> None:
    near = Near(10_000)
    near.put("a", entry(), until=10.0)
    near.put("b", entry(), until=10.0)
    near.resize(1_500)

    assert len(near) == 1
