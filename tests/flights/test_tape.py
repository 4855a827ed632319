"""A stream for as many readers as there are."""

import asyncio

import anyio

from router.flights.tape import Tape


async def read(tape: Tape) -> list[bytes]:
    return [part async for part in tape.read()]


async def test_each_reader_begins_at_the_beginning_and_follows() -> None:
    tape = Tape()
    await tape.add(b"a")
    await tape.add(b"b")
    early = asyncio.create_task(read(tape))
    await anyio.wait_all_tasks_blocked()
    await tape.add(b"c")
    await anyio.wait_all_tasks_blocked()
    late = asyncio.create_task(read(tape))
    await anyio.wait_all_tasks_blocked()
    await tape.add(b"d")
    tape.end()

    assert await early == [b"ab", b"c", b"d"]
    assert await late == [b"abc", b"d"]
    assert (bytes(tape), tape.size) == (b"abcd", 4)
    assert await read(tape) == [b"abcd"]


async def test_a_reader_who_leaves_takes_nothing_from_the_others() -> None:
    tape = Tape()
    leaving, staying = (asyncio.create_task(read(tape)) for _ in range(2))
    await anyio.wait_all_tasks_blocked()
    leaving.cancel()
    await tape.add(b"a")
    tape.end()

    assert await staying == [b"a"]


async def test_a_stream_waits_for_its_fastest_reader() -> None:
    tape = Tape()
    adding = asyncio.create_task(tape.add(b"x" * 2**21))
    await anyio.wait_all_tasks_blocked()
    assert not adding.done()

    reader = tape.read()
    await anext(reader)
    following = asyncio.ensure_future(anext(reader))
    await adding
    tape.end()

    await asyncio.wait([following])
    assert isinstance(following.exception(), StopAsyncIteration)


async def test_what_is_remembered_is_all_there() -> None:
    assert await read(Tape(b"a", b"b", ended=True)) == [b"ab"]
