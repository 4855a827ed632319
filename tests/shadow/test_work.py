"""Shadows at work, over a pipeline that answers from memory."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from router.clock import Clock
from router.consider import Caller
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.shadow import Shadows, Told
from router.shadow.work import _MOST_WAITING
from tests.canned import SILENCE, Canned, answer
from tests.plans import plan
from tests.proxy import proxy
from tests.shadow.served import THREE_TIERS, hello, policy, watched
from tests.talking import talk
from tests.upstream.pieces import chunk
from tests.waiting import all_blocked

LONG = "one two three four five six seven"
JUDGE = """
  referee: {base_url: "http://127.0.0.1:9/v1", model: r, price: {input: 10, output: 10}}
tiers:"""


def judged(**shadow: Any) -> str:
    return policy(judge={"deployment": "referee"}, **shadow).replace("\ntiers:", JUDGE)


async def test_the_other_tier_is_asked_after_the_client_was_served() -> None:
    one = watched(Canned(answer("Paris")), Canned(answer("paris.")), policy())
    assert b"Paris" in await one.serve()
    assert one.house.big.asked == []  # nobody waited for that
    await one.shadows.settled()

    assert [orjson.loads(body)["model"] for body in one.house.big.asked] == ["b"]
    (found,) = one.evidence
    assert (found.tier, found.score, found.reference, found.weight) == ("tuned", 1.0, 1.0, 1.0)
    assert found.id == one.house.outcomes[0].id
    (aside,) = one.asides
    assert (aside.kind, aside.tier, aside.deployment, aside.result) == ("shadow", "frontier", "big", "answered")
    assert aside.cost == pytest.approx(30 * 10 / 1e6)


async def test_the_small_tier_is_asked_after_the_large_one_for_pennies() -> None:
    one = watched(Canned(answer("41")), Canned(answer("42")), policy(0.9))
    await one.ask()
    (found,) = one.evidence
    assert (found.tier, found.score) == ("tuned", 0.0)
    assert one.asides[0].cost == pytest.approx(30 / 1e6)


async def test_a_stream_is_compared_whole() -> None:
    pieces = [chunk("Par"), chunk("is"), chunk(finish="stop"), b"data: [DONE]\n\n"]
    one = watched(Canned(pieces=pieces), Canned(answer("Paris")), policy())
    await one.ask(hello(stream=True))
    assert [found.score for found in one.evidence] == [1.0]
    assert "stream" not in orjson.loads(one.house.big.asked[0])


async def test_the_tier_s_own_prompt_and_params_shape_what_is_asked() -> None:
    text = policy(0.9).replace(
        "tuned: {deployments: [small]}",
        "tuned: {deployments: [small], params: {temperature: 0}, prompt: {system: lean.md}}",
    )
    text = text.replace("prompt: {system: lean.md}", 'prompt: {append: "Be brief."}')
    one = watched(Canned(answer("41")), Canned(answer("42")), text)
    await one.ask()
    sent = orjson.loads(one.house.small.asked[0])
    assert sent["temperature"] == 0
    assert "Be brief." in str(sent["messages"])
    assert "Be brief." not in str(orjson.loads(one.house.big.asked[0])["messages"])


async def test_a_shadow_s_answer_that_its_checks_refuse_is_told_as_one_that_escalates() -> None:
    one = watched(Canned(answer("cut of", "length")), Canned(answer("42")), policy(0.9))
    await one.ask()
    assert [found.passed for found in one.evidence] == [False]
    assert one.escalations == []  # nothing was escalated


async def test_an_escalation_is_compared_with_its_draft_for_nothing() -> None:
    one = watched(Canned(answer("cut of", "length")), Canned(answer("whole")), policy(rate=0))
    await one.ask()
    assert (one.asides, one.escalations) == ([], [("auto", "rescued")])
    assert [(found.tier, found.score, found.passed, found.weight) for found in one.evidence] == [
        ("tuned", 0.0, False, 1.0)
    ]


async def test_without_shadows_in_the_policy_nothing_happens() -> None:
    one = watched(Canned(answer("cut", "length")), Canned(answer("b")))
    one.shadows.serve(plan(), one.house.pipeline.pool)
    await one.ask()
    assert (one.asides, one.evidence, one.escalations) == ([], [], [])


async def test_of_three_tiers_each_is_compared_with_the_last() -> None:
    one = watched(Canned(answer("yes")), Canned(answer("no")), THREE_TIERS, tiny=Canned(answer("No.")))
    await one.ask()
    assert {found.tier: found.score for found in one.evidence} == {"tuned": 0.0, "nano": 1.0}
    assert {aside.tier for aside in one.asides} == {"nano", "frontier"}


async def test_where_the_last_tier_has_no_answer_nothing_is_learned() -> None:
    one = watched(Canned(answer("yes")), Canned(answer(), status=500), policy())
    await one.ask()
    assert (one.evidence, [aside.result for aside in one.asides]) == ([], ["status_500"])


async def test_dollars_end_before_requests_do() -> None:
    """An answer is held to cost 0.0412 at most and costs 0.0003, so that five or six fit into 0.043 US dollars."""
    one = watched(Canned(answer("a")), Canned(answer("b")), policy(usd_per_hour=0.043))
    for _ in range(12):
        await one.ask()
    results = [aside.result for aside in one.asides]
    assert set(results) == {"answered", "budget"}
    assert sum(aside.cost or 0.0 for aside in one.asides) <= 0.043


async def test_a_share_of_the_dollars_is_one_process_s() -> None:
    one = watched(Canned(answer("a")), Canned(answer("b")), policy(usd_per_hour=0.05))
    poor = Shadows(Told(one.asides.append), Clock(draw=lambda: 0.0), share=0.5)
    poor.serve(one.house.pipeline.plan, one.house.pipeline.pool)
    await one.serve()
    poor.offer(one.house.outcomes[0])
    await poor.settled()
    assert one.asides[-1].result == "budget"


async def test_few_run_at_once_some_wait_and_the_rest_is_dropped() -> None:
    one = watched(Canned(answer("a")), Canned(SILENCE), policy(concurrency=2))
    for _ in range(2 + _MOST_WAITING + 3):
        await one.serve()
    await all_blocked()
    assert [aside.result for aside in one.asides] == ["queue"] * 3
    assert len(one.house.big.asked) == 2
    await one.shadows.aclose()
    assert one.house.pipeline.pool.members["big"].busy == 0


async def test_long_conversations_do_not_wait_in_numbers() -> None:
    one = watched(Canned(answer("a")), Canned(SILENCE), policy(concurrency=1).replace("    context_window: 1000\n", ""))
    await one.serve()
    for _ in range(2):
        await one.serve(hello(messages=[{"role": "user", "content": "word " * 1_000_000}]))
    assert [aside.result for aside in one.asides] == ["queue"]
    await one.shadows.aclose()


async def test_what_waits_has_its_turn() -> None:
    one = watched(Canned(answer("a")), Canned(answer("b")), policy(concurrency=1))
    for _ in range(5):
        await one.serve()
    await one.shadows.settled()
    assert len(one.evidence) == 5


async def test_when_the_server_stops_everything_is_given_up() -> None:
    one = watched(Canned(answer("a")), Canned(SILENCE), policy(concurrency=1))
    await one.serve()
    await one.serve()
    await all_blocked()
    await one.shadows.aclose()
    await one.shadows.settled()
    assert (len(one.house.big.asked), one.house.pipeline.pool.members["big"].busy) == (1, 0)
    await one.ask()
    assert len(one.house.big.asked) == 1


async def test_after_a_reload_what_was_served_before_says_nothing() -> None:
    one = watched(Canned(answer("a")), Canned(answer("b")), policy(concurrency=1))
    await one.serve()
    await one.serve()
    other = plan(policy().replace("model: b", "model: b2"))
    one.shadows.serve(other, one.house.pipeline.pool)
    await one.shadows.settled()
    assert (one.evidence, {aside.result for aside in one.asides}) == ([], {"stale"})


async def test_a_reload_does_not_fill_the_purse_again() -> None:
    one = watched(Canned(answer("a")), Canned(answer("b")), policy(usd_per_hour=0.0413))
    await one.ask()
    await one.ask()
    one.shadows.serve(one.house.pipeline.plan, one.house.pipeline.pool)
    await one.ask()
    assert [aside.result for aside in one.asides] == ["answered", "budget", "budget"]


async def test_a_route_that_is_gone_is_not_looked_at() -> None:
    one = watched(Canned(answer("a")), Canned(answer("b")), policy())
    one.shadows.serve(plan(policy().replace("auto: {", "other: {")), one.house.pipeline.pool)
    await one.ask()
    assert one.asides == []


async def test_a_fault_of_ours_ends_one_shadow_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    one = watched(Canned(answer("a")), Canned(b"x"), policy())

    async def faulty(body: bytes) -> None:
        raise ZeroDivisionError(body)

    one.house.big.whole = faulty  # type: ignore[assignment, method-assign]
    assert b"a" in await one.ask()
    assert "a shadow ended in a fault of ours" in capsys.readouterr().err
    assert one.house.pipeline.pool.members["big"].busy == 0
    await one.ask()
    assert one.evidence == []


# --------------------------------------------------------------------------------------------------------------- judge


async def test_prose_is_judged_blind_in_both_orders() -> None:
    referee = Canned(answer('A is fine. {"a": 9, "b": 5}'))
    one = watched(Canned(answer(LONG)), Canned(answer(f"not {LONG}")), judged(), referee=referee)
    await one.ask()

    first, second = (orjson.loads(body)["messages"][1]["content"] for body in referee.asked)
    assert f"<answer_a>\n{LONG}" in first
    assert f"<answer_b>\n{LONG}" in second
    agreed, good = one.evidence
    assert (agreed.measure, good.measure, good.source) == ("agreement", "quality", "judge")
    assert [good.score, good.reference] == pytest.approx([0.7, 0.7])  # it likes what stands first
    assert [aside.kind for aside in one.asides] == ["shadow", "judge", "judge"]


async def test_values_are_compared_as_values_unless_everything_is_judged() -> None:
    for compare, asked in (("auto", 0), ("judge", 2)):
        referee = Canned(answer('{"a": 9, "b": 5}'))
        one = watched(Canned(answer("41")), Canned(answer("42")), judged(compare=compare), referee=referee)
        await one.ask()
        assert len(referee.asked) == asked


async def test_a_judge_that_makes_no_sense_is_counted_and_not_believed() -> None:
    one = watched(Canned(answer(LONG)), Canned(answer(f"no {LONG}")), judged(), referee=Canned(answer("both great")))
    await one.ask()
    assert [found.measure for found in one.evidence] == ["agreement"]
    assert [(aside.kind, aside.result) for aside in one.asides] == [("shadow", "answered"), ("judge", "unreadable")]
    assert one.asides[1].cost == pytest.approx(30 * 10 / 1e6)


async def test_a_judge_says_whether_an_escalation_made_it_worse() -> None:
    referee = Canned(answer('{"a": 5, "b": 5}'))
    one = watched(Canned(answer(LONG, "length")), Canned(answer(f"no {LONG}")), judged(), referee=referee)
    await one.ask()
    assert one.escalations == [("auto", "same")]


async def test_a_draft_that_was_not_drawn_is_not_worth_a_judge() -> None:
    referee = Canned(answer('{"a": 5, "b": 5}'))
    one = watched(Canned(answer(LONG, "length")), Canned(answer("no")), judged(rate=0), referee=referee)
    await one.ask()
    assert (referee.asked, [found.measure for found in one.evidence]) == ([], ["agreement"])


# --------------------------------------------------------------------------------------------------------- whole proxy


async def test_a_proxy_counts_what_its_shadows_cost(tmp_path: Any) -> None:
    changes = {"routes": {"auto": {"shadow": {"rate": 1.0, "usd_per_hour": 5}}}}
    async with proxy(tmp_path, Answer(text="Paris"), Answer(text="Paris."), changes) as served:
        heard: list[Any] = []
        served.service.books.learners.append(heard.append)
        async with talk(served.base_url) as client:
            body = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": "capital of France?"}]})
            head = {"host": "x", "content-length": str(len(body)), "content-type": "application/json"}
            assert (await client.say("POST", "/v1/chat/completions", head, body)).status == 200
        await served.service.shadows.settled()
        assert served.counted("router_shadows_total", kind="shadow", result="answered") == 1
        assert served.counted("router_cost_usd_total", kind="shadow", tier="frontier") > 0
        assert served.counted("router_requests_total") == 1  # a shadow is no request
        assert [found.score for found in heard] == [1.0]


async def test_a_caller_s_own_threshold_may_be_looked_at_too() -> None:
    one = watched(Canned(answer("a")), Canned(answer("b")), policy())
    await one.ask(caller=Caller(threshold=0.0))
    assert [found.tier for found in one.evidence] == ["tuned"]


@pytest.mark.parametrize("difficulty", [0.2, 0.9], ids=["served by the small tier", "its shadow"])
async def test_the_judge_reads_each_answer_with_the_sources_it_was_made_with(tmp_path: Path, difficulty: float) -> None:
    finding = Answer.from_data({"json": {"chunks": [{"id": "kettle.md#1", "text": "It boils."}]}})
    async with FakeUpstream(finding) as finder, FakeUpstream(Answer(text='{"a": 9, "b": 3}')) as judge:
        shadow = {"rate": 1.0, "usd_per_hour": 100, "judge": {"deployment": "judge-a"}}
        changes = {
            "deployments": {"judge-a": {"base_url": judge.base_url, "model": "j", "price": {"input": 1, "output": 1}}},
            "tiers": {"tuned": {"context": {"url": f"{finder.base_url}/find"}}},
            "routes": {"auto": {"difficulty": difficulty, "shadow": shadow}},
        }
        cited = f"{LONG} [1]"
        async with proxy(tmp_path, Answer(text=cited), Answer(text=f"no {LONG}"), changes) as served:
            async with talk(served.base_url) as client:
                body = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": "how hot?"}]})
                head = {"host": "x", "content-length": str(len(body)), "content-type": "application/json"}
                assert (await client.say("POST", "/v1/chat/completions", head, body)).status == 200
            await served.service.shadows.settled()

    shown = {one.data["messages"][1]["content"] for one in judge.requests}
    source = '<source id="1">\nIt boils.\n</source>'
    request, answers = "<request>\nuser: how hot?\n</request>", (cited, f"no {LONG}")
    assert shown == {
        f"{request}\n\n<sources_{place}>\n{source}\n</sources_{place}>\n\n"
        f"<answer_a>\n{first}\n</answer_a>\n\n<answer_b>\n{second}\n</answer_b>"
        for place, first, second in (("a", *answers), ("b", *answers[::-1]))
    }
