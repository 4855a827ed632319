"""A command that fails tells whoever waits for it, and nobody else."""

import asyncio

import pytest

from router.store import StoreDown
from router.store.call import Call, pack


def test_a_command_is_written_as_redis_reads_it() -> None:
    assert pack(("SET", "key", b"\0")) == b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1\r\n\0\r\n"


async def test_whoever_waits_for_a_command_is_told_that_it_failed() -> None:
    call = Call(pack(("PING",)), asyncio.get_running_loop().create_future())
    call.at = 1.0
    call.fail("gone")
    assert call.future is not None
    with pytest.raises(StoreDown, match="gone"):
        await call.future
    assert call.at == 0.0  # nobody minds any more how long it takes


async def test_who_has_left_or_never_waited_is_told_nothing() -> None:
    left = Call(pack(("PING",)), asyncio.get_running_loop().create_future())
    assert left.future is not None
    left.future.cancel()
    for call in (left, Call(pack(("PING",)), None)):
        call.fail("gone")
    assert left.future.cancelled()
