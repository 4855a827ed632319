"""Providers through the real LiteLLM, speaking to a provider of our own on this machine.

LiteLLM takes seconds to import, so these tests are marked `slow`.
"""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from router.chat import Chunks, completion
from router.plan import Deployment
from router.policy.schema import Breaker, Timeout
from router.sse import Splitter
from router.upstream.client import TransportError
from router.upstream.provider_answers import Answer
from router.upstream.providers import FIELDS, Provider, load
from tests.upstream.pieces import pieces

pytestmark = pytest.mark.slow

ASK: dict[str, Any] = {"model": "claude-opus-4-7", "messages": [{"role": "user", "content": "hi"}]}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {}}}}}]
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 5}
HELLO = [{"type": "text", "text": "Hello"}]
CALL = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}


class FakeAnthropic:
    """Speaks as much of Anthropic's Messages API as its script holds; remembers what it was sent."""

    def __init__(self) -> None:
        self.script: list[bytes | asyncio.Event] = []
        self.requests: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        """The client closed the connection before it had the whole answer."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:"))
            self.heads.append(head)
            self.requests.append(orjson.loads(await reader.readexactly(length)))
            self.asked.set()
            for part in self.script:
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                elif not await reader.read(1):
                    self.left.set()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()

    def answers(self, status: str, body: object, *, headers: str = "") -> None:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        kind = f"content-type: application/json\r\ncontent-length: {len(content)}\r\nconnection: close\r\n"
        self.script = [f"HTTP/1.1 {status}\r\n{kind}{headers}\r\n".encode() + content]

    def says(self, content: Iterable[object], stop: str = "end_turn") -> None:
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-7", "usage": USAGE}
        self.answers("200 OK", {**message, "content": list(content), "stop_reason": stop, "stop_sequence": None})

    def streams(self, *parts: object, end: bool = True) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        self.script = [head, *(part if isinstance(part, asyncio.Event) else event(part) for part in parts)]
        if end:
            self.script.append(b"0\r\n\r\n")


OPENAI_S = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "service_tier": "default",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}

FOREVER = asyncio.Event()
"""In a script: say nothing more, until the client leaves."""


def event(data: Any) -> bytes:
    text = f"event: {data['type']}\ndata: {orjson.dumps(data).decode()}\n\n".encode()
    return f"{len(text):x}\r\n".encode() + text + b"\r\n"


BEGIN: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
     "model": "claude-opus-4-7", "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
]  # fmt: skip
REST = [
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
    {"type": "content_block_stop", "index": 0},
]
TOOL = [
    {"type": "content_block_start", "index": 1, "content_block": {**CALL, "input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a"'}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ": 1}"}},
    {"type": "content_block_stop", "index": 1},
]


def finish(reason: str) -> list[dict[str, Any]]:
    usage = {"output_tokens": 5}
    delta = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}
    return [delta, {"type": "message_stop"}]


def deployed(base_url: str, *, provider: str = "anthropic", total: float = 30.0) -> Provider:
    return Provider(
        Deployment(
            name="frontier-a",
            model="claude-opus-4-7",
            base_url=base_url,
            provider=provider,
            api_key="sk-upstream",
            price=None,
            context_window=None,
            concurrency=None,
            spills=False,
            timeout=Timeout(total=total),
            breaker=Breaker(),
            labels={},
            lacks=frozenset(),
        )
    )


@asynccontextmanager
async def upstream(
    *, provider: str = "anthropic", total: float = 30.0
) -> AsyncIterator[tuple[FakeAnthropic, Provider]]:
    fake = FakeAnthropic()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield fake, deployed(address, provider=provider, total=total)
        await load().close_litellm_async_clients()


def body(**more: Any) -> bytes:
    return orjson.dumps({**ASK, **more})


def error(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(answer.content)["error"]
    return told


async def streamed(one: Provider, **more: Any) -> tuple[list[dict[str, Any]], bool]:
    """The chunks of a stream, and whether it ended in [DONE]."""
    answer = await one.streamed(body(stream=True, **more))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    splitter = Splitter()
    events = [data async for piece in pieces(answer) for _, data in splitter.feed(piece)]
    await answer.aclose()
    done = bool(events) and events[-1] == b"[DONE]"
    return [orjson.loads(data) for data in events[: len(events) - done] if data], done


def read(chunks: list[dict[str, Any]]) -> Chunks:
    answer = Chunks()
    for chunk in chunks:
        answer.add(chunk)
    return answer


@pytest.fixture(autouse=True)
def quietly(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """LiteLLM's own warnings are LiteLLM's own business."""
    yield
    recwarn.clear()


# --- whole answers ----------------------------------------------------------------------------------------------------


async def test_a_whole_answer_arrives_as_openai_would_have_sent_it() -> None:
    async with upstream() as (fake, one):
        fake.says(HELLO)
        answer = await one.whole(body(max_tokens=50))
    assert (answer.status, answer.headers) == (200, {"content-type": "application/json"})
    said = orjson.loads(answer.content)
    assert (said["object"], said["model"]) == ("chat.completion", "claude-opus-4-7")
    assert said["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello", "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ]
    usage = completion(answer.content).usage
    assert usage is not None
    assert (usage.input, usage.cached_input, usage.output) == (14, 4, 5)


async def test_the_provider_is_asked_once_with_the_deployments_key_and_model() -> None:
    async with upstream() as (fake, one):
        fake.says(HELLO)
        await one.whole(body(model="whatever the client called it", max_tokens=50, metadata={"order": "17"}))
    assert "x-api-key: sk-upstream" in fake.heads[0]
    assert fake.requests == [
        {
            "model": "claude-opus-4-7",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
            "max_tokens": 50,
        }
    ]


async def test_marks_for_the_prompt_cache_reach_the_provider() -> None:
    """The system prompt as `router.prompts` marks it: constant text, then what varies; and the last of the examples."""
    mark = {"cache_control": {"type": "ephemeral"}}
    constant, varying = {"type": "text", "text": "Be kind.", **mark}, {"type": "text", "text": "For Ada."}
    shots = [
        {"role": "user", "content": "2+2"},
        {"role": "assistant", "content": [{"type": "text", "text": "4", **mark}]},
    ]
    async with upstream() as (fake, one):
        fake.says(HELLO)
        await one.whole(body(messages=[{"role": "system", "content": [constant, varying]}, *shots, *ASK["messages"]]))
    (sent,) = fake.requests
    assert sent["system"] == [constant, varying]
    assert sent["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "4", **mark}]}


async def test_tool_calls_come_back_as_openais() -> None:
    async with upstream() as (fake, one):
        fake.says([CALL], stop="tool_use")
        answer = await one.whole(body(tools=TOOLS))
    choice = orjson.loads(answer.content)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "toolu_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    ]


# --- streams ----------------------------------------------------------------------------------------------------------


async def test_a_stream_arrives_chunk_by_chunk_and_ends_in_done() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, *REST, *finish("end_turn"))
        chunks, done = await streamed(one, stream_options={"include_usage": True})
    assert done
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks[:-1]] == ["Hel", "lo", None]
    assert chunks[-2]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}]
    assert chunks[-1]["choices"] == []
    answer = read(chunks)
    assert answer.finished
    assert answer.usage is not None
    assert (answer.usage.input, answer.usage.cached_input, answer.usage.output) == (14, 4, 5)


async def test_a_streamed_tool_call_is_put_together_again() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, *REST, *TOOL, *finish("tool_use"))
        chunks, done = await streamed(one, tools=TOOLS)
    choice = read(chunks).completion().choices[0]
    assert (done, choice.content, choice.finish_reason) == (True, "Hello", "tool_calls")
    assert choice.tool_calls == (
        {"id": "toolu_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
    )


async def test_a_stream_that_ends_without_a_finish_reason_gets_none_made_up() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, *REST)
        chunks, done = await streamed(one)
    answer = read(chunks)
    assert answer.completion().choices[0].content == "Hello"
    assert (answer.finished, done) == (False, False)


async def test_a_stream_that_is_cut_is_an_error_and_no_end() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, end=False)
        with pytest.raises(TransportError) as caught:
            await streamed(one)
    assert caught.value.kind == "reset"


async def test_an_error_in_the_middle_of_a_stream_is_an_event_that_says_so() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
        chunks, done = await streamed(one)
    assert (chunks[-1]["error"]["message"], done) == ("Overloaded", False)


async def test_every_chunk_of_a_stream_has_the_same_id() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, *REST, *finish("end_turn"))
        chunks, _ = await streamed(one)
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1


async def test_usage_that_nobody_measured_is_left_out() -> None:
    silent = {"type": "message_start", "message": {**BEGIN[0]["message"], "usage": {"input_tokens": 0}}}
    async with upstream() as (fake, one):
        fake.streams(silent, *BEGIN[1:], *REST, {**finish("end_turn")[0], "usage": {"output_tokens": 0}})
        chunks, done = await streamed(one, stream_options={"include_usage": True})
    answer = read(chunks)
    assert (answer.finished, answer.usage, done) == (True, None, True)


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_a_rate_limit_keeps_its_status_its_words_and_its_retry_after(stream: bool) -> None:  # noqa: FBT001
    refusal = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down, it's too much."}}
    async with upstream() as (fake, one):
        fake.answers("429 Too Many Requests", refusal, headers="retry-after: 7\r\n")
        answer = await (one.streamed if stream else one.whole)(body(stream=stream))
        content = answer.content if isinstance(answer, Answer) else b"".join([piece async for piece in pieces(answer)])
    told = orjson.loads(content)["error"]
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert (told["message"], told["type"]) == ("Slow down, it's too much.", "rate_limit_error")
    assert len(fake.requests) == 1


async def test_a_prompt_that_is_too_long_says_so_by_openais_code() -> None:
    refusal = {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}
    async with upstream() as (fake, one):
        fake.answers("400 Bad Request", {"type": "error", "error": refusal})
        answer = await one.whole(body())
    assert answer.status == 400
    assert error(answer) == {
        "message": "prompt is too long: 210000 tokens > 200000 maximum",
        "type": "invalid_request_error",
        "param": None,
        "code": "context_length_exceeded",
    }


@pytest.mark.parametrize(
    ("status", "page"),
    [
        ("401 Unauthorized", b"{}"),
        ("500 Internal Server Error", b"oops"),
        ("503 Busy", b"<html>busy"),
        ("529 Full", b"{}"),
    ],
)
async def test_other_refusals_keep_their_status(status: str, page: bytes) -> None:
    async with upstream() as (fake, one):
        fake.answers(status, page)
        answer = await one.whole(body())
    assert answer.status == int(status[:3])
    assert "litellm" not in error(answer)["message"].lower()


@pytest.mark.parametrize(
    "field", ["api_base", "base_url", "api_key", "mock_response", "fallbacks", "vertex_credentials"]
)
async def test_a_client_cannot_speak_to_litellm_itself(field: str) -> None:
    async with upstream() as (fake, one):
        fake.says(HELLO)
        answer = await one.whole(body(**{field: "http://127.0.0.1:9"}))
    assert (answer.status, error(answer)["param"], error(answer)["code"]) == (400, field, "unsupported_parameter")
    assert fake.requests == []


async def test_mistral_s_own_word_for_a_seed_is_not_lost() -> None:
    async with upstream(provider="mistral") as (fake, one):
        fake.answers("200 OK", OPENAI_S)
        assert (await one.whole(body(seed=7, new_in_2027=1))).status == 400
        assert (await one.whole(body(seed=7))).status == 200
    assert fake.requests[0]["random_seed"] == 7


@pytest.mark.parametrize("provider", ["openai", "groq", "deepseek", "hosted_vllm", "openrouter"])
async def test_a_field_of_tomorrow_reaches_a_provider_of_openai_s_protocol_as_it_is(provider: str) -> None:
    tomorrow = {"new_in_2027": {"deep": [1, None]}, "verbosity": "low", "top_k": 5, "seed": 7}
    async with upstream(provider=provider) as (fake, one):
        fake.answers("200 OK", OPENAI_S)
        answer = await one.whole(body(**tomorrow))
    assert answer.status == 200
    (sent,) = fake.requests
    assert sent.items() >= tomorrow.items()


@pytest.mark.parametrize("field", ["api_base", "base_url", "api_key", "mock_response", "fallbacks", "extra_body"])
async def test_what_litellm_would_take_for_its_own_is_a_field_like_others_there(field: str) -> None:
    async with upstream(provider="openai") as (fake, one):
        fake.answers("200 OK", OPENAI_S)
        assert (await one.whole(body(**{field: {"a": "http://127.0.0.1:9"}}))).status == 200
    assert fake.requests[0][field] == {"a": "http://127.0.0.1:9"}
    assert "authorization: bearer sk-upstream" in fake.heads[0].lower()


async def test_a_client_cannot_bring_a_token_that_litellm_would_find_in_the_body() -> None:
    async with upstream(provider="azure") as (fake, one):
        answer = await one.whole(body(azure_ad_token="somebody's"))
    assert (answer.status, error(answer)["param"]) == (400, "azure_ad_token")
    assert fake.requests == []


async def test_what_cannot_be_sent_says_where_it_can_be_left_out() -> None:
    async with upstream() as (_, one):
        answer = await one.whole(body(new_in_2027=1))
    assert error(answer)["message"] == (
        "anthropic/claude-opus-4-7 cannot be sent 'new_in_2027'; leave it out, or name it in its deployment's `drop`."
    )


async def test_a_parameter_the_provider_does_not_know_is_refused_and_not_dropped() -> None:
    async with upstream() as (fake, one):
        fake.says(HELLO)
        answer = await one.whole(body(seed=7))
    assert (answer.status, error(answer)["code"]) == (400, "unsupported_parameter")
    assert error(answer)["message"] == "anthropic does not support parameters: ['seed'], for model=claude-opus-4-7"
    assert fake.requests == []


async def test_a_parameter_that_asks_for_nothing_is_no_reason_to_refuse() -> None:
    async with upstream() as (fake, one):
        fake.says(HELLO)
        answer = await one.whole(body(n=1, store=False, logprobs=False, presence_penalty=0.0, logit_bias={}, seed=None))
    assert answer.status == 200


# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_nobody_at_the_address_is_a_failure_to_connect(stream: bool) -> None:  # noqa: FBT001
    server = await asyncio.start_server(FakeAnthropic().serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    one = deployed(f"http://127.0.0.1:{port}")
    with pytest.raises(TransportError) as caught:
        await (one.streamed if stream else one.whole)(body(stream=stream))
    assert caught.value.kind == "connect"
    await load().close_litellm_async_clients()


async def test_a_connection_that_is_closed_before_the_answer_is_a_reset() -> None:
    async with upstream() as (_, one):
        with pytest.raises(TransportError) as caught:
            await one.whole(body())
    assert caught.value.kind == "reset"


async def test_an_answer_that_is_no_json_is_malformed() -> None:
    async with upstream() as (fake, one):
        fake.answers("200 OK", b"{not json")
        with pytest.raises(TransportError) as caught:
            await one.whole(body())
    assert caught.value.kind == "malformed"


async def test_a_provider_that_says_nothing_times_out() -> None:
    async with upstream(total=0.05) as (fake, one):
        fake.script = [FOREVER]
        with pytest.raises(TransportError) as caught:
            await one.whole(body())
        await fake.left.wait()
    assert caught.value.kind == "timeout"


# --- clients who leave ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_the_answer_closes_the_upstream_connection(stream: bool) -> None:  # noqa: FBT001
    async with upstream() as (fake, one):
        fake.script = [FOREVER]
        asking = asyncio.ensure_future((one.streamed if stream else one.whole)(body(stream=stream)))
        await fake.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(fake.left.wait(), 5)


async def test_a_client_that_leaves_a_stream_closes_the_upstream_connection() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, FOREVER)
        answer = await one.streamed(body(stream=True))
        assert b"Hel" in await anext(pieces(answer))
        await answer.aclose()
        await asyncio.wait_for(fake.left.wait(), 5)


async def test_a_stream_that_is_left_leaves_nothing_for_the_collector() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, FOREVER)
        gc.collect()
        gc.disable()
        try:
            answer: Any = await one.streamed(body(stream=True))
            await answer.more(5)
            gone = weakref.ref(answer)
            await answer.aclose()
            del answer
            assert gone() is None
        finally:
            gc.enable()


async def test_a_stream_that_is_cancelled_while_it_waits_closes_the_upstream_connection() -> None:
    async with upstream() as (fake, one):
        fake.streams(*BEGIN, FOREVER)
        answer = await one.streamed(body(stream=True))
        chunks = pieces(answer)
        assert b"Hel" in await anext(chunks)
        waiting = asyncio.ensure_future(anext(chunks))
        await asyncio.wait([waiting], timeout=0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await answer.aclose()
        await asyncio.wait_for(fake.left.wait(), 5)


async def test_a_provider_that_litellm_asks_late_is_a_failure_all_the_same() -> None:
    """For Gemini, LiteLLM gives a stream before it has sent anything."""
    async with upstream(provider="gemini") as (fake, one):
        fake.answers("429 Too Many Requests", {"error": {"code": 429, "message": "Quota.", "status": "EXHAUSTED"}})
        answer = await one.streamed(body(stream=True))
        content = b"".join([piece async for piece in pieces(answer)])
        assert (answer.status, orjson.loads(content)["error"]["message"]) == (429, "Quota.")

        fake.script, fake.asked = [FOREVER], asyncio.Event()
        asking = asyncio.ensure_future(one.streamed(body(stream=True)))
        await fake.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(fake.left.wait(), 5)


# --- LiteLLM itself ---------------------------------------------------------------------------------------------------


def test_litellm_is_told_to_keep_to_itself() -> None:
    litellm = load()
    assert load() is litellm
    assert (litellm.telemetry, litellm.drop_params, litellm.num_retries) == (False, False, 0)


def test_every_field_of_openais_that_litellm_can_send_is_let_through() -> None:
    load()
    from litellm.constants import DEFAULT_CHAT_COMPLETION_PARAM_VALUES

    instructions = (
        "additional_drop_params allowed_openai_params api_version custom_llm_provider drop_params extra_headers"
    )
    others = "include_server_side_tool_invocations max_retries metadata model"
    assert set(DEFAULT_CHAT_COMPLETION_PARAM_VALUES) - FIELDS == {*instructions.split(), *others.split()}


def test_loading_it_asks_nobody_for_a_price_list() -> None:
    program = (
        "import socket\n"
        "def refuse(*address): raise SystemExit(f'LiteLLM called {address}')\n"
        "socket.getaddrinfo = socket.socket.connect = refuse\n"
        "from router.upstream.providers import load\n"
        "load()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=Path(__file__).parent.parent.parent, check=False
    )
    assert done.returncode == 0
