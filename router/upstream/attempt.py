"""One call to one deployment: a whole answer or the head of a stream, or the reason why there is none."""

import asyncio

from router.chat import Completion, Malformed, completion
from router.frozen import frozen
from router.upstream.client import Streamed, TransportError
from router.upstream.failure import Failure, from_status
from router.upstream.pool import Member

__all__ = ["Answer", "ask", "begin"]

_MOST_OF_AN_ERROR = 256 * 1024
"""Bytes of an error's body that are read; enough for every error object there is."""


@frozen
class Answer:
    """A whole answer: the upstream's own bytes, and what they say."""

    raw: bytes
    content_type: str
    completion: Completion


async def ask(member: Member, body: bytes, *, within: float) -> Answer:
    """Send a request and wait for its whole answer, `within` seconds.

    Raises:
        Failure: whatever else came of it.
    """
    try:
        answer = await member.transport.whole(body, within=within)
    except TransportError as error:
        raise Failure(error.kind) from error
    if answer.status != 200:
        raise from_status(answer.status, answer.headers, answer.content)
    try:
        said = completion(answer.content)
    except Malformed as error:
        raise Failure("malformed", 200) from error
    for choice in said.choices:
        if choice.finish_reason is None:
            raise Failure("unfinished", 200)
    return Answer(answer.content, answer.headers.get("content-type", "application/json"), said)


async def begin(member: Member, body: bytes, *, within: float) -> Streamed:
    """Send a request for a stream and wait for its head, `within` seconds.

    Raises:
        Failure: whatever else came of it; a failure's body has been read and its connection is done with.
    """
    until = asyncio.get_running_loop().time() + within
    try:
        streamed = await member.transport.streamed(body, within=within)
        if streamed.status != 200:
            async with asyncio.timeout_at(until):
                raise from_status(streamed.status, streamed.headers, await _read(streamed, within))
    except TimeoutError as error:
        raise Failure("timeout") from error
    except TransportError as error:
        raise Failure(error.kind) from error
    if not streamed.headers.get("content-type", "text/event-stream").startswith("text/event-stream"):
        await streamed.aclose()
        raise Failure("malformed", 200)
    return streamed


async def _read(streamed: Streamed, within: float) -> bytes:
    """An error's body, or as much of it as anybody reads."""
    read = bytearray()
    try:
        while len(read) <= _MOST_OF_AN_ERROR and (chunk := await streamed.more(within)):
            read += chunk
    finally:
        await streamed.aclose()
    return bytes(read)
