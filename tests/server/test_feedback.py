"""What somebody says about an answer counts once, on any replica and long after, and only for whose it is."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from router import keys
from router.chat import Choice, Completion
from router.consider import ANYBODY, Caller
from router.demo.answers import Answer
from router.errors import BadRequest, Forbidden, NotFound, Unavailable
from router.ids import NONCE_BYTES, Signer, about
from router.outcome import Evidence
from router.plan import Plan
from router.records import Feedback
from router.server.decisions import Decisions
from router.server.feedback import Intake, Said, Taken, read
from router.store import Memory, Store
from tests.plans import TWO_TIERS, plan
from tests.proxy import KEY, Proxy, proxy
from tests.records.made import kept, outcome
from tests.server.down import Down
from tests.talking import Heard, talk

PLAN = plan()
ROUTE = PLAN.routes["auto"]
SIGNER = Signer(b"k" * 32)
ANN, BOB, GRADER = Caller("ann"), Caller("bob"), Caller("grader", {"feedback": "grader"})
MONTH = 30 * 86400.0


def signed(start: str = "tuned", model: str = "small", *, tenant: str = "ann", propensity: float = 1.0) -> str:
    said = about(tenant, ("auto", ROUTE.state), (start, 2, propensity), model)
    return SIGNER.sign(said, 1e9, bytes(NONCE_BYTES))


class Told:
    """What reached those who count."""

    def __init__(self, store: Store | None = None, plan: Plan = PLAN) -> None:
        self.store = store or Memory()
        self.decisions = Decisions(self.store)
        self.intake = Intake(SIGNER, self.store, self.decisions)
        self.plan = plan
        self.feedback: list[Feedback] = []
        self.taken: list[Taken] = []
        self.evidence: list[Evidence | None] = []
        self.agreed: list[bool | None] = []

    def count(self, feedback: Feedback, evidence: Evidence | None, taken: Taken, agreed: bool | None) -> None:  # noqa: FBT001
        self.feedback.append(feedback)
        self.taken.append(taken)
        self.evidence.append(evidence)
        self.agreed.append(agreed)

    async def say(self, identity: str, score: float = 1.0, caller: Caller = ANN, **more: Any) -> Taken:
        said = replace(Said(identity, score, None, "feedback", None), **more)
        whom = await self.intake.identify(said.id, caller, self.plan)
        return await self.intake.take(said, whom, caller, MONTH, self.count)


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_a_body_is_read() -> None:
    body = {"id": "req_0", "score": 1, "correction": "better", "source": "grader", "reference": 0.5, "else": []}

    assert read(orjson.dumps(body)) == Said("req_0", 1.0, "better", "grader", 0.5)
    assert read(b'{"id": "x", "score": 0}') == Said("x", 0.0, None, "feedback", None)


@pytest.mark.parametrize(
    ("raw", "param", "code"),
    [
        (b"[", None, "invalid_json"),
        (b"[]", None, "invalid_type"),
        (b'{"score": 1}', "id", "missing_required_parameter"),
        (b'{"id": 3, "score": 1}', "id", "invalid_type"),
        (b'{"id": "", "score": 1}', "id", "invalid_type"),
        (b'{"id": "x"}', "score", "missing_required_parameter"),
        (b'{"id": "x", "score": 1.1}', "score", "invalid_type"),
        (b'{"id": "x", "score": true}', "score", "invalid_type"),
        (b'{"id": "x", "score": "1"}', "score", "invalid_type"),
        (b'{"id": "x", "score": 1, "correction": 3}', "correction", "invalid_type"),
        (b'{"id": "x", "score": 1, "source": "god"}', "source", "invalid_type"),
        (b'{"id": "x", "score": 1, "source": ["a"]}', "source", "invalid_type"),
        (b'{"id": "x", "score": 1, "reference": -1}', "reference", "invalid_type"),
    ],
)
def test_a_body_that_does_not_say_it_is_refused(raw: bytes, param: str | None, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(raw)
    assert (refused.value.param, refused.value.code) == (param, code)


# --- whose ------------------------------------------------------------------------------------------------------------


async def test_the_signed_id_says_everything() -> None:
    told = Told()

    assert await told.say(signed(propensity=0.25), 0.5) == "counted"
    (evidence,) = told.evidence
    assert evidence is not None
    assert (evidence.tier, evidence.score, evidence.band, evidence.state) == ("tuned", 0.5, 2, ROUTE.state)
    assert evidence.weight == pytest.approx(4, rel=1e-3)
    assert (told.feedback[0].route, told.feedback[0].start, told.feedback[0].tier) == ("auto", "tuned", "tuned")


async def test_an_escalated_answer_is_the_next_tiers_and_counts_where_it_started() -> None:
    told = Told()
    await told.say(signed(model="big"))

    (evidence,) = told.evidence
    assert evidence is not None
    assert (evidence.tier, evidence.start) == ("frontier", "tuned")


@pytest.mark.parametrize("identity", [signed(tenant="bob"), signed()[:-1] + "A", "chatcmpl-9", "x" * 500])
async def test_what_is_another_tenants_or_nobodys_is_not_found(identity: str) -> None:
    with pytest.raises(NotFound) as refused:
        await Told().say(identity)
    assert refused.value.code == "request_not_found"


async def test_a_completions_id_leads_to_its_request_but_not_for_others() -> None:
    told = Told()
    answer = Completion((Choice("stop", "hi"),), None, None, "chatcmpl-1")
    told.decisions.remember(outcome(answer=answer, id=signed()))

    assert await told.say("chatcmpl-1") == "counted"
    assert told.feedback[0].id == signed()
    with pytest.raises(NotFound):
        await told.say("chatcmpl-1", caller=BOB)


async def test_a_grader_may_speak_of_every_tenants_answers() -> None:
    told = Told()

    assert await told.say(signed(), caller=GRADER, source="grader", reference=1.0) == "counted"
    (evidence,) = told.evidence
    assert evidence is not None
    assert (evidence.source, evidence.reference) == ("grader", 1.0)


async def test_others_may_not_speak_as_one() -> None:
    with pytest.raises(Forbidden, match="label feedback: grader would allow it"):
        await Told().say(signed(), source="grader")


async def test_without_keys_everybody_may() -> None:
    assert await Told().say(signed(tenant=""), caller=ANYBODY, source="judge") == "counted"


# --- once -------------------------------------------------------------------------------------------------------------


async def test_what_is_said_twice_counts_once_and_another_word_is_kept_but_not_counted() -> None:
    told = Told()
    results = [await told.say(signed(), score) for score in (1.0, 1.0, 0.0, 0.0)]

    assert results == ["counted", "repeated", "revised", "repeated"]
    assert [feedback.score for feedback in told.feedback] == [1.0, 0.0]
    assert told.taken == ["counted", "revised"]
    assert [evidence is not None for evidence in told.evidence] == [True, False]


async def test_another_replica_knows_what_was_said_before() -> None:
    shared = Memory()

    assert [await Told(shared).say(signed()) for _ in range(2)] == ["counted", "repeated"]


async def test_people_and_graders_each_have_their_word() -> None:
    told = Told()

    assert await told.say(signed()) == "counted"
    assert await told.say(signed(), caller=GRADER, source="grader") == "counted"


async def test_without_the_store_a_process_remembers_for_itself() -> None:
    told = Told(Down())
    results = [await told.say(signed(), score) for score in (1.0, 1.0, 0.0)]

    assert results == ["counted", "repeated", "revised"]
    with pytest.raises(Unavailable, match="x-request-id"):
        await told.say("chatcmpl-1")


async def test_its_own_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.server.feedback._REMEMBERED", 2)
    told = Told(Down())
    for model in ("a", "b", "c"):
        await told.say(signed(model=model))

    assert await told.say(signed(model="c")) == "repeated"
    assert await told.say(signed(model="a")) == "counted"


# --- what it says of a tier -------------------------------------------------------------------------------------------


async def test_feedback_about_what_a_route_was_is_taken_and_says_nothing_of_what_it_is() -> None:
    newer = Told(plan=plan(TWO_TIERS.replace("model: s", "model: s2")))

    assert await newer.say(signed()) == "outdated"
    assert newer.evidence == [None]
    assert (newer.feedback[0].route, newer.feedback[0].start) == ("auto", None)


async def test_feedback_about_a_route_that_is_gone_is_taken() -> None:
    other = Told(plan=plan(TWO_TIERS.replace("auto:", "support:")))

    assert await other.say(signed()) == "outdated"
    assert other.feedback[0].route is None


async def test_what_was_answered_by_nobody_says_nothing_of_a_tier() -> None:
    told = Told()
    await told.say(signed(model=""))

    assert told.evidence == [None]


@pytest.mark.parametrize(("judge", "people", "agreed"), [(1.0, 0.9, True), (0.2, 0.4, True), (1.0, 0.0, False)])
async def test_a_judge_is_measured_against_people(judge: float, people: float, agreed: bool) -> None:  # noqa: FBT001
    told = Told()
    told.intake.judged(Evidence(signed(), "auto", ROUTE.state, 2, "tuned", judge, source="judge"))
    await told.say(signed(), people)

    assert told.agreed == [agreed]


async def test_a_judge_of_another_answer_is_not() -> None:
    told = Told()
    told.intake.judged(Evidence(signed(), "auto", ROUTE.state, 2, "frontier", 1.0, source="judge"))
    await told.say(signed())
    await told.say(signed(), caller=GRADER, source="judge")

    assert told.agreed == [None, None]


# --- over HTTP --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def recording(folder: Path) -> AsyncIterator[Proxy]:
    changes: Mapping[str, Any] = {"records": {"path": "kept", "content": "full"}, "auth": {"keys": "keys.yaml"}}
    keys.add(folder / "keys.yaml", "ann", KEY, labels={}, now=0)
    keys.add(folder / "keys.yaml", "bob", "sf-bob", labels={}, now=0)
    async with proxy(folder, Answer(text="hi"), changes=changes) as one:
        yield one


async def post(one: Proxy, path: str, body: dict[str, Any], key: str = KEY) -> Heard:
    data = orjson.dumps(body)
    headers = {"host": "p", "authorization": f"Bearer {key}", "content-length": str(len(data))}
    async with talk(one.base_url) as client:
        return await client.say("POST", path, headers, data)


async def test_feedback_is_accepted_counted_and_recorded(tmp_path: Path) -> None:
    learned = list[Evidence]()
    async with recording(tmp_path) as one:
        one.service.books.learners.append(learned.append)
        chat = await post(
            one, "/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": "q"}]}
        )
        said = {"id": chat.headers["x-request-id"], "score": 0, "correction": "no"}
        heard = [await post(one, "/v1/feedback", said) for _ in range(2)]
        strangers = await post(one, "/v1/feedback", said, "sf-bob")
        wrong = await post(one, "/v1/feedback", {"id": said["id"]})
        count = one.counted("router_feedback_total", route="auto", source="feedback", result="told")

    assert [(each.status, orjson.loads(each.body)["result"]) for each in heard] == [(202, "counted"), (202, "repeated")]
    assert (strangers.status, wrong.status, count) == (404, 400, 1)
    assert [(one.tier, one.score) for one in learned] == [("tuned", 0.0)]
    (record,) = kept(tmp_path / "kept", "feedback")
    assert (record["id"], record["score"], record["correction"], record["start"]) == (said["id"], 0.0, "no", "tuned")
    (answered,) = [one for one in kept(tmp_path / "kept", "outcome") if one["status"] == 200]
    assert (answered["id"], answered["content"]["answer"][0]["content"]) == (said["id"], "hi")
