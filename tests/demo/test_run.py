"""The driver meets a proxy; here a fake that sends the proxy's headers."""

import asyncio
from collections.abc import Callable

from router.demo.answers import Answer
from router.demo.recorded import RecordedAnswers
from router.demo.run import Served, drive
from router.demo.upstream import FakeUpstream
from router.demo.wire import Received
from router.demo.workload import Recorded, Row, load

ROWS = load()
TUNED = {"x-router-tier": "tuned", "x-router-path": "tuned:ok"}


def row(name: str = "1") -> Row:
    return Row(name, "t", ({"role": "user", "content": f"question {name}"},), {"tuned": Recorded(1, "yes")})


async def driven(answer: Callable[[Received], Answer] | Answer, rows: tuple[Row, ...]) -> tuple[Served, ...]:
    async with FakeUpstream(answer) as upstream:
        return await drive(upstream.base_url, rows)


def proxied(tier: str) -> Callable[[Received], Answer]:
    """What a proxy that sends everything to one tier answers."""
    recorded = RecordedAnswers(ROWS, tier)

    def answer(request: Received) -> Answer:
        said = recorded(request)
        headers = {"X-Router-Tier": tier, "x-router-path": f"{tier}:ok"}
        return Answer(text=said.text, tool_calls=said.tool_calls, headers=headers)

    return answer


async def test_every_answer_arrives_as_it_was_recorded_whole_and_streamed() -> None:
    served = await driven(proxied("tuned"), ROWS)
    assert [one.error for one in served] == [None] * len(ROWS)
    assert [one.row.id for one in served] == [each.id for each in ROWS]
    for one in served:
        recorded = one.row.outcomes["tuned"]
        assert (one.reading.text, one.reading.tool_calls) == (recorded.answer, recorded.tool_calls)
        assert one.tier == "tuned"
        assert one.reading.usage is not None
    assert sum(one.stream for one in served) == len(ROWS) // 3
    assert {one.stream for one in served if one.reading.tool_calls} == {True, False}


async def test_what_a_row_adds_reaches_the_proxy() -> None:
    seen: list[Received] = []

    def answer(request: Received) -> Answer:
        seen.append(request)
        return Answer(text="yes")

    adds = Row("1", "t", ({"role": "user", "content": "hi"},), {}, request={"temperature": 0, "new_field": [1]})
    await driven(answer, (adds,))
    body = seen[0].data
    assert (body["model"], body["temperature"], body["new_field"], body["messages"]) == (
        "auto",
        0,
        [1],
        [{"role": "user", "content": "hi"}],
    )


async def test_a_refused_request_is_an_error_with_its_headers() -> None:
    answer = Answer(status=404, error={"message": "no route named 'auto'"}, headers={"x-request-id": "r1"})
    (one,) = await driven(answer, (row(),))
    assert one.tier is None
    assert one.error is not None
    assert one.error.startswith("404: ")
    assert "no route named 'auto'" in one.error
    assert one.headers["x-request-id"] == "r1"


async def test_a_stream_that_breaks_is_an_error_and_the_others_go_on() -> None:
    def answer(request: Received) -> Answer:
        if request.data["stream"]:
            return Answer(stream=["ye", "s"], cut_after=2, headers=TUNED)
        return Answer(text="yes", headers=TUNED)

    served = await driven(answer, (row("1"), row("2"), row("3")))
    assert [one.error is None for one in served] == [True, True, False]
    assert served[2].tier is None
    assert served[2].path == (("tuned", "ok"),)


async def test_an_error_event_in_a_stream_is_an_error() -> None:
    event = {"error": {"message": "the answer broke off", "type": "upstream_error", "param": None, "code": "x"}}

    served = await driven(
        Answer(stream=["ye", {"event": event}], finish=None, done=False), (row("1"), row("2"), row("3"))
    )
    assert "the answer broke off" in str(served[2].error)


async def test_no_more_requests_are_under_way_than_allowed() -> None:
    gate, most = asyncio.Event(), 0

    def answer(_request: Received) -> Answer:
        nonlocal most
        most = max(most, upstream.open)
        return Answer(text="yes", gate=gate)

    upstream = FakeUpstream(answer)
    async with upstream:
        driving = asyncio.create_task(drive(upstream.base_url, [row(str(n)) for n in range(6)], concurrency=2))
        await upstream.saw(2)
        gate.set()
        assert len(await driving) == 6
    assert most == 2


def test_a_path_is_read_tier_by_tier() -> None:
    one = Served(row(), False, 0.1, headers={"x-router-path": "tuned:truncated,frontier:ok"})  # noqa: FBT003
    assert one.path == (("tuned", "truncated"), ("frontier", "ok"))
    assert Served(row(), stream=False, seconds=0).path == ()
