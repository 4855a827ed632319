"""A stream for as many readers as there are."""

import asyncio

from router.flights.tape import Tape
from tests.waiting import all_blocked


async def read(tape: Tape) -> list[bytes]:
    return [part async for part in tape.reader().parts()]


async def test_each_reader_begins_at_the_beginning_and_follows() -> None:
    tape = Tape()
    await tape.add(b"a")
    await tape.add(b"b")
    early = asyncio.create_task(read(tape))
    await all_blocked()
    await tape.add(b"c")
    await all_blocked()
    late = asyncio.create_task(read(tape))
    await all_blocked()
    await tape.add(b"d")
    tape.end()

    assert await early == [b"ab", b"c", b"d"]
    assert await late == [b"abc", b"d"]
    assert (bytes(tape), tape.size) == (b"abcd", 4)
    assert await read(tape) == [b"abcd"]


async def test_a_reader_who_leaves_takes_nothing_from_the_others() -> None:
    tape = Tape()
    leaving, staying = (asyncio.create_task(read(tape)) for _ in range(2))
    await all_blocked()
    leaving.cancel()
    await tape.add(b"a")
    tape.end()

    assert await staying == [b"a"]


async def test_a_stream_waits_for_its_fastest_reader() -> None:
    tape = Tape()
    adding = asyncio.create_task(tape.add(b"x" * 2**21))
    await all_blocked()
    assert not adding.done()

    reader = tape.reader().parts()
    await anext(reader)
    following = asyncio.ensure_future(anext(reader))
    await adding
    tape.end()

    await asyncio.wait([following])
    assert isinstance(following.exception(), StopAsyncIteration)


async def test_what_is_remembered_is_all_there() -> None:
    assert await read(Tape(b"a", b"b", ended=True)) == [b"ab"]


async def test_what_every_reader_has_taken_can_be_forgotten() -> None:
    tape = Tape()
    await tape.add(b"a")
    ahead, behind = tape.reader(), tape.reader()
    first, second = ahead.parts(), behind.parts()
    assert await anext(first) == b"a"
    await tape.add(b"b")
    tape.forget(2)
    assert await anext(second) == b"ab"
    tape.forget(3)
    assert bytes(tape) == b"ab"  # somebody who may read has not come yet
    tape.forget(2)
    assert bytes(tape) == b"b"
    behind.close()
    assert await anext(first) == b"b"
    tape.forget(1)
    await tape.add(b"c")
    tape.end()

    assert (bytes(tape), tape.size) == (b"c", 3)
    assert [part async for part in first] == [b"c"]


async def test_nothing_is_forgotten_while_nobody_reads() -> None:
    tape = Tape(b"a")
    tape.forget(0)
    assert bytes(tape) == b"a"
