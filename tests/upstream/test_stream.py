"""A streamed answer: when it is committed, what is forwarded, and how it may break off."""

import asyncio
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.clock import SYSTEM
from router.plan import ALL
from router.sse import DONE
from router.upstream.client import TransportError
from router.upstream.failure import Failure
from router.upstream.stream import Stream
from tests.upstream.pieces import SILENCE, Arriving, chunk, words

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'
STOP = chunk(finish="stop")
RESET = TransportError("reset", "gone")


def stream(*pieces: object, show_usage: bool = False, total: float = 60.0, idle: float = 60.0) -> Stream:
    until = SYSTEM.now() + total
    return Stream(Arriving(pieces), show_usage=show_usage, patience=(idle, idle), now=SYSTEM.now, until=until)


async def forwarded(one: Stream) -> bytes:
    return b"".join([part async for part in one.forward()])


async def heard_until(one: Stream) -> tuple[bytes, str]:
    """What was forwarded before it broke off, and why it did."""
    heard = b""
    try:
        async for part in one.forward():
            heard += part
    except Failure as failure:
        return heard, failure.reason
    return heard, "it did not"


async def test_it_is_forwarded_byte_for_byte() -> None:
    one = stream(b": hello\n\n", ROLE, chunk("a", odd=1), STOP, DONE)
    await one.hold(0)
    assert await forwarded(one) == b": hello\n\n" + ROLE + chunk("a", odd=1) + STOP + DONE
    assert one.answer.completion().choices[0].content == "a"


async def test_a_done_that_is_missing_is_added() -> None:
    one = stream(chunk("a"), STOP)
    await one.hold(0)
    assert await forwarded(one) == chunk("a") + STOP + DONE


async def test_what_comes_after_done_is_not_forwarded() -> None:
    one = stream(chunk("a") + STOP + DONE + chunk("b"), chunk("c"))
    await one.hold(0)
    assert await forwarded(one) == chunk("a") + STOP + DONE


async def test_the_role_alone_commits_nothing() -> None:
    arriving = Arriving([ROLE, RESET])
    one = Stream(arriving, show_usage=False, patience=(60.0, 60.0), now=SYSTEM.now, until=SYSTEM.now() + 60)
    with pytest.raises(Failure) as caught:
        await one.hold(0)
    await one.aclose()
    assert (caught.value.reason, arriving.closed) == ("reset", 1)


@pytest.mark.parametrize(("held", "reads"), [(0, 1), (1, 2), (2, 3), (3, 4), (ALL, 5)])
async def test_so_many_chunks_and_one_more_are_held_back(held: int, reads: int) -> None:
    one = stream(chunk("a"), chunk("b"), chunk("c"), STOP, SILENCE if held != ALL else DONE)
    await one.hold(held)
    seen = one.answer.completion().choices[0]
    assert seen.content == "abc"[:reads]
    assert seen.finish_reason == ("stop" if reads >= 4 else None)


async def test_an_answer_that_ends_in_the_hold_without_a_finish_reason_is_a_failure() -> None:
    with pytest.raises(Failure) as caught:
        await stream(chunk("a"), DONE).hold(ALL)
    assert (caught.value.reason, caught.value.status) == ("unfinished", 200)


async def test_an_answer_too_long_to_hold_for_so_many_chunks_is_committed_as_it_is() -> None:
    long = chunk("x" * 2**20)
    one = stream(*[long] * 20, STOP, DONE)
    await one.hold(100)
    assert one.broken is None
    assert not one.answer.finished
    assert len(words(await forwarded(one))) == 20 * 2**20


async def test_an_answer_too_long_to_be_judged_whole_is_not_good_enough() -> None:
    long = chunk("x" * 2**20)
    one = stream(*[long] * 20, STOP, DONE)
    await one.hold(ALL)
    assert one.broken == "overlong"
    assert not one.answer.finished


async def test_whoever_listens_to_what_is_held_back_may_end_the_holding() -> None:
    heard: list[str] = []

    def listen(part: Mapping[str, Any]) -> str | None:
        heard.append(part["choices"][0]["delta"].get("content", ""))
        return "no more" if heard[-1] == "b" else None

    one = stream(chunk("a"), chunk("b") + chunk("c"), SILENCE)
    await one.hold(ALL, listen)
    assert (one.broken, heard) == ("no more", ["a", "b"])


async def test_nobody_listens_after_the_commit() -> None:
    heard: list[object] = []
    one = stream(chunk("a"), chunk("b"), chunk("c"), STOP, DONE)
    await one.hold(1, heard.append)
    assert words(await forwarded(one)) == "abc"
    assert len(heard) == 2


async def test_log_probabilities_are_hidden_and_known() -> None:
    logprobs = {"content": [{"token": "a", "logprob": -0.5}]}
    event = {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": logprobs, "finish_reason": "stop"}]}
    streamed = Arriving([b"data: " + orjson.dumps(event) + b"\n\n", DONE])
    one = Stream(
        streamed,
        show_usage=True,
        show_logprobs=False,
        patience=(60.0, 60.0),
        now=SYSTEM.now,
        until=SYSTEM.now() + 60,
    )
    await one.hold(0)
    assert b'"logprobs":null' in await forwarded(one)
    assert one.answer.completion().choices[0].logprobs == (-0.5,)


async def test_usage_is_hidden_and_known() -> None:
    one = stream(chunk("a", usage=None), STOP, USAGE, DONE)
    await one.hold(0)
    assert b"usage" not in await forwarded(one)
    assert one.answer.usage is not None
    assert (one.answer.usage.input, one.answer.usage.output) == (3, 4)


async def test_usage_is_shown() -> None:
    one = stream(chunk("a", usage=None), STOP, USAGE, DONE, show_usage=True)
    await one.hold(0)
    assert await forwarded(one) == chunk("a", usage=None) + STOP + USAGE + DONE


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ([chunk("a") + chunk("b"), RESET], "reset"),
        ([chunk("a"), chunk("b"), RESET], "reset"),
        ([chunk("a"), chunk("b") + b"data: {oops\n\n"], "malformed"),
        ([chunk("a"), chunk("b") + b"data: 7\n\n"], "malformed"),
        ([chunk("a"), chunk("b") + b'data: {"choices": [7]}\n\n'], "malformed"),
        ([chunk("a"), chunk("b") + b'data: {"usage": null, "x": ' + b"[" * 300 + b"]" * 300 + b"}\n\n"], "malformed"),
        ([chunk("a"), chunk("b") + b'data: {"error": {"message": "oops"}}\n\n' + chunk("c")], "error_event"),
        ([chunk("a"), chunk("b"), DONE], "unfinished"),
        ([chunk("a"), chunk("b")], "unfinished"),
        ([chunk("a"), chunk("b"), b"data: half"], "malformed"),
    ],
)
async def test_the_words_before_a_fault_are_forwarded_and_none_after_it(pieces: list[object], why: str) -> None:
    one = stream(*pieces)
    await one.hold(0)
    heard, reason = await heard_until(one)
    assert (words(heard), reason) == ("ab", why)
    assert DONE not in heard


async def test_silence_is_a_timeout() -> None:
    one = stream(chunk("a"), SILENCE, idle=0.02)
    await one.hold(0)
    assert (await heard_until(one))[1] == "timeout"


async def test_the_end_of_its_time_is_a_timeout_however_busy_it_is() -> None:
    one = stream(chunk("a"), SILENCE, total=0.02)
    await one.hold(0)
    assert (await heard_until(one))[1] == "timeout"


async def test_an_upstream_that_does_not_hang_up_after_done_is_not_waited_for() -> None:
    one = stream(chunk("a"), STOP, DONE, SILENCE)
    await one.hold(0)
    assert await forwarded(one) == chunk("a") + STOP + DONE


async def test_what_is_complete_is_read_to_its_end_when_it_is_let_go_so_that_its_connection_serves_again() -> None:
    pieces = Arriving([chunk("a"), STOP, DONE, b"\n"])
    one = Stream(pieces, show_usage=False, patience=(60.0, 60.0), now=SYSTEM.now, until=SYSTEM.now() + 9)
    assert await forwarded(one) == chunk("a") + STOP + DONE
    assert (pieces.left, pieces.closed) == (1, 0)
    await one.aclose()
    assert (pieces.left, pieces.closed) == (0, 1)


async def test_an_event_without_end_is_malformed() -> None:
    with pytest.raises(Failure) as caught:
        await stream(*[b"x" * 2**20] * 20).hold(0)
    assert caught.value.reason == "malformed"


@given(st.lists(st.integers(1, 400), max_size=8))
def test_the_network_may_cut_where_it_likes(cuts: list[int]) -> None:
    whole = ROLE + chunk("größer") + chunk(" over 7 €", usage=None) + STOP + USAGE + DONE
    edges = [0, *sorted(cut for cut in set(cuts) if cut < len(whole)), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]

    async def read() -> bytes:
        one = stream(*pieces)
        await one.hold(0)
        return await forwarded(one)

    assert asyncio.run(read()) == ROLE + chunk("größer") + chunk(" over 7 €") + STOP + DONE
