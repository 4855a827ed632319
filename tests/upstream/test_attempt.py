"""One call to one deployment: what is an answer, and by which name the rest is known."""

from typing import Any

import pytest

from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.upstream import attempt
from router.upstream.connect import connect
from router.upstream.failure import Failure
from router.upstream.pool import Member
from tests.plans import plan
from tests.upstream.test_connect import ONE

BODY = b'{"model": "m", "messages": []}'
STREAM = b'{"model": "m", "messages": [], "stream": true}'


def member(upstream: FakeUpstream) -> Member:
    deployment = plan(ONE % (upstream.base_url, "")).deployments["a"]
    return Member(deployment, connect(deployment))


async def whole(answer: Answer, within: float = 10.0) -> attempt.Answer:
    async with FakeUpstream(answer) as upstream:
        asked = member(upstream)
        try:
            return await attempt.ask(asked, BODY, within=within)
        finally:
            await asked.transport.aclose()


async def test_a_whole_answer_is_its_own_bytes_and_what_they_say() -> None:
    raw = '{"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}'
    answer = await whole(Answer(raw=raw, headers={"content-type": "application/json; charset=utf-8"}))
    assert (answer.raw, answer.content_type) == (raw.encode(), "application/json; charset=utf-8")
    assert answer.completion.choices[0].content == "hi"


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        ({"status": 503}, "status_503", 503),
        ({"status": 201, "json": {}}, "status_2xx", 201),
        ({"raw": "<html>"}, "malformed", 200),
        ({"choices": []}, "malformed", 200),
        ({"json": {"choices": [{"message": None}]}}, "malformed", 200),
        ({"json": [1]}, "malformed", 200),
        ({"text": "hi", "finish": None}, "unfinished", 200),
        ({"reset": "before"}, "reset", None),
        ({"refuse": True}, "connect", None),
        ({"stall": True}, "timeout", None),
        ({"text": "hi", "cut_after": 0}, "reset", None),
    ],
)
async def test_everything_else_has_a_name(answer: dict[str, Any], reason: str, status: int | None) -> None:
    with pytest.raises(Failure) as caught:
        await whole(Answer.from_data(answer), within=0.1 if "stall" in answer else 10.0)
    assert (caught.value.reason, caught.value.status) == (reason, status)


async def test_a_stream_begins_with_its_head() -> None:
    async with FakeUpstream(Answer(text="hi", stall_after=1)) as upstream:
        asked = member(upstream)
        streamed = await attempt.begin(asked, STREAM, within=10.0)
        assert streamed.status == 200
        await streamed.aclose()
        await upstream.left(1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 429, "error": "slow down"}, "status_429"),
        ({"json": {"choices": []}}, "malformed"),
        ({"raw": "<html>", "headers": {"content-type": "text/html"}}, "malformed"),
        ({"stall": True}, "timeout"),
        ({"reset": "before"}, "reset"),
        ({"refuse": True}, "connect"),
    ],
)
async def test_what_is_no_stream_has_a_name_and_leaves_nothing_open(answer: dict[str, Any], reason: str) -> None:
    async with FakeUpstream.from_data(answer) as upstream:
        asked = member(upstream)
        with pytest.raises(Failure) as caught:
            await attempt.begin(asked, STREAM, within=0.1 if "stall" in answer else 10.0)
        assert caught.value.reason == reason
        await upstream.idle()


async def test_an_error_s_words_are_kept_and_an_endless_one_is_not_read_to_its_end() -> None:
    short = FakeUpstream(Answer(status=500, error="oops"))
    long = FakeUpstream(Answer(status=500, raw=b"x" * 2**20, split_at=[300 * 1024], stall_after=1))
    for upstream, size in ((short, 90), (long, 300 * 1024)):
        async with upstream:
            with pytest.raises(Failure) as caught:
                await attempt.begin(member(upstream), STREAM, within=10.0)
            assert 0 < len(caught.value.body) <= size
