"""A fake OpenAI upstream that answers, errs, stalls and hangs up exactly as told; the demo and the tests talk to it.

It says that it is a fake: in its `server` header and in `system_fingerprint`. It speaks HTTP itself, because it must be
able to misbehave between any two bytes.

    async with FakeUpstream([Answer(status=503), Answer(text="hello")]) as upstream:
        ...                                     # a client asks upstream.base_url twice
        await upstream.saw(2)
        assert upstream.requests[0].data["model"] == "small"
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

from typing_extensions import override  # pydantic brings it; `typing` has it from Python 3.12

from router.demo.answers import Answer
from router.demo.rendering import Rendered, render
from router.demo.wire import LAST_CHUNK, Received, chunk, head, read

__all__ = ["NO_LATENCY", "FakeUpstream", "Latency", "script"]

_HEAD_LIMIT = 2**20
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a model seems to think, in seconds: before its first token, and for every token."""

    first: float = 0.0
    per_token: float = 0.0


NO_LATENCY = Latency()


def script(answers: Sequence[Answer]) -> Callable[[Received], Answer]:
    """Give these answers one after the other, whatever is asked, and the last one from then on."""
    if not answers:
        raise ValueError("a script has at least one answer")
    if any(answer.refuse for answer in answers[1:]):
        raise ValueError("'refuse' closes the port for good: it can only be the first answer")
    left = list(answers)

    def next_answer(_request: Received) -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return next_answer


class FakeUpstream:
    """An async context manager that listens on a free port of 127.0.0.1 and answers as told."""

    def __init__(
        self, answer: Answer | Sequence[Answer] | Callable[[Received], Answer], *, latency: Latency = NO_LATENCY
    ) -> None:
        if isinstance(answer, Answer):
            answer = [answer]
        self._refuses = isinstance(answer, Sequence) and bool(answer) and answer[0].refuse
        self._answer = script(answer) if isinstance(answer, Sequence) else answer
        self.latency = latency
        """How long it seems to think; may be changed between requests."""
        self.gate: asyncio.Event | None = None
        """What every answer waits for before its first byte; may be changed between requests."""
        self._changed = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        self._bugs: list[Exception] = []
        self._server: asyncio.Server | None = None
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)  # without it asyncio leaves Nagle on: 40 ms
        self.requests: list[Received] = []
        """Everything that was asked, in the order in which it was read."""
        self.connections = 0
        """How many connections were accepted."""
        self.open = 0
        """How many requests are being answered."""
        self.cancelled = 0
        """How many requests ended because the client hung up before the answer did."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Self:
        """Make one from plain data: an answer, or a list of answers that are given in order. Raises ValueError."""
        answers = [data] if isinstance(data, Mapping) else data
        return cls([Answer.from_data(answer) for answer in answers])

    async def __aenter__(self) -> Self:
        """Open the port, unless the one answer is to refuse; then the port is taken, but nobody listens."""
        self._socket.bind(("127.0.0.1", 0))
        if not self._refuses:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: _Connection(self._accept), sock=self._socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up on everybody; raise what went wrong inside the answering function, if anything did."""
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        self._socket.close()
        if self._bugs and error is None:
            raise self._bugs[0]

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as its `base_url`, while the upstream is open."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def _port(self) -> int:
        return cast("int", self._socket.getsockname()[1])

    async def saw(self, count: int, *, within: float = _PATIENCE) -> None:
        """Wait until so many requests have arrived in all; raises TimeoutError."""
        await self._until(lambda: len(self.requests) >= count, within)

    async def left(self, count: int, *, within: float = _PATIENCE) -> None:
        """Wait until so many clients have hung up before their answer was complete; raises TimeoutError."""
        await self._until(lambda: self.cancelled >= count, within)

    async def idle(self, *, within: float = _PATIENCE) -> None:
        """Wait until nothing is being answered; raises TimeoutError."""
        await self._until(lambda: self.open == 0, within)

    async def _until(self, true: Callable[[], bool], within: float) -> None:
        async with asyncio.timeout(within):
            while not true():
                await self._changed.wait()

    def _note(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _accept(self, connection: "_Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = asyncio.create_task(self._talk(connection, reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        talk.add_done_callback(lambda _: writer.close())  # also when it was cancelled before it began

    async def _talk(
        self, connection: "_Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer a connection's requests one by one until either side closes it."""
        try:
            while (request := await read(reader, writer.write)) is not None:
                self.requests.append(request)
                self.open += 1
                self._note()
                try:
                    goes_on = await self._answer_unless_left(request, connection, writer)
                finally:
                    self.open -= 1
                    self._note()
                if not goes_on:
                    break
        except OSError:
            pass  # the client is gone; whoever waits for that was told by `cancelled`
        except Exception as bug:  # noqa: BLE001 - a fault of the test that told us how to answer: raised when we close
            self._bugs.append(bug)

    async def _answer_unless_left(
        self, request: Received, connection: "_Connection", writer: asyncio.StreamWriter
    ) -> bool:
        """Answer while watching the client; says whether the connection can be used again."""
        playing = asyncio.create_task(self._play(request, writer))
        leaving = asyncio.create_task(connection.gone.wait())
        try:
            await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done() and not isinstance(playing.exception(), OSError):  # writing to who has left fails
                return playing.result() and request.headers.get("connection", "").lower() != "close"
            self.cancelled += 1
            return False
        finally:
            playing.cancel()
            leaving.cancel()
            await asyncio.gather(playing, leaving, return_exceptions=True)

    async def _play(self, request: Received, writer: asyncio.StreamWriter) -> bool:
        """Do what the answer says; true when it came to its regular end."""
        answer = self._answer_to(request)
        rendered = render(answer, request, len(self.requests))
        await _wait(self.gate, 0)
        await _wait(answer.gate, answer.delay + self._thinking(rendered))
        if answer.reset is not None:
            return _reset(writer)
        if answer.stall:
            return await _silence()
        length = None if rendered.streamed else sum(map(len, rendered.pieces))
        writer.write(head(rendered.status, {"server": "smallfirst-fake", **rendered.headers}, length=length))
        await self._send_pieces(answer, rendered, writer)
        if answer.reset_after is not None:
            return _reset(writer)
        if answer.stall_after is not None:
            return await _silence()
        if answer.cut_after is not None:
            return False
        if rendered.streamed:
            writer.write(LAST_CHUNK)
        await writer.drain()
        return True

    async def _send_pieces(self, answer: Answer, rendered: Rendered, writer: asyncio.StreamWriter) -> None:
        ends = (answer.cut_after, answer.reset_after, answer.stall_after)
        last = next((end for end in ends if end is not None), len(rendered.pieces))
        pause = answer.between + (self.latency.per_token if rendered.streamed else 0)
        for number, piece in enumerate(rendered.pieces[:last]):
            await _wait(answer.gates.get(number), pause if number else 0)
            writer.write(chunk(piece) if rendered.streamed else piece)
            await writer.drain()

    def _thinking(self, rendered: Rendered) -> float:
        """Seconds before the first byte: a whole answer is sent when its last token is known."""
        tokens = 0 if rendered.streamed else rendered.tokens
        return self.latency.first + self.latency.per_token * tokens

    def _answer_to(self, request: Received) -> Answer:
        if request.method == "POST":
            return self._answer(request)
        if request.path.endswith("/models"):
            return Answer(json={"object": "list", "data": []})
        return Answer(status=404, error={"message": f"the fake has no {request.path}", "type": "invalid_request_error"})


class _Connection(asyncio.StreamReaderProtocol):
    """A connection that knows when the client has left, also while nobody reads from it."""

    def __init__(self, accept: Callable[["_Connection", asyncio.StreamReader, asyncio.StreamWriter], None]) -> None:
        reader = asyncio.StreamReader(limit=_HEAD_LIMIT)
        super().__init__(reader, lambda reader, writer: accept(self, reader, writer))
        self.gone = asyncio.Event()

    @override
    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


async def _wait(gate: asyncio.Event | None, seconds: float) -> None:
    if gate is not None:
        await gate.wait()
    await asyncio.sleep(seconds)


async def _silence() -> bool:
    """Say nothing more until the client leaves or the upstream closes; both cancel us."""
    return await asyncio.Event().wait()


def _reset(writer: asyncio.StreamWriter) -> bool:
    """Close the connection as a crashed process does: with a reset instead of a farewell."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False
