"""`POST /v1/embeddings`, between a client and deployments that embed, fail, stall and lie."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from router.demo.answers import Answer
from router.demo.vectors import embedded
from router.health import CLOSED
from tests.embedding import Embedder, embedder, path, said
from tests.talking import talk
from tests.waiting import all_blocked, until

WITH_KEYS = {"auth": {"keys": "keys.yaml"}}


def embeddings(size: int = 2, count: int = 1, **more: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": place, "embedding": [0.5] * size} for place in range(count)]
    return {"object": "list", "data": data, "model": "bge", **more}


# ------------------------------------------------------------------------------------------------------------- answered


async def test_a_text_is_embedded_and_the_answer_is_the_upstream_s_own_bytes(tmp_path: Path) -> None:
    raw = b'{ "object":"list", "data":[{"embedding":[1, -0.50],"index":0}],"new":null, "usage":{"prompt_tokens":9}}'
    async with embedder(tmp_path, one=Answer(raw=raw)) as served:
        heard = await served.ask()
        request = served.fakes["one"].requests[0]
    assert (heard.status, heard.body, request.path) == (200, raw, "/v1/embeddings")
    assert request.headers["authorization"] == "Bearer key-of-one"
    shown = {name: value for name, value in heard.headers.items() if name.startswith("x-router-")}
    assert shown.pop("x-router-policy") == served.service.pipeline.plan.version
    assert shown == {
        "x-router-route": "texts",
        "x-router-tier": "near",
        "x-router-deployment": "one",
        "x-router-path": "near:ok",
        "x-router-reason": "only",
        "x-router-cache": "off",
        "x-router-cost-usd": "0.000018000",
    }
    assert heard.headers["x-request-id"]


async def test_what_the_client_says_is_forwarded_with_the_deployment_s_model(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "encoding_format": "base64",
        "dimensions": 4,
        "user": "u",
        "input_type": "query",
        "n": [1, {"a": None}],
    }
    async with embedder(tmp_path) as served:
        heard = await served.ask(given=[[1, 2], [3]], **more)
        sent = served.fakes["one"].requests[0].data
    assert sent == {"model": "bge", "input": [[1, 2], [3]], **more}
    assert [entry["embedding"] for entry in said(heard)["data"]] == [embedded("1 2", more), embedded("3", more)]


@pytest.mark.parametrize(
    ("model", "forced", "told"),
    [
        ("texts", None, ("texts", "near", "only")),
        ("near", None, ("near", "near", "only")),
        ("one", None, ("one", "one", "only")),
        ("one", "far", ("one", "one", "only")),
        ("texts", "near", ("texts", "near", "forced")),
        ("auto", "far", ("far", "far", "forced")),
        ("far", "near", ("near", "near", "forced")),
    ],
)
async def test_a_model_is_a_route_of_one_tier_a_tier_or_a_deployment(
    tmp_path: Path, model: str, forced: str | None, told: tuple[str, ...]
) -> None:
    async with embedder(tmp_path) as served:
        heard = await served.ask(model, headers={"x-router-tier": forced} if forced else {})
    assert heard.status == 200
    assert tuple(heard.headers[f"x-router-{name}"] for name in ("route", "tier", "reason")) == told


async def test_load_is_spread_over_the_deployments_of_a_tier(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served:
        for _ in range(4):
            assert (await served.ask()).status == 200
    assert served.calls() == {"one": 2, "two": 2}


# -------------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        (b"{", 400, None, "invalid_json"),
        ({"model": "texts"}, 400, "input", "missing_required_parameter"),
        ({"model": "texts", "input": []}, 400, "input", "empty_array"),
        ({"model": "texts", "input": ["a"] * 2049}, 400, "input", "array_above_max_length"),
        ({"model": "texts", "input": {"a": 1}}, 400, "input", "invalid_type"),
        ({"model": "text", "input": "a"}, 404, "model", "model_not_found"),
        ({"model": "auto", "input": "a"}, 400, "model", "tier_not_chosen"),
    ],
)
async def test_what_cannot_be_answered_is_told_and_nobody_is_asked(
    tmp_path: Path, body: object, status: int, param: str | None, code: str
) -> None:
    async with embedder(tmp_path) as served:
        heard = await served.post("/v1/embeddings", body)
        counted = served.counted("router_requests_total", outcome="error")
    assert (heard.status, said(heard)["param"], said(heard)["code"]) == (status, param, code)
    assert (served.calls(), counted) == ({}, 1)
    assert "x-request-id" in heard.headers


async def test_a_route_of_several_tiers_says_what_to_name_instead(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served:
        heard = await served.ask("auto")
        forced = await served.ask("auto", headers={"x-router-tier": "fat"})
    assert said(heard)["message"] == (
        "route 'auto' has the tiers 'near' and 'far', and embeddings are never mixed: name one of them as 'model', "
        "or in x-router-tier"
    )
    assert (forced.status, said(forced)["code"]) == (400, "tier_not_found")


async def test_a_body_too_large_is_refused(tmp_path: Path) -> None:
    async with embedder(tmp_path, {"server": {"max_body": 1000}}) as served:
        heard = await served.ask(given="x" * 1000)
    assert (heard.status, said(heard)["code"]) == (413, "request_too_large")


async def test_what_is_nested_too_deeply_to_be_sent_is_refused_and_keeps_no_place(tmp_path: Path) -> None:
    deep = b'{"model": "one", "input": "a", "deep": ' + b"[" * 500 + b"]" * 500 + b"}"
    async with embedder(tmp_path, {"deployments": {"one": {"concurrency": 1}}}) as served:
        heard = await served.post("/v1/embeddings", deep)
        again = await served.ask("one")
    assert (heard.status, said(heard)["code"], again.status) == (400, "invalid_json", 200)


async def test_other_methods_are_not_known(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served, talk(served.base_url) as client:
        heard = await client.say("GET", "/v1/embeddings", {"host": "proxy"})
    assert (heard.status, heard.headers["allow"]) == (405, "POST")


async def test_more_than_may_be_answered_at_once_are_turned_away(tmp_path: Path) -> None:
    stalled = Answer(stall=True)
    async with embedder(tmp_path, {"server": {"max_inflight": 1}}, one=stalled) as served:
        first = asyncio.create_task(served.ask())
        await served.fakes["one"].saw(1)
        heard = await served.ask()
        first.cancel()
    assert (heard.status, said(heard)["code"]) == (503, "overloaded")


async def test_our_own_fault_is_told_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with embedder(tmp_path) as served:
        monkeypatch.delattr(type(served.service.pipeline.pool), "order")
        heard = await served.ask()
        counted = served.counted("router_requests_total", outcome="error")
    assert (heard.status, said(heard)["code"], counted) == (500, "internal_error", 1)


# --------------------------------------------------------------------------------------------------------------- failed


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(status=401, error="no"), "status_401"),
        (Answer(status=404, error="no"), "status_404"),
        (Answer(status=429, error="no"), "status_429"),
        (Answer(status=500, error="no"), "status_500"),
        (Answer(status=503), "status_503"),
        (Answer(reset="before"), "reset"),
        (Answer(text="x", cut_after=0), "reset"),
        (Answer(raw="<html>", headers={"content-type": "text/html"}), "malformed"),
        (Answer(raw=b""), "malformed"),
        (Answer(json=embeddings(count=2)), "malformed"),
        (Answer(json=embeddings(size=0)), "malformed"),
        (Answer(json={"error": {"message": "no"}}), "malformed"),
        (Answer(json={"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}), "malformed"),
    ],
)
async def test_who_fails_is_followed_by_the_next_deployment_of_the_tier(
    tmp_path: Path, answer: Answer, why: str
) -> None:
    async with embedder(tmp_path, one=answer) as served:
        heard = await served.ask()
        counted = served.counted("router_fallbacks_total", tier="near", deployment="one", reason=why)
        failed = served.counted("gen_ai_client_operation_duration_seconds_count", error_type=why)
    assert (path(heard), heard.headers["x-router-deployment"]) == ((200, f"near:{why},near:ok"), "two")
    assert (counted, failed) == (1, 1)


async def test_nobody_there_is_a_failure_to_connect(tmp_path: Path) -> None:
    async with embedder(tmp_path, one=Answer(refuse=True)) as served:
        assert path(await served.ask()) == (200, "near:connect,near:ok")


async def test_a_deployment_that_takes_too_long_is_not_asked_again(tmp_path: Path) -> None:
    slow = {"deployments": {"one": {"timeout": {"total": 0.5}}, "two": {"timeout": {"total": 0.5}}}}
    async with embedder(tmp_path, slow, one=Answer(stall=True), two=Answer(stall=True)) as served:
        heard = await served.ask()
        for name in ("one", "two"):
            await served.fakes[name].left(1)
    assert (path(heard), said(heard)["code"]) == ((504, "near:timeout,near:timeout"), "upstream_timeout")
    assert served.calls() == {"one": 1, "two": 1}


async def test_everybody_is_asked_once_before_anybody_is_asked_twice(tmp_path: Path) -> None:
    broken = [Answer(status=500, error="no"), Answer(text="well again")]
    async with embedder(tmp_path, one=broken, two=Answer(status=500, error="no")) as served:
        heard = await served.ask()
    assert path(heard) == (200, "near:status_500,near:status_500,near:ok")
    assert served.calls() == {"one": 2, "two": 1}


async def test_when_all_have_failed_the_last_one_s_words_are_told(tmp_path: Path) -> None:
    busy = Answer(status=429, error={"message": "slow down", "code": "rate"}, headers={"retry-after": "9"})
    async with embedder(tmp_path, one=Answer(status=500, error="no"), two=busy) as served:
        heard = await served.ask()
    assert path(heard) == (500, "near:status_500,near:status_429,near:status_500")  # nine seconds are not waited for
    async with embedder(tmp_path, one=busy, two=busy) as served:
        heard = await served.ask()
    assert (path(heard), said(heard)["code"], heard.headers["retry-after"]) == (
        (429, "near:status_429,near:status_429"),
        "rate",
        "9",
    )


async def test_a_short_retry_after_is_waited_for(tmp_path: Path) -> None:
    busy = [Answer(status=429, error="slow down", headers={"retry-after": "0.01"}), Answer(text="now")]
    async with embedder(tmp_path, one=busy) as served:
        assert path(await served.ask("one")) == (200, "one:status_429,one:ok")


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_is_said_of_our_key_or_address_is_not_told_to_clients(tmp_path: Path, status: int) -> None:
    wrong = Answer(status=status, error="Incorrect API key provided: key-of-one")
    async with embedder(tmp_path, one=wrong) as served:
        heard = await served.ask("one")
    assert (heard.status, said(heard)["code"], b"key-of-one" in heard.body) == (502, "upstream_failed", False)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_said_of_the_request_is_relayed_after_one_call(tmp_path: Path, status: int) -> None:
    raw = b'{ "error": {"message": "too many dimensions"} }'
    async with embedder(tmp_path, one=Answer(status=status, raw=raw)) as served:
        heard = await served.ask()
        healthy = served.service.pipeline.pool.embedder("one").breaker.failed
    assert (path(heard), heard.body, served.calls()) == ((status, "near:rejected"), raw, {"one": 1})
    assert healthy == 0


async def test_a_text_too_long_is_for_who_has_a_larger_window(tmp_path: Path) -> None:
    windows = {"deployments": {"one": {"context_window": 512}, "two": {"context_window": 8192}}}
    long = Answer(status=400, error={"message": "no", "code": "context_length_exceeded"})
    async with embedder(tmp_path, windows, one=long) as served:
        assert path(await served.ask()) == (200, "near:context,near:ok")
    async with embedder(tmp_path, one=long) as served:
        heard = await served.ask()
    assert (path(heard), said(heard)["code"]) == ((400, "near:context"), "context_length_exceeded")


async def test_a_deadline_ends_it_whatever_is_tried(tmp_path: Path) -> None:
    changes = {"routes": {"texts": {"deadline": "500ms"}}}
    async with embedder(tmp_path, changes, one=Answer(stall=True)) as served:
        heard = await served.ask()
    assert (path(heard), said(heard)["code"]) == ((504, "near:timeout"), "deadline_exceeded")


async def test_a_breaker_opens_and_lets_one_probe_through(tmp_path: Path) -> None:
    changes = {"deployments": {"one": {"breaker": {"failures": 2, "open_for": "1m"}}}}
    broken = [Answer(status=500, error="no")] * 2 + [Answer(text="well again")]
    async with embedder(tmp_path, changes, one=broken) as served:
        first, second = await served.ask("one"), await served.ask("one")
        served.later.append(61)
        third = await served.ask("one")
    assert path(first) == (500, "one:status_500,one:status_500")
    assert (path(second), said(second)["code"]) == ((503, "one:open"), "unavailable")
    assert 1 <= int(second.headers["retry-after"]) <= 60
    assert path(third) == (200, "one:ok")


@pytest.mark.parametrize("status", [404, 500, 501])
async def test_who_cannot_embed_is_asked_for_chat_completions_all_the_same(tmp_path: Path, status: int) -> None:
    changes = {"deployments": {"one": {"breaker": {"failures": 1, "open_for": "1m"}}}}
    async with embedder(tmp_path, changes, one=Answer(status=status, error="not here")) as served:
        heard = [await served.ask("one") for _ in range(2)]
        assert path(heard[1])[1] == "one:open"
        assert served.counted("router_deployment_up", deployment="one") == 1
        assert served.service.pipeline.pool.members["one"].breaker is CLOSED
        assert await served.service.reload()
        assert path(await served.ask("one"))[1] == "one:open"


async def test_who_is_full_lets_the_next_one_have_it(tmp_path: Path) -> None:
    changes = {"deployments": {"one": {"concurrency": 1, "when_full": "spill"}}}
    async with embedder(tmp_path, changes, one=Answer(stall=True)) as served:
        first = asyncio.create_task(served.ask("one"))
        await served.fakes["one"].saw(1)
        alone, spilled = await served.ask("one"), await served.ask("near")
        first.cancel()
    assert (path(alone), said(alone)["code"]) == ((503, "one:full"), "unavailable")
    assert (spilled.status, spilled.headers["x-router-deployment"]) == (200, "two")


async def test_who_may_wait_waits_for_a_place(tmp_path: Path) -> None:
    changes = {"deployments": {"one": {"concurrency": 1}}}
    async with embedder(tmp_path, changes) as served:
        gate = served.fakes["one"].gate = asyncio.Event()
        asking = [asyncio.create_task(served.ask("one")) for _ in range(3)]
        await served.fakes["one"].saw(1)
        gate.set()
        assert [(await one).status for one in asking] == [200, 200, 200]


# --------------------------------------------------------------------------------------------------- models never mixed


async def test_a_tier_embeds_with_its_first_model_only(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served:
        for _ in range(4):
            assert (await served.ask("any")).status == 200
    assert served.calls() == {"one": 2, "two": 2}


async def test_a_failure_never_falls_back_to_another_model(tmp_path: Path) -> None:
    broken = Answer(status=503)
    async with embedder(tmp_path, one=broken, two=broken) as served:
        heard = await served.ask("any")
    assert heard.status == 503
    assert served.calls() == {"one": 2, "two": 2}


# ----------------------------------------------------------------------------------------------------- rules and people


async def test_a_key_is_needed_where_there_are_keys(tmp_path: Path) -> None:
    async with embedder(tmp_path, WITH_KEYS) as served:
        without = await served.ask()
        wrong = await served.ask(headers={"authorization": "Bearer sf-bob"})
        right = await served.ask(headers={"authorization": "Bearer sf-ann"})
        forwarded = served.fakes["one"].requests[0].headers["authorization"]
    assert ([without.status, wrong.status, right.status], forwarded) == ([401, 401, 200], "Bearer key-of-one")


HOME = {"deployments": {"two": {"labels": {"private": "true"}}}}


def ruled(**rule: Any) -> dict[str, Any]:
    return {**HOME, "routes": {"texts": {"rules": [{"name": "home", "require": {"private": "true"}, **rule}]}}}


@pytest.mark.parametrize("model", ["texts", "near"])
async def test_personal_data_stay_home_if_any_of_the_texts_has_some(tmp_path: Path, model: str) -> None:
    changes = ruled(when={"pii": ["email"]})
    texts = [*["nothing to see"] * 100, "write to ann@example.com"]
    async with embedder(tmp_path, changes) as served:
        for given in (texts, "ann@example.com"):
            heard = await served.ask(model, given)
            assert heard.headers["x-router-deployment"] == "two"
        others = {(await served.ask(model, "hello")).headers["x-router-deployment"] for _ in range(4)}
    assert others == {"one", "two"}


async def test_a_pattern_is_searched_in_every_text_and_not_in_the_first_alone(tmp_path: Path) -> None:
    changes = ruled(when={"regex": "(?i)project x"})
    async with embedder(tmp_path, changes) as served:
        heard = await served.ask(given=["a" * 5000, "b" * 5000, "about Project X"])
    assert (heard.status, heard.headers["x-router-deployment"]) == (200, "two")


@pytest.mark.parametrize(
    ("when", "more"),
    [
        ({"key": {"team": "eu"}}, {}),
        ({"headers": {"x-team": "eu"}}, {"headers": {"x-team": "eu"}}),
        ({"metadata": {"team": "eu"}}, {"metadata": {"team": "eu"}}),
        ({"tokens": {"min": 100}}, {"given": ["short", "long " * 100]}),
        ({"tokens": {"min": 100}}, {"given": [[1], [1] * 100]}),
        ({"language": ["greek"]}, {"given": ["hello", "καλημέρα κόσμε"]}),
        ({"tools": False, "images": False, "turns": {"max": 1}}, {}),
    ],
)
async def test_other_conditions_mean_what_they_mean_for_conversations(
    tmp_path: Path, when: dict[str, Any], more: dict[str, Any]
) -> None:
    headers = {"authorization": "Bearer sf-ann", **more.pop("headers", {})}
    async with embedder(tmp_path, {**ruled(when=when), **WITH_KEYS}) as served:
        for _ in range(2):
            heard = await served.ask(headers=headers, **more)
            assert (heard.status, heard.headers["x-router-deployment"]) == (200, "two")


async def test_a_rule_that_reads_texts_refuses_token_ids_which_nobody_can_read(tmp_path: Path) -> None:
    async with embedder(tmp_path, ruled(when={"pii": ["email"]})) as served:
        heard = await served.ask(given=[1, 2, 3])
    assert (heard.status, said(heard)["code"], served.calls()) == (400, "text_required", {})
    assert said(heard)["message"] == (
        "rule 'home' looks at the text, and token ids cannot be read: send the texts themselves"
    )


async def test_where_no_deployment_of_the_model_may_see_it_nobody_does(tmp_path: Path) -> None:
    rule = {"name": "home", "when": {"tools": False}, "require": {"private": "true"}}
    private = {"deployments": {"other": {"labels": {"private": "true"}}}}  # which is of another model
    async with embedder(tmp_path, {**private, "routes": {"any": {"rules": [rule]}}}) as served:
        heard = [await served.ask(model) for model in ("any", "near", "one")]
    assert [(one.status, said(one)["code"]) for one in heard] == [(403, "no_permitted_deployment")] * 3
    assert served.calls() == {}


async def test_a_fallback_stays_home_too(tmp_path: Path) -> None:
    async with embedder(tmp_path, ruled(when={"tools": False}), two=Answer(status=500, error="no")) as served:
        heard = await served.ask()
    assert (path(heard), served.calls()) == ((500, "near:status_500,near:status_500"), {"two": 2})


def handing(route: str) -> dict[str, Any]:
    rule = {"name": "away", "when": {"regex": "secret"}, "route": route}
    return {"routes": {"texts": {"rules": [rule]}, "same": {"cascade": [{"tier": "home"}]}}} | {
        "tiers": {"home": {"deployments": ["two"]}}
    }


async def test_a_rule_may_hand_on_to_a_route_of_the_same_model(tmp_path: Path) -> None:
    async with embedder(tmp_path, handing("same")) as served:
        heard = await served.ask(given="a secret")
        forced = await served.ask(given="a secret", headers={"x-router-tier": "near"})
    assert [heard.headers[f"x-router-{name}"] for name in ("route", "tier", "deployment")] == ["same", "home", "two"]
    assert (forced.headers["x-router-route"], forced.headers["x-router-tier"]) == ("texts", "near")


@pytest.mark.parametrize("route", ["elsewhere", "auto"])
async def test_a_rule_may_not_hand_on_to_another_model(tmp_path: Path, route: str) -> None:
    changes = handing(route)
    changes["routes"]["elsewhere"] = {"cascade": [{"tier": "far"}]}
    del changes["routes"]["same"], changes["tiers"]
    async with embedder(tmp_path, changes) as served:
        heard, plain = await served.ask(given="a secret"), await served.ask()
    assert (heard.status, said(heard)["code"], plain.status) == (400, "model_would_change", 200)
    assert served.calls() == {"one": 1}


# ---------------------------------------------------------------------------------------------------------------- money


async def test_what_it_costs_is_told_and_counted(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 1000, "total_tokens": 1000}
    async with embedder(tmp_path, one=Answer(json=embeddings(usage=usage))) as served:
        heard = await served.ask()
        cost = served.counted("router_cost_usd_total", route="texts", tier="near", deployment="one", kind="served")
        tokens = served.counted("router_tokens_total", route="texts", kind="input")
    assert (heard.headers["x-router-cost-usd"], round(cost, 9), tokens) == ("0.002000000", 0.002, 1000)


@pytest.mark.parametrize("model", ["one", "other"])
async def test_a_cost_that_nobody_knows_is_counted_as_unknown(tmp_path: Path, model: str) -> None:
    async with embedder(tmp_path, one=Answer(json=embeddings())) as served:
        heard = await served.ask(model)
        unknown = served.counted("router_cost_unknown_total", deployment=model)
    assert (heard.status, "x-router-cost-usd" in heard.headers, unknown) == (200, False, 1)


async def test_a_request_that_would_cost_too_much_is_not_made(tmp_path: Path) -> None:
    async with embedder(tmp_path, {"routes": {"texts": {"max_cost_usd": 0.003}}}) as served:
        cheap = await served.ask(given="x" * 4000, headers={"x-router-max-cost-usd": "0.01"})
        dearer = await served.ask(given="x" * 4000, headers={"x-router-max-cost-usd": "0.002"})
        dear = [
            await served.ask(given="x" * 4000, headers={"x-router-max-cost-usd": "0.001"}),
            await served.ask(given="x" * 40000),
        ]
    assert [one.headers.get("x-router-deployment") for one in (cheap, dearer)] == ["one", "one"]
    assert [(one.status, said(one)["code"]) for one in dear] == [(400, "max_cost_exceeded")] * 2
    assert [said(one)["param"] for one in dear] == ["x-router-max-cost-usd", None]


# --------------------------------------------------------------------------------------------------------- who has left


async def leaves(served: Embedder) -> None:
    """Ask, wait until somebody works for it, hang up, and wait until that has been noticed."""
    async with talk(served.base_url) as client:
        body = orjson.dumps({"model": "one", "input": "hi"})
        client.send("POST", "/v1/embeddings", {"host": "proxy", "content-length": str(len(body))}, body)
        await served.fakes["one"].saw(1)
        client.hang_up()
    await served.fakes["one"].left(1)


async def test_who_leaves_ends_the_upstream_s_work_and_is_counted_once(tmp_path: Path) -> None:
    async with embedder(
        tmp_path, {"deployments": {"one": {"concurrency": 1}}}, one=[Answer(stall=True), Answer(text="x")]
    ) as served:
        await leaves(served)
        again = await served.ask("one")
        left = served.counted("router_requests_total", outcome="left", route="one")
        counted = served.counted("router_client_disconnects_total")
        unknown = served.counted("router_cost_unknown_total", deployment="one")
    assert (again.status, left, counted, unknown) == (200, 1, 1, 1)


async def test_who_leaves_before_the_request_is_whole_is_counted_too(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served:
        async with talk(served.base_url) as client:
            client.send("POST", "/v1/embeddings", {"host": "proxy", "content-length": "100"}, b'{"model": ')
            await until(lambda: served.service.inflight)
            client.hang_up()
        await until(lambda: served.counted("router_client_disconnects_total"))
    assert served.calls() == {}


async def test_who_waits_for_a_place_waits_no_longer_than_the_deadline(tmp_path: Path) -> None:
    places = {"deployments": {"one": {"concurrency": 1}, "two": {"concurrency": 1}}}
    changes = {**places, "routes": {"texts": {"deadline": "500ms"}}}
    stalled = Answer(stall=True)
    async with embedder(tmp_path, changes, one=stalled, two=stalled) as served:
        busy = [asyncio.create_task(served.ask(name)) for name in ("one", "two")]
        for name in ("one", "two"):
            await served.fakes[name].saw(1)
        heard = await served.ask()
        for one in busy:
            one.cancel()
    assert (path(heard), said(heard)["code"]) == ((504, "near:full"), "deadline_exceeded")


async def test_who_waited_while_the_breaker_opened_is_not_sent_there(tmp_path: Path) -> None:
    changes = {"deployments": {"one": {"concurrency": 1, "breaker": {"failures": 1, "open_for": "1m"}}}}
    async with embedder(tmp_path, changes, one=Answer(status=500, error="no")) as served:
        gate = served.fakes["one"].gate = asyncio.Event()
        first, second = (asyncio.create_task(served.ask("one")) for _ in range(2))
        await served.fakes["one"].saw(1)
        await until(lambda: served.service.inflight == 2)
        await all_blocked()
        gate.set()
        heard = await asyncio.gather(first, second)
    assert sorted(path(one) for one in heard) == [(500, "one:status_500,one:open"), (503, "one:open")]


# ------------------------------------------------------------------------------------------------------ what is counted


async def test_metrics_call_it_embeddings_and_no_chat(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served:
        await served.ask()
        await served.post("/v1/chat/completions", {"model": "near", "messages": [{"role": "user", "content": "hi"}]})
        name = "gen_ai_client_operation_duration_seconds_count"
        calls = [served.counted(name, gen_ai_operation_name=one) for one in ("embeddings", "chat")]
        tokens = "gen_ai_client_token_usage_count"
        usage = [
            served.counted(tokens, gen_ai_operation_name=one, gen_ai_token_type=kind)
            for one in ("embeddings", "chat")
            for kind in ("input", "output")
        ]
        requests = served.counted(
            "router_requests_total", route="texts", start="near", tier="near", outcome="ok", band=""
        )
    assert (calls, usage, requests) == ([1, 1], [1, 0, 1, 1], 1)


async def test_what_a_deployment_does_not_take_is_left_out_and_counted(tmp_path: Path) -> None:
    async with embedder(tmp_path, {"deployments": {"one": {"drop": ["user"]}}}) as served:
        await served.ask("one", user="u")
        counted = served.counted("router_fields_dropped_total", deployment="one", field="user")
        sent = served.fakes["one"].requests[0].data
    assert (counted, sent) == (1, {"model": "bge", "input": "hello you"})


async def test_a_client_s_trace_reaches_the_deployment(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served:
        await served.ask("one")
        served.service.pipeline.traced = 1.0
        await served.ask("one", headers={"traceparent": f"00-{'4b' * 16}-{'00f067aa0ba902b7'}-01"})
        before, after = served.fakes["one"].requests
    assert "traceparent" not in before.headers
    assert after.headers["traceparent"].startswith(f"00-{'4b' * 16}-")


async def test_the_log_and_the_decision_tell_of_it(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served:
        heard = await served.ask()
        identity = heard.headers["x-request-id"]
        async with talk(served.base_url) as client:
            told = await client.say("GET", f"/v1/decisions/{identity}", {"host": "proxy"})
    line = orjson.loads(served.log.read_bytes().splitlines()[0])
    assert (line["id"], line["operation"], line["path"], line["output_tokens"]) == (
        identity,
        "embeddings",
        "near:ok",
        0,
    )
    assert (told.status, orjson.loads(told.body)["path"][0]["deployment"]) == (200, "one")


async def test_a_record_of_it_is_of_a_kind_of_its_own(tmp_path: Path) -> None:
    async with embedder(tmp_path, {"records": {"path": "records", "content": "full"}}) as served:
        heard = await served.ask(given="a word that nobody keeps")
        await served.ask("auto")
    (segment,) = (tmp_path / "records").rglob("*.jsonl")
    lines = [orjson.loads(line) for line in segment.read_bytes().splitlines()]
    kinds = [line["kind"] for line in lines if line["kind"] != "plan"]
    (first, second) = (line for line in lines if line["kind"] == "embeddings")
    assert (kinds, b"nobody keeps" in segment.read_bytes()) == (["embeddings", "embeddings"], False)
    assert (first["id"], first["route"], first["cost"], first["status"]) == (
        heard.headers["x-request-id"],
        "texts",
        1.2e-05,
        200,
    )
    assert (second["error"], second["attempts"]) == ("tier_not_chosen", [])


async def test_nothing_is_learned_from_it_about_a_route_with_a_choice(tmp_path: Path) -> None:
    """Its money, its time and its success are a tier's, not the route's, whose thresholds are moved by such numbers."""
    changes = {"routes": {"auto": {"difficulty": "builtin", "shadow": {"rate": 1}}}}
    async with embedder(tmp_path, changes) as served:
        heard = await served.ask("auto", headers={"x-router-tier": "near"})
        await served.service.shadows.settled()
        for name in ("router_requests_total", "router_request_seconds_count", "router_cost_usd_total"):
            assert (name, served.counted(name, route="auto")) == (name, 0)
        learned = [
            served.counted(name)
            for name in ("router_baseline_usd_total", "router_quality_weight_total", "router_shadows_total")
        ]
        feedback = await served.post("/v1/feedback", {"id": heard.headers["x-request-id"], "score": 0})
        evidence = served.counted("router_quality_weight_total")
    assert (heard.status, learned, feedback.status, evidence) == (200, [0, 0, 0], 202, 0)
    assert served.calls() == {"one": 1}


# ----------------------------------------------------------------------------------------------------- limits of a key

ANN = {"authorization": "Bearer sf-ann"}


def limited(**limit: Any) -> dict[str, Any]:
    return {**WITH_KEYS, "limits": {"everybody": limit}}


async def test_embeddings_and_chat_completions_share_a_key_s_limit(tmp_path: Path) -> None:
    async with embedder(tmp_path, limited(requests_per_minute=2)) as served:
        first = await served.ask(headers=ANN)
        chat = {"model": "near", "messages": [{"role": "user", "content": "hi"}]}
        second = await served.post("/v1/chat/completions", chat, ANN)
        third = await served.ask(headers=ANN)
        failures = served.counted("router_requests_total", route="texts", outcome="error")
    left = [one.headers.get("x-ratelimit-remaining-requests") for one in (first, second)]
    assert (first.status, second.status, left) == (200, 200, ["1", "0"])
    assert (third.status, said(third)["code"], "x-router-route" in third.headers) == (429, "rate_limit_exceeded", False)
    assert (sum(served.calls().values()), failures) == (2, 0)


async def test_tokens_are_taken_as_estimated_and_given_back_as_used(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 10, "total_tokens": 10}
    async with embedder(tmp_path, limited(tokens_per_minute=1000), one=Answer(json=embeddings(usage=usage))) as served:
        first = await served.ask("one", "x" * 2000, ANN)
        second = await served.ask("one", "x" * 3900, ANN)
        third = await served.ask("one", "x" * 4004, ANN)
    assert [one.status for one in (first, second, third)] == [200, 200, 400]
    assert (said(third)["code"], len(served.fakes["one"].requests)) == ("prompt_exceeds_limit", 2)


async def test_who_has_spent_a_day_s_money_waits_for_the_next(tmp_path: Path) -> None:
    changes = {**limited(usd_per_day=0.001), "deployments": {"one": {"price": {"input": 1000, "output": 0}}}}
    async with embedder(tmp_path, changes) as served:
        first, second = await served.ask("one", headers=ANN), await served.ask("one", headers=ANN)
    assert (first.status, second.status, said(second)["code"]) == (200, 429, "insufficient_quota")


async def test_a_place_is_given_back_whatever_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with embedder(
        tmp_path, limited(parallel=1, requests_per_minute=9), one=Answer(status=500, error="no")
    ) as served:
        heard = [await served.ask("one", headers=ANN), await served.ask("auto", headers=ANN)]
        with monkeypatch.context() as broken:
            broken.delattr(type(served.service.pipeline.pool), "order")
            heard.append(await served.ask("near", headers=ANN))
        heard.append(await served.ask("two", headers=ANN))
    assert [one.status for one in heard] == [500, 400, 500, 200]
    left = [one.headers.get("x-ratelimit-remaining-requests") for one in heard]
    assert left == ["8", None, None, "6"]  # a fault of ours knows nothing of it, and who names no tier asks for nothing


async def test_who_leaves_gives_the_place_back(tmp_path: Path) -> None:
    async with embedder(tmp_path, limited(parallel=1), one=Answer(stall=True)) as served:
        async with talk(served.base_url) as client:
            body = orjson.dumps({"model": "one", "input": "hi"})
            client.send("POST", "/v1/embeddings", {"host": "proxy", "content-length": str(len(body)), **ANN}, body)
            await served.fakes["one"].saw(1)
            full = await served.ask("two", headers=ANN)
            client.hang_up()
        await served.fakes["one"].left(1)
        again = await served.ask("two", headers=ANN)
    assert (full.status, again.status) == (429, 200)
