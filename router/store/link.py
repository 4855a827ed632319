"""One connection to one Redis: the commands of a loop's tick go in one write, and nobody waits for longer than 50 ms.

A write costs both sides more than the commands in it do, most of all where it wakes somebody. What nobody waits for
lets a tick pass, in which whoever waits for us is answered; what is in no hurry either goes with the next command that
is, or after a millisecond.

What is slow or gone closes the link: from the first call that was not answered in time, every other fails at once and
costs nothing, while the link asks in the background whether the server is there again.
"""

import asyncio
import itertools
import re
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import hiredis
from typing_extensions import override

from router.store import scripts
from router.store.call import Call, pack
from router.store.protocol import StoreDown

__all__ = ["DEADLINE", "Link", "Redirected", "Wire"]

DEADLINE = 0.05
"""Seconds that a request may wait for an answer."""
_MOMENT = 0.001
"""Seconds that a command may lie here which is in no hurry."""
_AGAIN = 0.1
"""Share of the deadline for a second look: an answer that came while we were busy ourselves is not late."""
_CONNECT = 1.0
_BACKOFF = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
_UNANSWERED = 3
"""Probes without an answer after which the connection itself is given up."""
_ELSEWHERE = 5.0
"""Seconds between two looks whether the master is elsewhere by now."""
_MOST_UNSENT = 16 * 2**20
"""Bytes that may wait for a server that reads slowly; what nobody waits for is dropped then."""
_MOMENTS = frozenset({"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"})
"""What a server says that will be able to answer later."""
_REFUSALS = frozenset({"OOM", "READONLY", "MISCONF", "NOREPLICAS", "NOPERM"})
"""What a server says that reads but does not write."""

_FORBIDDEN = re.compile("ERR (ACL failure in script|The user executing the script can't run)")
"""What a script comes to that may not do what it does: Redis 7.2 and later, Redis 7.0 and Valkey."""

_PING = pack(("PING",))
_NOT_YET = object()
_TOLD = frozenset({b"subscribe", b"unsubscribe"})

Redirected = Callable[[Call, str], bool]
"""Takes a call that another node has to answer (`MOVED 3999 host:port`, `ASK …`); False when it cannot."""


class Wire(asyncio.Protocol):
    """What arrives on a connection that somebody else has opened, greeted and handed over."""

    def __init__(self, transport: asyncio.Transport, letting_go: Callable[[], None]) -> None:
        """Take the connection; `letting_go` is called once it is closed."""
        self.transport = transport
        self._letting_go = letting_go
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self.answered: Callable[[Any], None] = lambda _: None
        self.lost: Callable[[], None] = lambda: None
        transport.set_protocol(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _NOT_YET:
                self.answered(reply)
        except hiredis.ProtocolError:
            self.transport.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._letting_go()
        self.lost()


class Link:
    """The way to one server. `say` hears when it breaks and when it heals, once each."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[Wire]],
        *,
        say: Callable[[str], None],
        heard: Callable[[bytes, bytes | None], None],
        redirected: Redirected | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """Connect when the first command comes. `dial` raises OSError, with a sentence."""
        self._deadline = deadline
        self._dial = dial
        self._say = say
        self._heard = heard
        self._redirected = redirected
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._queue: list[Call] = []
        self._sent: deque[Call] = deque()
        self._flushing = self._settling = False
        self._later: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._healing: asyncio.Task[None] | None = None
        self._open: str | None = None
        self._refusal: str | None = None
        self._again = 0.0
        self._channels: set[bytes] = set()
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether it answers, and takes what is written."""
        return self._open is None and self._refusal is None

    async def begin(self) -> None:
        """Connect, and wait a second for it at most."""
        if self._wire is None:
            self._heal()
        if self._healing is not None:
            await asyncio.wait([self._healing], timeout=_CONNECT)

    def ask(self, call: Call) -> None:
        """Send a command with others of this tick or of the next, or at once where there is something to do meanwhile.

        Its future fails when it is not answered in time.
        """
        if self._open is not None or self._closed:
            call.fail(self._open or "closed")
            return
        call.at = self._loop.time()
        self._queue.append(call)
        if not call.hurried:
            if self._later is None:
                self._later = self._loop.call_later(_MOMENT, self._flush_later)
        elif call.future is None:
            if not self._settling:
                self._settling = True
                self._loop.call_soon(self._loop.call_soon, self._settle)
        elif not self._flushing:
            if call.meanwhile is not None and self._wire is not None:
                meanwhile, call.meanwhile = call.meanwhile, None  # once, also if another node has to be asked
                self._flush()
                meanwhile()
            else:
                self._flushing = True
                self._loop.call_soon(self._flush)

    def listen(self, channel: bytes) -> None:
        """Subscribe, now and whenever the connection is made anew."""
        self._channels.add(channel)
        if self._wire is not None:
            self._tell("SUBSCRIBE", channel)
        elif self._open is None:
            self._heal()

    def leave(self, channel: bytes) -> None:
        """Do not listen any more."""
        self._channels.discard(channel)
        if self._wire is not None:
            self._tell("UNSUBSCRIBE", channel)

    async def aclose(self) -> None:
        """Send what waits, and let go."""
        if self._queue and self._wire is not None:
            self._flush()
        self._closed = True
        if self._healing is not None:
            self._healing.cancel()
            await asyncio.wait([self._healing])
        for timer in (self._timer, self._later):
            if timer is not None:
                timer.cancel()
        self._fail("closed")
        if self._wire is not None:
            self._wire.lost = lambda: None
            self._wire.transport.close()

    # ------------------------------------------------------------------------------------------------------ there

    def _settle(self) -> None:
        self._settling = False
        self._flush()

    def _flush_later(self) -> None:
        """Write what has lain here for a moment, unless it went with something else."""
        self._later = None
        if self._queue and (left := self._queue[0].at + _MOMENT - self._loop.time()) > 0:
            self._later = self._loop.call_later(left, self._flush_later)
        else:
            self._flush()

    def _flush(self) -> None:
        """Write what this tick has brought, and what lay here before."""
        self._flushing = False
        if not self._queue:
            return
        if self._timer is None:
            self._timer = self._loop.call_later(self._deadline * (1 - _AGAIN), self._look)
        if self._wire is None:
            self._heal()
            return
        queue, self._queue = self._queue, []
        if self._wire.transport.get_write_buffer_size() > _MOST_UNSENT:
            for call in queue:
                if call.future is None:
                    call.fail("the server reads too slowly")
            queue = [call for call in queue if call.future is not None]
        try:
            written = [call.packed if isinstance(call.packed, bytes) else call.packed() for call in queue]
        except Exception as fault:  # noqa: BLE001  ours; what was not sent is not waited for, or others got its answers
            self._say(f"internal error: a command cannot be written: {fault!r}")
            for call in queue:
                call.fail("a command cannot be written")
            return
        self._sent.extend(queue)
        self._send(b"".join(written))

    def _tell(self, *command: str | bytes) -> None:
        """Send what nobody waits for; it is answered in its turn, as a message or as an error."""
        packed = pack(command)
        self._sent.append(Call(packed, None, writes=False))
        self._send(packed)

    def _send(self, data: bytes) -> None:
        if self._wire is not None and not self._wire.transport.is_closing():
            self._wire.transport.write(data)

    def _look(self, looked: Call | None = None) -> None:
        """See whether the oldest call waits for too long; what has arrived by now is read before a second look."""
        self._timer = None
        oldest = next((call for call in (*self._sent, *self._queue) if _waits(call)), None)
        if oldest is None:
            return
        left = oldest.at + self._deadline * (1 - _AGAIN) - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        elif oldest is looked:
            self._break(f"no answer within {self._deadline * 1000:.0f} ms")
        else:
            self._timer = self._loop.call_later(self._deadline * _AGAIN, self._look, oldest)

    # ------------------------------------------------------------------------------------------------------ and back

    def _answered(self, reply: Any) -> None:
        """Give an answer to whoever asked for it: they come in the order of the questions."""
        if type(reply) is hiredis.PushNotification:
            if reply[0] == b"message":
                self._heard(reply[1], reply[2])
                return
            if reply[0] not in _TOLD:
                return
        if not self._sent:
            return
        call = self._sent.popleft()
        if type(reply) is hiredis.ReplyError:
            self._refused(call, str(reply))
            return
        if call.writes and self._refusal is not None:
            self._refusal = None
            self._say("Redis takes what is written again")
        if call.future is not None and not call.future.done():
            call.future.set_result(reply)

    def _refused(self, call: Call, said: str) -> None:
        """See to an error: most are this call's alone, some tell of the server."""
        word = "NOPERM" if _FORBIDDEN.search(said) else said.partition(" ")[0]
        if word == "NOSCRIPT" and call.text is not None:
            call.packed, call.text = call.text(), None
            self._queue.append(call)
            self._flush()
        elif word in {"MOVED", "ASK"} and self._redirected is not None and self._redirected(call, said):
            return
        elif word in _MOMENTS:
            call.fail(said)
            self._break(said)
        else:
            call.fail(said)
            if word in _REFUSALS:
                self._refuses(word, said)

    def _refuses(self, word: str, said: str) -> None:
        """Go on reading from a server that does not write; one that was made a replica has a master elsewhere."""
        if self._refusal is None:
            self._say(f"Redis takes nothing that is written, reading goes on: {said}")
        self._refusal = said
        now = self._loop.time()
        if word == "READONLY" and self._wire is not None and now >= self._again:
            self._again = now + _ELSEWHERE
            self._wire.transport.abort()

    # ------------------------------------------------------------------------------------------------------ or not

    def _lost(self) -> None:
        self._wire = None
        self._break("the connection was closed")

    def _break(self, why: str) -> None:
        """Fail what waits and what comes, until the server has been seen alive."""
        if self._open is None and not self._closed:
            self._open = why
            self._say(f"Redis is not used, requests go on without: {why}")
        self._fail(why)
        if not self._closed:
            self._heal()

    def _fail(self, why: str) -> None:
        """What was sent may be answered still, and is then swallowed; what was not sent never will be."""
        queue, self._queue = self._queue, []
        for call in (*self._sent, *queue):
            call.fail(why)
        if self._wire is None:
            self._sent.clear()

    def _heal(self) -> None:
        if self._healing is None or self._healing.done():
            self._healing = self._loop.create_task(self._mend())

    async def _mend(self) -> None:
        """Connect, or ask whether the server answers in time; again and again until it does."""
        unanswered = 0
        for number in itertools.count():
            if self._open is not None:
                await asyncio.sleep(_BACKOFF[min(number, len(_BACKOFF) - 1)])
            try:
                if self._wire is None:
                    await self._connect()
                    unanswered = 0
                if await self._alive():
                    break
            except (OSError, TimeoutError) as error:
                self._break(" ".join(str(error).split()) or "the connection takes too long")
                continue
            unanswered += 1
            if unanswered >= _UNANSWERED and self._wire is not None:
                self._wire.transport.abort()
        if self._open is not None:
            self._open = None
            self._say("Redis is used again")
            for channel in self._channels:
                self._heard(channel, None)
        if self._queue:
            self._flush()

    async def _connect(self) -> None:
        async with asyncio.timeout(_CONNECT):
            wire = await self._dial()
        wire.answered, wire.lost = self._answered, self._lost
        self._wire = wire
        for script in scripts.ALL:  # one that is forgotten later is sent again, behind what was sent meanwhile
            self._tell("SCRIPT", "LOAD", script.text)
        for channel in self._channels:
            self._tell("SUBSCRIBE", channel)

    async def _alive(self) -> bool:
        """Whether a question is answered in time; an answer that comes later counts for nothing."""
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._sent.append(Call(_PING, answer, writes=False))
        self._send(_PING)
        try:
            async with asyncio.timeout(self._deadline):
                await answer
        except (TimeoutError, StoreDown):
            return False
        return True


def _waits(call: Call) -> bool:
    return call.at > 0 and (call.future is None or not call.future.done())
