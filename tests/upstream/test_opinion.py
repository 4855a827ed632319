"""What another deployment thinks of an answer: asked for in time, or else there is no opinion."""

from typing import Any

import pytest

from router.chat import Choice
from router.clock import SYSTEM
from router.demo.upstream import FakeUpstream
from router.upstream.connect import connect
from router.upstream.opinion import Opinion, opinion
from router.upstream.pool import Member
from router.verify import Judge
from tests.plans import TWO_TIERS, plan
from tests.verify.answers import asked, made, said


async def judged(answer: Any, *, busy: bool = False, failures: int = 0, within: float = 5.0) -> tuple[Opinion, Member]:
    check = made({"judge": {"deployment": "big"}})
    assert isinstance(check, Judge)
    async with FakeUpstream.from_data(answer) as fake:
        policy = TWO_TIERS.replace('"http://127.0.0.1:2/v1"', f'"{fake.base_url}", concurrency: 1')
        deployment = plan(policy).deployments["big"]
        member = Member(deployment, connect(deployment))
        for _ in range(failures):
            member.failed(SYSTEM.now())
        if busy:
            await member.enter()
        try:
            completion = said(Choice("stop", "hello"))
            return await opinion(check, asked(), completion, member, within=within, now=SYSTEM.now), member
        finally:
            await member.transport.aclose()


async def test_a_score_and_what_it_took() -> None:
    heard, member = await judged({"text": '{"score": 0.25}'})
    assert (heard.score, heard.asked, heard.usage is not None, member.busy) == (0.25, True, True, 0)


@pytest.mark.parametrize("answer", [{"text": "fine"}, {"status": 500}, {"stall": True}, {"reset": "before"}])
async def test_whatever_goes_wrong_is_no_opinion(answer: dict[str, Any]) -> None:
    heard, member = await judged(answer, within=0.2)
    assert (heard.score, heard.asked, member.busy) == (None, True, 0)


async def test_our_own_patience_says_nothing_about_the_judge_s_health_and_its_failures_do() -> None:
    _, slow = await judged({"stall": True}, within=0.05)
    _, down = await judged({"status": 500})
    assert (slow.breaker.failed, down.breaker.failed) == (0, 1)


async def test_whoever_is_down_or_full_is_not_asked() -> None:
    down, _ = await judged({"text": '{"score": 1}'}, failures=5)
    full, member = await judged({"text": '{"score": 1}'}, busy=True, within=0.05)
    assert (down, full) == (Opinion(asked=False), Opinion(asked=False))
    assert member.busy == 1
