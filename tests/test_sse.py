"""Server-sent events, split wherever the network pleases."""

import asyncio
import timeit
import tracemalloc
from collections.abc import AsyncIterator
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.sse import COMMENT, DONE, Event, Splitter, TooLong, commented, encode

EVENTS = [
    b'data: {"choices":[{"delta":{"content":"he"}}]}\n\n',
    b": keep-alive\n\n",
    b"event: message\ndata: one\ndata: two\n\n",
    b"data: with \xc3\xa4\xe2\x82\xac and \\n\n\n",
    b"data:no space\n\n",
    b"id: 7\n\n",
    b"\n\n",
    DONE,
]


def all_of(splitter: Splitter, chunks: list[bytes]) -> list[Event]:
    return [event for chunk in chunks for event in splitter.feed(chunk)] + splitter.finish()


@given(
    events=st.lists(st.sampled_from(EVENTS), max_size=12),
    ending=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    cuts=st.lists(st.integers(0, 400)),
)
def test_any_split_gives_the_same_events(events: list[bytes], ending: bytes, cuts: list[int]) -> None:
    text = b"".join(events).replace(b"\n", ending)
    places = sorted({cut for cut in cuts if cut < len(text)})
    chunks = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]

    split = all_of(Splitter(), chunks)

    assert [data for _, data in split if data] == [data for _, data in all_of(Splitter(), [text]) if data]
    if ending == b"\n":
        assert b"".join(raw for raw, _ in split) == text


@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_what_is_forwarded_is_what_came(events: list[bytes]) -> None:
    text = b"".join(events)

    assert b"".join(raw for raw, _ in all_of(Splitter(), [text])) == text


@pytest.mark.parametrize("text", EVENTS[:6])
def test_an_event_is_given_only_once_it_is_complete(text: bytes) -> None:
    splitter = Splitter()

    assert splitter.feed(text[:-1]) == []
    assert [raw for raw, _ in splitter.feed(text[-1:])] == [text]


def test_an_events_lines_of_data_are_joined() -> None:
    assert Splitter().feed(b"event: x\ndata: one\ndata:two\n\n") == [
        (b"event: x\ndata: one\ndata:two\n\n", b"one\ntwo")
    ]


def test_a_comment_has_no_data_but_is_forwarded() -> None:
    assert Splitter().feed(b": hello\n\n") == [(b": hello\n\n", None)]


def test_a_carriage_return_waits_for_its_line_feed() -> None:
    splitter = Splitter()

    assert splitter.feed(b"data: a\r\n\r") == []
    assert splitter.feed(b"\ndata: b\r\n\r\n") == [(b"data: a\r\n\r\n", b"a"), (b"data: b\r\n\r\n", b"b")]


def test_the_last_event_may_lack_its_blank_line() -> None:
    splitter = Splitter()

    assert splitter.feed(b"data: [DONE]\n") == []
    assert splitter.finish() == [(DONE, b"[DONE]")]
    assert splitter.finish() == []


def test_an_event_without_end_is_not_held_for_ever() -> None:
    splitter = Splitter(limit=10)

    with pytest.raises(TooLong, match="longer than 10 bytes"):
        splitter.feed(b"data: 0123456789")


def test_an_event_in_many_small_pieces_is_not_copied_for_each_of_them() -> None:
    splitter, piece, pieces = Splitter(), b"x" * 1000, 2000
    tracemalloc.start()
    try:
        for _ in range(pieces):
            assert splitter.feed(piece) == []
        assert tracemalloc.get_traced_memory()[1] < 100_000, "it keeps the pieces and makes no copy of them"
        assert splitter.feed(b"\n\n")[0][0] == piece * pieces + b"\n\n"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("line", [b"data: x\n", b"data: x\r", b"data: x\r\n", b": still here\n"])
def test_an_event_of_many_lines_is_not_looked_through_for_each_of_them(line: bytes) -> None:
    def seconds(lines: int) -> float:
        def feed() -> None:
            splitter = Splitter()
            assert [event for _ in range(lines) for event in splitter.feed(line)] == []

        return min(timeit.repeat(feed, timer=thread_time, number=1, repeat=3))

    assert seconds(20_000) < 40 * seconds(2_000)  # a hundred times as long, if it were squared


def test_many_pieces_are_too_long_too() -> None:
    splitter = Splitter(limit=10)
    splitter.feed(b"data: 01")

    with pytest.raises(TooLong, match="longer than 10 bytes"):
        splitter.feed(b"234")


def test_a_carriage_return_at_the_end_of_a_piece_is_not_forgotten() -> None:
    splitter = Splitter()

    assert splitter.feed(b"data: a\r\r") == []
    assert splitter.feed(b"data: b") == [(b"data: a\r\r", b"a")]


def test_data_becomes_an_event() -> None:
    assert Splitter().feed(encode(b"{}")) == [(b"data: {}\n\n", b"{}")]


async def parts(*gates: asyncio.Event) -> AsyncIterator[bytes]:
    for number, gate in enumerate(gates):
        await gate.wait()
        yield b"%d" % number


async def test_silence_is_filled_with_comments_and_events_come_as_they_are() -> None:
    now, later = asyncio.Event(), asyncio.Event()
    now.set()
    heard = []
    async for part in commented(parts(now, later, now), 0.01):
        heard.append(part)
        if heard.count(COMMENT) == 2:
            later.set()
    assert heard[0] == b"0"
    assert heard[1:3] == [COMMENT, COMMENT]
    assert heard[-2:] == [b"1", b"2"]


async def test_whoever_stops_listening_stops_the_waiting() -> None:
    events = commented(parts(asyncio.Event()), 0.01)
    assert await anext(events) == COMMENT
    await events.aclose()
    assert [part async for part in events] == []
