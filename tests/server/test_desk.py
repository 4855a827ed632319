"""What is asked rarely: models, decisions, health, metrics, and refusals in OpenAI's words."""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from starlette.types import ASGIApp

from router.demo.answers import Answer
from router.server.app import App
from router.server.desk import Desk
from tests.proxy import KEY, Proxy, proxy
from tests.server.asgi import Exchange, scope_of

BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Proxy]:
    async with proxy(tmp_path, Answer(text="hi"), changes={"auth": {"keys": "keys.yaml"}}) as one:
        yield one


@pytest.fixture
def desk(served: Proxy) -> ASGIApp:
    return Desk(served.service, {}).app


async def visit(desk: ASGIApp, method: str, path: str, body: bytes = b"", key: str = KEY) -> Exchange:
    scope = scope_of(path, method, {"authorization": f"Bearer {key}"} if key else {})
    return await Exchange(scope, [body]).over(desk)


async def test_models_are_listed(desk: ASGIApp) -> None:
    listed = orjson.loads((await visit(desk, "GET", "/v1/models")).body)
    assert [card["id"] for card in listed["data"]] == ["auto", "tuned", "frontier", "tuned-a", "frontier-a"]
    one = orjson.loads((await visit(desk, "GET", "/v1/models/tuned")).body)
    assert one in listed["data"]


async def test_a_decision_is_shown_and_nobody_is_called(desk: ASGIApp, served: Proxy) -> None:
    answer = await visit(desk, "POST", "/v1/route", BODY)
    assert orjson.loads(answer.body)["start"] == "tuned"
    assert served.tuned.requests == []


@pytest.mark.parametrize(
    ("asked", "key", "status", "code"),
    [
        ("GET /v1/models", "", 401, "invalid_api_key"),
        ("GET /v1/models/nobody", KEY, 404, "model_not_found"),
        ("POST /v1/route", KEY, 400, "invalid_json"),
        ("POST /v1/models", KEY, 405, "method_not_allowed"),
        ("GET /nowhere", KEY, 404, "unknown_url"),
        ("GET /v1/responses/resp_1", KEY, 404, "response_not_found"),
    ],
)
async def test_a_refusal_is_an_error_object_and_counted(
    desk: ASGIApp, served: Proxy, *, asked: str, key: str, status: int, code: str
) -> None:
    method, path = asked.split()
    answer = await visit(desk, method, path, key=key)
    assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert served.counted("router_requests_total", outcome="error") == 1


@pytest.mark.parametrize(
    ("asked", "key", "status", "kind"),
    [
        ("POST /v1/messages/count_tokens", "", 401, "authentication_error"),
        ("POST /v1/messages/count_tokens", KEY, 400, "invalid_request_error"),
        ("POST /v1/messages/batches", KEY, 404, "not_found_error"),
        ("POST /v1/v1/messages/count_tokens", KEY, 404, "not_found_error"),
        ("GET /v1/messages/count_tokens", KEY, 405, "invalid_request_error"),
    ],
)
async def test_a_refusal_of_messages_is_an_error_as_anthropic_has_it(
    desk: ASGIApp, served: Proxy, *, asked: str, key: str, status: int, kind: str
) -> None:
    method, path = asked.split()
    answer = await visit(desk, method, path, key=key)
    told = orjson.loads(answer.body)
    assert (answer.status, told["type"], told["error"]["type"]) == (status, "error", kind)
    assert told["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"]
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert served.counted("router_requests_total", outcome="error") == 1


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/responses", "/v1/responses"),
        ("/models/auto", "/v1/models/auto"),
    ],
)
async def test_a_path_with_a_wrong_base_url_is_told_with_the_right_one(served: Proxy, path: str, right: str) -> None:
    answer = await visit(App(served.service), "POST", path)
    told = orjson.loads(answer.body)["error"]["message"]
    assert f"; here it is {right}: base_url should end in " in told


async def test_anthropic_s_clients_hear_of_a_wrong_base_url_in_their_own_words(served: Proxy) -> None:
    answer = await visit(App(served.service), "POST", "/v1/v1/messages")
    told = orjson.loads(answer.body)
    assert (answer.status, told["type"], told["error"]["type"]) == (404, "error", "not_found_error")
    assert "base_url should not end in /v1" in told["error"]["message"]


async def test_tokens_are_counted_and_nobody_is_called(desk: ASGIApp, served: Proxy) -> None:
    answer = await visit(desk, "POST", "/v1/messages/count_tokens", BODY)
    assert orjson.loads(answer.body) == {"input_tokens": 4}
    assert served.tuned.requests == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_need_no_key(desk: ASGIApp, path: str) -> None:
    assert (await visit(desk, "GET", path, key="")).status == 200


async def test_a_server_that_stops_is_alive_and_not_ready(desk: ASGIApp, served: Proxy) -> None:
    served.service.stopping = True
    assert (await visit(desk, "GET", "/readyz")).status == 503
    assert (await visit(desk, "GET", "/healthz")).status == 200


async def test_metrics_are_prometheus_text(desk: ASGIApp) -> None:
    answer = await visit(desk, "GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"router_policy{" in answer.body


async def test_who_leaves_before_the_body_is_whole_is_counted(desk: ASGIApp, served: Proxy) -> None:
    exchange = Exchange(scope_of("/v1/route", headers={"authorization": f"Bearer {KEY}"}), [BODY, b" "])
    exchange._coming.pop()
    exchange.left.set()
    await exchange.over(desk)
    assert served.counted("router_requests_total", outcome="left") == 1


async def test_a_fault_of_ours_is_an_error_object_too(desk: ASGIApp, served: Proxy) -> None:
    served.breaks()
    exchange = Exchange(scope_of("/v1/route", headers={"authorization": f"Bearer {KEY}"}), [BODY])
    with pytest.raises(ZeroDivisionError):
        await exchange.over(desk)
    assert (exchange.status, orjson.loads(exchange.body)["error"]["code"]) == (500, "internal_error")
    assert served.counted("router_requests_total", outcome="error") == 1
