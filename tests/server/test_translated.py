"""An endpoint in another dialect has chat's headers, errors and cancellation, and a translator at both ends."""

from pathlib import Path
from typing import Any

import openai  # noqa: TID253  plays the customer
import orjson
import pytest
from typing_extensions import override

from router.demo.answers import Answer
from router.dialects.completions import Completions
from router.server.translated import Translated
from tests.proxy import KEY, Proxy, proxy
from tests.server.asgi import Exchange, scope_of
from tests.talking import Heard, talk
from tests.waiting import until

PATH = "/v1/completions"
BODY: dict[str, Any] = {"model": "auto", "prompt": "hi"}


def customer(served: Proxy, key: str = "any") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=served.base_url, api_key=key, max_retries=0)


async def post(served: Proxy, body: bytes | dict[str, Any], **headers: str) -> Heard:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    async with talk(served.base_url) as client:
        return await client.say("POST", PATH, {"host": "x", "content-length": str(len(raw)), **headers}, raw)


async def test_a_whole_answer_with_the_headers_that_chat_has(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello")) as served, customer(served) as client:
        raw = await client.completions.with_raw_response.create(**BODY, max_tokens=7)
        told = raw.parse()
        assert (told.object, told.choices[0].text) == ("text_completion", "hello")
        assert told.choices[0].finish_reason == "stop"
        assert told.usage is not None
        assert raw.headers["x-router-path"] == "tuned:ok"
        assert orjson.loads(served.tuned.requests[0].body) == {
            "model": "small",
            "max_tokens": 7,
            "messages": [{"role": "user", "content": "hi"}],
        }


async def test_a_stream_that_the_official_client_reads(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, all of you")) as served, customer(served) as client:
        chunks = [one async for one in await client.completions.create(**BODY, stream=True)]
        assert "".join(one.choices[0].text for one in chunks) == "hello, all of you"
        assert chunks[-1].choices[0].finish_reason == "stop"


async def test_a_stream_with_usage(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello")) as served, customer(served) as client:
        options: Any = {"include_usage": True}
        chunks = [one async for one in await client.completions.create(**BODY, stream=True, stream_options=options)]
        assert chunks[-1].usage is not None
        assert chunks[-1].choices == []


async def test_a_stream_is_read_wherever_the_network_has_split_it(tmp_path: Path) -> None:
    cut = Answer(text="hello, all of you", split_at=range(1, 900, 7))
    async with proxy(tmp_path, cut) as served, customer(served) as client:
        chunks = [one async for one in await client.completions.create(**BODY, stream=True)]
        assert "".join(one.choices[0].text for one in chunks) == "hello, all of you"


async def test_an_answer_that_is_not_good_enough_is_not_told(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hel", finish="length")) as served:
        heard = await post(served, BODY)
        assert heard.headers["x-router-path"] == "tuned:truncated,frontier:ok"
        assert orjson.loads(heard.body)["choices"][0]["text"] == "hello from frontier-a"


async def test_what_was_asked_before_is_remembered_in_whatever_dialect(tmp_path: Path) -> None:
    on = {"routes": {"auto": {"cache": {"exact": {"ttl": "1h"}}}}}
    body = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": "hi"}], "temperature": 0})
    async with proxy(tmp_path, Answer(text="hello"), changes=on) as served, talk(served.base_url) as client:
        heads = {"host": "x", "content-length": str(len(body))}
        await client.say("POST", "/v1/chat/completions", heads, body)
        heard = await post(served, {**BODY, "temperature": 0})
        assert heard.headers["x-router-cache"] == "hit"
        assert orjson.loads(heard.body)["choices"][0]["text"] == "hello"
        assert len(served.tuned.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=429, error={"message": "slow down", "code": "rate_limit_exceeded"}), openai.RateLimitError),
        (
            Answer(status=422, raw="<html>no</html>", headers={"content-type": "text/html"}),
            openai.UnprocessableEntityError,
        ),
        (Answer(status=400, error="just text"), openai.BadRequestError),
        (Answer(status=500), openai.InternalServerError),
    ],
)
async def test_an_upstream_s_error_has_openai_s_envelope(tmp_path: Path, answer: Answer, error: Any) -> None:
    async with proxy(tmp_path, answer, answer) as served, customer(served) as client:
        with pytest.raises(error) as raised:
            await client.completions.create(**BODY)
        assert raised.value.body["message"]
        assert raised.value.response.headers["content-type"] == "application/json"


async def test_an_upstream_s_error_without_an_envelope_gets_one(tmp_path: Path) -> None:
    bare = Answer(status=422, json={"object": "error", "message": "no such thing", "code": 422})
    async with proxy(tmp_path, bare) as served, customer(served) as client:
        with pytest.raises(openai.UnprocessableEntityError, match="no such thing"):
            await client.completions.create(**BODY)


async def test_what_is_wrong_with_a_request_is_told_and_counted(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello"), changes={"auth": {"keys": "keys.yaml"}}) as served:
        assert (await post(served, BODY)).status == 401
        key = {"authorization": f"Bearer {KEY}"}
        assert (await post(served, b"{", **key)).status == 400
        heard = await post(served, {"model": "auto", "prompt": ["a", "b"]}, **key)
        assert orjson.loads(heard.body)["error"]["code"] == "unsupported_parameter"
        assert heard.headers["x-request-id"]
        assert served.counted("router_requests_total", outcome="error") == 3
        assert served.tuned.requests == []


async def test_a_stream_that_breaks_off_ends_in_an_error(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, all of you", cut_after=3)) as served, customer(served) as client:
        with pytest.raises(openai.APIError, match="broke off"):
            async for _ in await client.completions.create(**BODY, stream=True):
                pass


async def test_a_client_that_leaves_ends_the_call(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello", stall_after=2)) as served, customer(served) as client:
        async with await client.completions.create(**BODY, stream=True) as stream:
            await anext(aiter(stream))
        await until(lambda: served.counted("router_client_disconnects_total") == 1)
        await until(lambda: not served.service.inflight)


class _Deep(Completions):
    """A dialect that tells what is nested deeper than JSON is written here."""

    @override
    def read(self, raw: bytes) -> Any:
        exchange: Any = super().read(raw)
        exchange.whole = _deep
        return exchange


def _deep(_: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for _level in range(300):
        told = {"a": told}
    return told


async def test_an_answer_that_cannot_be_written_is_told_and_counted(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello")) as served:
        exchange = await Exchange(scope_of(PATH), [orjson.dumps(BODY)]).over(Translated(served.service, _Deep()))
        assert orjson.loads(exchange.body)["error"]["code"] == "internal_error"
        assert served.counted("router_requests_total") == 1


class _Faulty(Completions):
    """A dialect that is at fault, wherever it tells something."""

    @override
    def read(self, raw: bytes) -> Any:
        exchange: Any = super().read(raw)
        exchange.whole = _fault
        telling: Any = exchange.stream()
        telling.chunk = _fault
        exchange.stream = lambda: telling
        return exchange


def _fault(_: dict[str, Any]) -> Any:
    raise ZeroDivisionError


async def test_a_request_has_its_id_where_the_dialect_s_clients_look_for_it_too(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello")) as served:
        endpoint = Translated(served.service, Completions(), named_in=b"request-id")
        for body in (BODY, {**BODY, "stream": True}, {}):
            exchange = await Exchange(scope_of(PATH), [orjson.dumps(body)]).over(endpoint)
            assert exchange.headers["request-id"] == exchange.headers["x-request-id"]


@pytest.mark.parametrize("cache", [False, True])
async def test_a_fault_in_a_dialect_is_told_and_counted_as_one(tmp_path: Path, *, cache: bool) -> None:
    changes = {"routes": {"auto": {"cache": {"exact": {"ttl": "1h"} if cache else False}}}}
    body = {**BODY, "temperature": 0}
    async with proxy(tmp_path, Answer(text="hello"), changes=changes) as served:
        endpoint = Translated(served.service, _Faulty())
        exchange = await Exchange(scope_of(PATH), [orjson.dumps(body)]).over(endpoint)
        assert exchange.status == 500
        assert orjson.loads(exchange.body)["error"]["code"] == "internal_error"
        assert served.counted("router_requests_total", outcome="error") == 1
        streaming = Exchange(scope_of(PATH), [orjson.dumps({**body, "stream": True, "n": 1})])
        with pytest.raises(ZeroDivisionError):
            await streaming.over(endpoint)
        assert b"internal_error" in streaming.body
        assert served.service.inflight == 0
        assert served.counted("router_requests_total", outcome="broken") == 1
        assert served.counted("router_client_disconnects_total") == 0


async def test_an_error_that_cannot_be_told_is_counted_all_the_same(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(status=400, error="no")) as served:
        dialect: Any = Completions()
        dialect.problem = lambda *_: _fault({})
        exchange = Exchange(scope_of(PATH), [orjson.dumps(BODY)])
        with pytest.raises(ZeroDivisionError):
            await exchange.over(Translated(served.service, dialect))
        assert served.counted("router_requests_total") == 1
        assert served.service.inflight == 0


@pytest.mark.parametrize("keepalive", [None, "1s"])
async def test_an_error_that_is_too_deep_to_be_written_is_told_without_its_depths(
    tmp_path: Path, keepalive: str | None
) -> None:
    deep = b'{"error": {"message": "too odd", "param": {}, "a": ' + b"[" * 500 + b"]" * 500 + b"}}"
    changes = {"limits": {"all": {"parallel": 1}}, "routes": {"auto": {"keepalive": keepalive} if keepalive else {}}}
    async with proxy(tmp_path, Answer(status=400, raw=deep), changes=changes) as served:
        for _ in range(2):
            heard = await post(served, {**BODY, "stream": keepalive is not None})
            assert heard.status == 400
            told = orjson.loads(heard.body)["error"]
            assert told == {"message": "too odd", "type": None, "param": None, "code": None}
        assert served.counted("router_requests_total", outcome="error") == 2
