"""Where conversations stay: what is remembered, by whom it is found again, and when it is not."""

from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from router.chat import ChatRequest, Choice, Completion, Usage
from router.clock import Clock
from router.conversation import Pin, Session
from router.decide import Decision, Step
from router.outcome import Attempt, End, Outcome
from router.sessions import Sessions
from router.store import Memory, StoreDown, key
from tests.plans import asked, plan

PLAN = plan()
AUTO = PLAN.routes["auto"]
SMALL = Attempt("tuned", "small", "served", "ok", Usage(100, 20))
BIG = Attempt("frontier", "big", "served", "ok", Usage(200, 30))
TOOK = replace(SMALL, result="escalated", verdict="truncated")
DOWN = replace(SMALL, result="failed", verdict="status_503")
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


class Shared(Memory):
    """A store that other processes see too, such as this test's other replicas."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = True
        self.reads = 0
        self.down = False

    @override
    async def get(self, key: str) -> bytes | None:
        self.reads += 1
        if self.down:
            raise StoreDown
        return await super().get(key)


class House:
    """One replica, its time, and a client who goes on with what was said."""

    def __init__(self, store: Memory | None = None, name: str | None = None) -> None:
        self.now = 1000.0
        self.sessions = Sessions(store, Clock(wall=lambda: self.now))
        self.name = name
        self.said: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]

    async def goes_on(self) -> None:
        """A first turn that needs no remembering, so that the next is one of a conversation."""
        await self.turn(SMALL)

    async def find(self, tenant: str = "ann") -> Session:
        session = await self.sessions.find(AUTO, self.request, tenant, self.name)
        assert session is not None
        return session

    @property
    def request(self) -> ChatRequest:
        return asked(messages=self.said)

    async def turn(self, *attempts: Attempt, reason: str = "easy", answer: str = "hello", **choice: Any) -> None:
        """One turn: answered like this, and the client asks on."""
        session = await self.find()
        first = 0 if reason == "easy" or attempts[0].tier == "tuned" else 1
        tiers = [PLAN.tiers[name] for name in ("tuned", "frontier")][first:]
        outcome = Outcome(
            *("req_1", "p", 0.0, "auto", "route", "ann"),
            decision=Decision(tuple(Step(tier, tier.deployments) for tier in tiers), reason),
            attempts=attempts,
            request=self.request,
            answer=Completion((Choice("stop", answer, **choice),), None, None),
            session=session,
        )
        self.sessions.remember(outcome)
        calls = {"tool_calls": list(choice["tool_calls"])} if choice else {}
        self.said = [*self.said, {"role": "assistant", "content": answer, **calls}]
        result = {"role": "tool", "tool_call_id": "call_1", "content": "found"}
        self.said.append(result if choice else {"role": "user", "content": "and?"})

    async def pin(self) -> Pin | None:
        return (await self.find()).pin


async def test_a_conversation_that_begins_is_known_without_waiting_and_one_that_goes_on_is_not() -> None:
    one = House(name="mine")
    assert one.sessions.begun(AUTO, one.request, "ann", "mine") == await one.find()
    await one.goes_on()
    assert one.sessions.begun(AUTO, one.request, "ann", "mine") is None
    assert one.sessions.begun(replace(AUTO, sessions=None), asked(), "ann") is None


async def test_a_first_turn_has_no_pin_and_the_next_has_one() -> None:
    one = House()
    assert await one.pin() is None
    await one.turn(BIG, reason="hard")
    pin = await one.pin()
    assert pin is not None
    assert (pin.tier, pin.deployment, pin.since, pin.turns, pin.tokens) == ("frontier", "big", 1, 1, 230)


async def test_a_conversation_that_is_where_it_would_begin_anyway_takes_no_memory_yet() -> None:
    one = House()
    await one.turn(SMALL)
    assert await one.pin() is None
    await one.turn(SMALL)
    pin = await one.pin()
    assert pin is not None
    assert (pin.tier, pin.deployment, pin.since, pin.turns, pin.tokens) == ("tuned", "small", 3, 2, 120)


async def test_a_route_with_one_deployment_has_no_sessions() -> None:
    assert await Sessions().find(PLAN.routes["small"], asked(), None) is None


async def test_conversations_of_others_are_others_conversations() -> None:
    one = House()
    await one.turn(SMALL)
    assert (await one.find("bob")).pin is None


@pytest.mark.parametrize(
    ("attempts", "reason", "tier"),
    [
        ((SMALL,), "easy", "tuned"),
        ((TOOK, BIG), "easy", "frontier"),
        ((BIG,), "hard", "frontier"),
        ((DOWN, BIG), "easy", "tuned"),
        ((TOOK, replace(BIG, result="failed"), BIG), "easy", "frontier"),
        ((BIG,), "forced", ""),
        ((BIG,), "rule:images", ""),
    ],
)
async def test_where_a_conversation_stays(attempts: tuple[Attempt, ...], reason: str, tier: str) -> None:
    one = House()
    await one.goes_on()
    await one.turn(*attempts, reason=reason)
    pin = await one.pin()
    assert pin is not None
    assert pin.tier == tier


async def test_what_is_chosen_for_one_turn_leaves_the_conversation_where_it_was() -> None:
    one = House()
    await one.turn(TOOK, BIG)
    await one.turn(SMALL, reason="rule:short")
    pin = await one.pin()
    assert pin is not None
    assert (pin.tier, pin.deployment, pin.since) == ("frontier", "small", 3)


async def test_a_model_s_own_words_begin_where_it_took_over() -> None:
    one = House()
    await one.turn(SMALL)
    await one.turn(TOOK, BIG)
    await one.turn(BIG, reason="pinned")
    pin = await one.pin()
    assert pin is not None
    assert (pin.since, pin.turns) == (3, 3)


async def test_whoever_called_a_tool_gets_its_result() -> None:
    one = House()
    await one.turn(SMALL, answer="", tool_calls=(CALL,))
    assert (await one.find()).caller == "small"
    await one.turn(SMALL, reason="pinned")
    assert (await one.find()).caller is None


async def test_a_conversation_that_nobody_goes_on_with_is_forgotten() -> None:
    one = House()
    await one.goes_on()
    await one.turn(SMALL)
    one.now += 301
    pin = await one.pin()
    assert pin is not None
    assert pin.tokens == 0, "its prompt cache has gone cold"
    one.now += 3300
    assert await one.pin() is None


async def test_another_conversation_that_begins_alike_has_no_part_in_it() -> None:
    one, other = House(), House()
    other.sessions = one.sessions
    for house in (one, other):
        house.said = [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}, *house.said]
    await one.turn(TOOK, BIG)
    assert await other.pin() is None, "it has fewer turns"
    await other.turn(SMALL, answer="bonjour")
    assert await one.pin() is None, "its last answer is another"


async def test_a_session_with_a_name_is_found_whatever_the_client_makes_of_its_history() -> None:
    one = House(name="mine")
    await one.turn(TOOK, BIG)
    one.said = [{"role": "user", "content": "shortened"}, {"role": "assistant", "content": "…"}]
    pin = await one.pin()
    assert pin is not None
    assert pin.tier == "frontier"


@pytest.mark.parametrize("change", [{"end": "broken"}, {"answer": None}, {"session": None}])
async def test_what_no_client_got_pins_nothing(change: dict[str, Any]) -> None:
    one = House()
    outcome = Outcome("req_1", "p", 0.0, attempts=(SMALL,), request=one.request, session=await one.find())
    answer = Completion((Choice("stop", "hello"),), None, None)
    one.sessions.remember(replace(outcome, **{"answer": answer, **change}))
    one.said += [{"role": "assistant", "content": "hello"}]
    assert await one.pin() is None


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.sessions._MOST", 2)
    houses = [House(), House(), House()]
    for number, house in enumerate(houses):
        house.sessions = houses[0].sessions
        house.said = [{"role": "user", "content": str(number)}]
        await house.goes_on()
        await house.turn(SMALL)
    assert [await house.pin() is not None for house in houses] == [False, True, True]


async def test_another_replica_goes_on_where_one_left_off() -> None:
    store = Shared()
    one, other = House(store), House(store)
    await one.turn(TOOK, BIG)
    other.said = one.said
    assert await other.pin() == await one.pin() != None  # noqa: E711  both, and there is one


async def test_what_a_replica_wrote_itself_it_does_not_ask_the_store_for_until_another_has_answered() -> None:
    store = Shared()
    one, other = House(store), House(store)
    await one.turn(BIG, reason="hard")
    await one.turn(BIG, reason="pinned")
    assert store.reads == 0
    other.said = one.said
    await other.turn(TOOK, BIG)
    one.said = other.said
    pin = await one.pin()
    assert pin is not None
    assert pin.tier == "frontier"


async def test_a_store_that_is_down_leaves_what_this_replica_knows() -> None:
    store = Shared()
    one = House(store, name="mine")
    await one.turn(TOOK, BIG)
    store.down = True
    one.said.append({"role": "assistant", "content": "somebody else's"})
    pin = await one.pin()
    assert pin is not None
    assert pin.tier == "frontier"


async def test_what_another_release_wrote_is_no_pin() -> None:
    store = Shared()
    one, other = House(store), House(store)
    await one.turn(BIG, reason="hard")
    other.said = one.said
    found = (await other.find()).key
    assert found is not None
    for value in (b"[1]", b"{"):
        store.put(key("pin", found), value, 60)
        assert await other.pin() is None


@pytest.mark.parametrize(("end", "pinned"), [("ok", True), ("left", True), ("broken", False)])
async def test_whoever_leaves_may_have_been_joined_by_others_who_go_on(end: End, *, pinned: bool) -> None:
    one = House()
    outcome = Outcome(
        *("req_1", "p", 0.0, "auto", "route", "ann"),
        decision=Decision(tuple(Step(tier, tier.deployments) for tier in (PLAN.tiers["frontier"],)), "hard"),
        attempts=(BIG,),
        end=end,
        request=one.request,
        answer=Completion((Choice("stop", "hello"),), None, None),
        session=await one.find(),
    )
    one.sessions.remember(outcome)
    one.said += [{"role": "assistant", "content": "hello"}, {"role": "user", "content": "and?"}]
    assert (await one.pin() is not None) is pinned
