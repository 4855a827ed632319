"""The hot endpoint, message by message: what it reads, what it sends, and who leaves when."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from router.demo.answers import Answer
from router.errors import TooLarge
from router.journey import Journey
from router.server.chat import Chat, ClientLeft, read
from router.server.patience import Patient
from tests.proxy import Proxy, proxy
from tests.server.asgi import Exchange, scope_of
from tests.talking import talk
from tests.waiting import all_blocked

PATH = "/v1/chat/completions"
BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'
STREAM = BODY.replace(b"{", b'{"stream": true, ', 1)


async def read_in(parts: list[bytes], most: int, headers: dict[str, str] | None = None) -> bytes:
    exchange = Exchange(scope_of(PATH, headers=headers), parts)
    return await read(exchange.scope, exchange.receive, most)


@pytest.mark.parametrize("parts", [[b"abcdef"], [b"abc", b"def"], [b"abc", b"", b"def", b""]])
async def test_a_body_is_read_in_any_number_of_parts(parts: list[bytes]) -> None:
    assert await read_in(parts, 6) == b"abcdef"


@pytest.mark.parametrize("parts", [[b"abcdef"], [b"abc", b"def"], [b"abc", b"def", b""]])
async def test_a_body_is_bounded_however_it_comes(parts: list[bytes]) -> None:
    with pytest.raises(TooLarge, match="larger than the 5 bytes") as caught:
        await read_in(parts, 5)
    assert caught.value.status == 413


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    with pytest.raises(TooLarge):
        await read_in([b""], 5, {"content-length": "6"})
    assert await read_in([b"abcde"], 5, {"content-length": "5"}) == b"abcde"


async def test_who_leaves_before_the_body_is_whole_has_left() -> None:
    exchange = Exchange(scope_of(PATH), [b"abc", b"def"])
    exchange._coming.pop()
    exchange.left.set()
    with pytest.raises(ClientLeft):
        await read(exchange.scope, exchange.receive, 10)


@asynccontextmanager
async def endpoint(folder: Path, answer: Answer) -> AsyncIterator[tuple[Chat, Proxy]]:
    async with proxy(folder, answer) as served:
        yield Chat(served.service), served


async def test_a_whole_answer_is_two_messages_with_its_length(tmp_path: Path) -> None:
    async with endpoint(tmp_path, Answer(text="hello")) as (chat, served):
        exchange = await Exchange(scope_of(PATH), [BODY]).over(chat)
        assert [message["type"] for message in exchange.sent] == ["http.response.start", "http.response.body"]
        assert (exchange.status, exchange.headers["content-length"]) == (200, str(len(exchange.body)))
        assert orjson.loads(exchange.body)["choices"][0]["message"]["content"] == "hello"
        assert served.service.inflight == 0


async def test_a_stream_asks_nobody_on_its_way_to_keep_it(tmp_path: Path) -> None:
    async with endpoint(tmp_path, Answer(text="hello")) as (chat, _):
        exchange = await Exchange(scope_of(PATH), [STREAM]).over(chat)
        assert exchange.headers["cache-control"] == "no-cache"
        assert exchange.headers["x-accel-buffering"] == "no"
        assert exchange.body.endswith(b"data: [DONE]\n\n")
        assert "more_body" not in exchange.sent[-1]


@pytest.mark.parametrize("body", [BODY, STREAM])
async def test_who_leaves_while_the_upstream_thinks_is_let_go(tmp_path: Path, body: bytes) -> None:
    async with endpoint(tmp_path, Answer(stall=True)) as (chat, served):
        exchange = Exchange(scope_of(PATH), [body])
        going = asyncio.create_task(exchange.over(chat))
        await served.tuned.saw(1)
        exchange.left.set()
        await going
        await served.tuned.left(1)
        assert exchange.sent == []
        assert served.counted("router_requests_total", outcome="left") == 1
        assert served.service.inflight == 0


async def test_who_leaves_in_the_middle_of_a_stream_is_let_go(tmp_path: Path) -> None:
    async with endpoint(tmp_path, Answer(text="hello, you", stall_after=2)) as (chat, served):
        exchange = Exchange(scope_of(PATH), [STREAM])
        going = asyncio.create_task(exchange.over(chat))
        await exchange.first.wait()
        exchange.left.set()
        await going
        await served.tuned.left(1)
        assert served.counted("router_requests_total", outcome="left") == 1
        assert served.counted("router_requests_total") == 1


async def test_who_takes_nothing_of_a_stream_does_not_keep_its_place_for_ever(tmp_path: Path) -> None:
    changes = {"deployments": {"tuned-a": {"timeout": {"total": "100ms"}}}}
    async with proxy(tmp_path, Answer(text="hello, you", stall_after=2), changes=changes) as served:
        exchange = Exchange(scope_of(PATH), [STREAM])

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        await Chat(served.service)(exchange.scope, exchange.receive, send)  # type: ignore[arg-type]
        await served.tuned.left(1)
        assert served.counted("router_requests_total", outcome="left") == 1
        assert served.service.pipeline.pool.members["tuned-a"].busy == 0


async def test_who_leaves_before_the_body_is_whole_is_counted(tmp_path: Path) -> None:
    async with endpoint(tmp_path, Answer(text="hi")) as (chat, served):
        exchange = Exchange(scope_of(PATH), [BODY, b" "])
        exchange._coming.pop()
        exchange.left.set()
        await exchange.over(chat)
        assert exchange.sent == []
        assert served.counted("router_requests_total", outcome="left", route="") == 1


async def test_who_leaves_as_the_last_byte_goes_cancels_nobody_else(tmp_path: Path) -> None:
    """The task goes on after a request, as a server's may: the cancellation ends with the request."""
    async with endpoint(tmp_path, Answer(text="hi")) as (chat, _):
        exchange = Exchange(scope_of(PATH), [BODY])
        send = exchange.send

        async def send_and_leave(message: dict[str, object]) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                exchange.left.set()
                await turn()

        await chat(exchange.scope, exchange.receive, send_and_leave)  # type: ignore[arg-type]
        await turn()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0


async def turn() -> None:
    """Let everything that is ready go on."""
    for _ in range(5):
        await asyncio.wait([asyncio.ensure_future(asyncio.gather())])


async def test_a_server_that_stops_a_request_is_not_a_client_who_left(tmp_path: Path) -> None:
    async with endpoint(tmp_path, Answer(stall=True)) as (chat, served):
        going = asyncio.create_task(Exchange(scope_of(PATH), [BODY]).over(chat))
        await served.tuned.saw(1)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        await served.tuned.left(1)
        assert served.service.inflight == 0


async def test_a_fault_of_ours_is_told_and_ends_one_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with endpoint(tmp_path, Answer(text="hi")) as (chat, served):
        sound = served.service.pipeline.plan
        served.breaks()
        exchange = await Exchange(scope_of(PATH), [BODY]).over(chat)
        assert (exchange.status, orjson.loads(exchange.body)["error"]["code"]) == (500, "internal_error")
        assert "internal error: Traceback" in capsys.readouterr().err
        assert served.counted("router_requests_total", outcome="error") == 1
        served.service.pipeline.swap(sound, served.service.pipeline.pool)
        assert (await Exchange(scope_of(PATH), [BODY]).over(chat)).status == 200


@pytest.mark.parametrize("size", [60_000, 200_000])
async def test_who_leaves_after_a_large_body_is_let_go(tmp_path: Path, size: int) -> None:
    large = BODY.replace(b"hi", b"x" * size)
    async with proxy(tmp_path, Answer(stall=True)) as served:
        async with talk(served.base_url) as client:
            client.send("POST", PATH, {"host": "x", "content-length": str(len(large))}, large)
            await served.tuned.saw(1)
        await served.tuned.left(1)


@pytest.mark.parametrize("path", [PATH, f"{PATH}?api-version=1", f"{PATH}#here", "/v1/chat%2Fcompletions"])
async def test_however_its_path_is_written_it_is_answered_and_who_leaves_is_let_go(tmp_path: Path, path: str) -> None:
    length = {"host": "x", "content-length": str(len(BODY))}
    async with proxy(tmp_path, Answer(text="hi")) as served, talk(served.base_url) as client:
        assert (await client.say("POST", path, length, BODY)).status == 200
    async with proxy(tmp_path, Answer(stall=True)) as served:
        async with talk(served.base_url) as client:
            client.send("POST", path, length, BODY)
            await served.tuned.saw(1)
        await served.tuned.left(1)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_leaves_nothing_for_the_collector(tmp_path: Path, *, stream: bool) -> None:
    body = orjson.dumps({"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
    async with proxy(tmp_path, Answer(text="hello")) as served, talk(served.base_url) as client:
        for _ in range(3):  # what is made once is made
            await client.say("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(body))}, body)
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                await client.say("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(body))}, body)
            assert gc.collect() < 10  # objects; one circle a request would be more
        finally:
            gc.enable()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fails", [{"status": 500}, {"reset": "before"}, {"text": "a b c", "cut_after": 2}])
async def test_a_request_that_fails_leaves_nothing_for_the_collector(
    tmp_path: Path, fails: dict[str, Any], *, stream: bool
) -> None:
    body = orjson.dumps({"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
    async with proxy(tmp_path, Answer(**fails), Answer(**fails)) as served, talk(served.base_url) as client:
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                await client.say("POST", PATH, {"host": "x", "content-length": str(len(body))}, body)
            await all_blocked()
            assert not [known for known in gc.get_objects() if isinstance(known, Journey)]
        finally:
            gc.enable()


async def test_a_connection_leaves_nothing_for_the_collector(tmp_path: Path) -> None:
    length = {"host": "x", "content-length": str(len(BODY))}
    async with proxy(tmp_path, Answer(text="hello")) as served:
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                async with talk(served.base_url) as client:
                    await client.say("POST", PATH, length, BODY)
            async with talk(served.base_url) as client:
                await client.say("POST", PATH, length, BODY)
                assert len([known for known in gc.get_objects() if isinstance(known, Patient)]) == 1
        finally:
            gc.enable()


async def test_more_than_the_policy_allows_at_once_are_turned_away_and_counted(tmp_path: Path) -> None:
    gate = asyncio.Event()
    few = {"server": {"max_inflight": 1}}
    async with proxy(tmp_path, Answer(text="hi", gates={0: gate}), changes=few) as served:
        length = {"host": "x", "content-length": str(len(BODY))}
        async with talk(served.base_url) as one, talk(served.base_url) as other:
            one.send("POST", PATH, length, BODY)
            while not served.service.inflight:
                assert (await other.say("GET", "/healthz", {"host": "x"})).status == 200
            turned_away = await other.say("POST", PATH, length, BODY)
            gate.set()
            assert (await one.head())[0] == 200
            assert (await other.say("POST", PATH, length, BODY)).status in {200, 503}
    assert turned_away.status == 503
    assert turned_away.headers["retry-after"] == "1"
    assert orjson.loads(turned_away.body)["error"]["code"] == "overloaded"
    assert served.counted("router_shed_total", reason="inflight") >= 1
