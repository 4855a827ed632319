"""Where conversations stay from one turn to the next: remembered in this process, and behind it in the store.

A pin is read once an assistant has said something, and written when an answer is complete. It holds no words, only
names, counts and hashes. What this process wrote last is good as long as the client's conversation is as long as it was
left; else another replica has answered meanwhile, and the store is asked.
"""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import astuple, replace
from typing import Any

import orjson

from router.chat import ChatRequest
from router.clock import SYSTEM, Clock
from router.conversation import Pin, Session, answers_call, continued, mark, marked, thread, turns
from router.decide import Decision
from router.outcome import Attempt, Outcome
from router.plan import Route
from router.store import Store, StoreDown, key

__all__ = ["Sessions"]

_MOST = 16_384
"""Conversations that one process remembers; of more, those that were answered longest ago are forgotten."""
_WARM = 300.0
"""Seconds for which a prompt cache is taken to hold what it read: providers keep it five minutes or longer."""


class Sessions:
    """The conversations of one process."""

    def __init__(self, store: Store | None = None, clock: Clock = SYSTEM) -> None:
        self._store = store if store is not None and store.shared else None
        self._wall = clock.wall
        self._pins: OrderedDict[bytes, Pin] = OrderedDict()

    async def find(
        self, route: Route, request: ChatRequest, tenant: str | None, name: str | None = None
    ) -> Session | None:
        """The conversation that a request belongs to; `name` is the client's own. None where a route keeps none."""
        staying = route.sessions
        if staying is None:
            return None
        if (begun := self.begun(route, request, tenant, name)) is not None:
            return begun
        said = turns(request.messages)
        session = staying.begins if name is None else replace(staying.begins, name=name)
        begins = thread(request.body, tenant or "", route.name, name=name)
        found = begins if name else continued(begins, marked(said[0]))
        pin = await self._pin(found, session, said)
        if pin is not None and not staying.pins:
            pin = replace(pin, tier="")
        caller = pin.deployment if pin is not None and pin.called and answers_call(request.messages) else None
        return replace(session, thread=begins, key=found, pin=pin, caller=caller)

    def begun(self, route: Route, request: ChatRequest, tenant: str | None, name: str | None = None) -> Session | None:
        """The conversation that a request begins; None where it goes on with one, or its route keeps none."""
        staying = route.sessions
        if staying is None:
            return None
        for message in request.messages:
            if message["role"] == "assistant":
                return None
        session = staying.begins if name is None else replace(staying.begins, name=name)
        if not staying.affinity:
            return session
        return replace(session, thread=thread(request.body, tenant or "", route.name, name=name))

    async def _pin(self, found: bytes, session: Session, said: list[dict[str, Any]]) -> Pin | None:
        """What is known of a conversation, if it is this one: its last answer is where it should be."""
        now = self._wall()
        pin = self._pins.get(found)
        if self._store is not None and (pin is None or pin.turns != len(said)):
            with suppress(StoreDown):
                pin = _read(await self._store.get(key("pin", found))) or pin
        if pin is None or now - pin.at > session.idle:
            return None
        if session.name is None and (pin.turns > len(said) or marked(said[pin.turns - 1]) != pin.said):
            return None
        return pin if now - pin.at <= _WARM else replace(pin, tokens=0)

    def remember(self, outcome: Outcome) -> None:
        """Pin the conversation of an answer that a client has got, unless it is where it would begin anyway."""
        session, request, answer = outcome.session, outcome.request, outcome.answer
        if session is None or request is None or answer is None or not answer.choices:
            return
        if outcome.end not in {"ok", "left"}:  # whoever has left may have been joined by others, who got it whole
            return
        served, decision = outcome.heard, outcome.decision
        if served is None or decision is None:
            return
        choice, before = answer.choices[0], session.pin
        tier = _tier(outcome.attempts, decision, before)
        if session.key is None and session.thread is None and tier == session.lowest and not choice.tool_calls:
            return
        deployment = next(d for step in decision.steps for d in step.deployments if d.name == served.deployment)
        said = mark(choice.content, choice.tool_calls)
        pin = Pin(
            tier,
            deployment.name,
            deployment.voice,
            before.since if before is not None and before.model == deployment.voice else len(request.messages),
            len(turns(request.messages)) + 1,
            said,
            called=bool(choice.tool_calls),
            tokens=served.usage.input + served.usage.output if served.usage else 0,
            at=self._wall(),
        )
        found = session.key or _found(outcome, session, request, said)
        self._pins.pop(found, None)
        self._pins[found] = pin
        if len(self._pins) > _MOST:
            self._pins.popitem(last=False)
        if self._store is not None:
            self._store.put(key("pin", found), orjson.dumps(astuple(pin)), session.idle, hurried=True)


def _found(outcome: Outcome, session: Session, request: ChatRequest, said: str) -> bytes:
    """What the pin of a conversation is kept under that has just got its first answer."""
    begins = session.thread or thread(request.body, outcome.tenant or "", outcome.route or "", name=session.name)
    return begins if session.name else continued(begins, said)


def _tier(attempts: tuple[Attempt, ...], decision: Decision, before: Pin | None) -> str:
    """The tier that the conversation does not start below from now on; none, where none was chosen for it.

    A fallback moves nothing: the tier that failed will be up again. And what the client or a rule chose, or whoever
    called a tool, was chosen for this turn alone.
    """
    wanted = decision.start
    for attempt in reversed(attempts):
        if attempt.result == "escalated":
            break
        wanted = attempt.tier
    if wanted != decision.start:
        return wanted
    for_this_turn = decision.reason in {"forced", "pinned"} or decision.reason.startswith("rule:")
    return (before.tier if before else "") if for_this_turn else wanted


def _read(value: bytes | None) -> Pin | None:
    """A pin as another replica wrote it; None for what is none, such as one that another release wrote."""
    try:
        return Pin(*orjson.loads(value)) if value else None
    except (orjson.JSONDecodeError, TypeError):
        return None
