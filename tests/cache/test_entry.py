"""What is kept of an answer, as bytes."""

import zlib
from dataclasses import replace

import pytest

from router.cache.entry import HEAD_BYTES, Entry, pack, route_of, unpack
from router.cache.seal import AesSeal
from router.chat import Usage
from router.ids import hashed

PLACE = "sf1:answer:{0}"
ENTRY = Entry(
    "auto", "tuned", "tuned-a", b'{"choices": []}', usage=Usage(1, 2, 3, 4), until=5.0, headers={"retry-after": "1"}
)
LARGE = replace(ENTRY, body=b'{"text": "' + b"again and again " * 1000 + b'"}', stream=True)
SEAL = AesSeal("open sesame", lambda size: b"n" * size)


CITING = replace(ENTRY, sources=("kettle.md#1", "17"), request="req_0", path="tuned:ok")


@pytest.mark.parametrize("entry", [ENTRY, LARGE, CITING, replace(ENTRY, usage=None, status=503, code="x")])
@pytest.mark.parametrize("seal", [None, SEAL])
def test_an_entry_is_read_as_it_was_written(entry: Entry, seal: AesSeal | None) -> None:
    assert unpack(pack(entry, PLACE, seal), PLACE, seal) == entry


def test_a_large_answer_is_compressed() -> None:
    assert len(pack(LARGE, PLACE, None)) < len(LARGE.body) / 10


def test_the_route_can_be_told_without_the_key_and_nothing_else() -> None:
    value = pack(ENTRY, PLACE, SEAL)

    assert route_of(value[:HEAD_BYTES]) == hashed("auto")
    assert b"tuned" not in value
    assert route_of(b"x") is None


def test_an_answer_of_the_format_before_is_not_given_and_can_be_cleared() -> None:
    value = b"\x01" + pack(ENTRY, PLACE, None)[1:]

    assert unpack(value, PLACE, None) is None
    assert route_of(value[:HEAD_BYTES]) == hashed("auto")


def test_an_entry_with_sources_says_that_it_is_larger() -> None:
    assert CITING.size > ENTRY.size + 100


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x01",
        b"\x09" + pack(ENTRY, PLACE, None)[1:],
        pack(ENTRY, PLACE, SEAL),
        pack(ENTRY, PLACE, None)[:-30],
        pack(LARGE, PLACE, None)[:-1],
        pack(ENTRY, PLACE, None)[:HEAD_BYTES] + b"[]\n",
        pack(LARGE, PLACE, None)[:HEAD_BYTES] + zlib.compress(bytes(65 * 2**20), 1),
    ],
    ids=["nothing", "a beginning", "another format", "sealed", "cut", "cut off", "other facts", "a bomb"],
)
def test_what_is_not_an_entry_is_none(value: bytes) -> None:
    read = unpack(value, PLACE, None)

    assert read is None or read.body != ENTRY.body


def test_a_sealed_entry_opens_with_its_own_key_at_its_own_place() -> None:
    value = pack(ENTRY, PLACE, SEAL)

    assert unpack(value, PLACE, None) is None
    assert unpack(value, PLACE, AesSeal("another", lambda size: b"n" * size)) is None
    assert unpack(value, "sf1:answer:{1}", SEAL) is None
    assert unpack(value[:-1] + b"x", PLACE, SEAL) is None
    assert unpack(pack(ENTRY, PLACE, None), PLACE, SEAL) is None
