"""Who joins whom: equal requests of one process share a flight, and whole answers are asked for once across servers.

The server whose request is first takes a lease in the store and renews it while it waits for its upstream; those who
come later wait for its word, look for themselves now and then, and take over when the lease has run out. What it came
to is handed over through the store: an answer that may be kept as the answer to whoever asks, an error or an answer
that may not be kept only to those who waited for it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from router.cache import Answers, Asked, Entry, may_be_kept
from router.chat import ChatRequest
from router.clock import SYSTEM, Clock
from router.errors import Problem, Relayed, StreamBroken, Unavailable, UpstreamTimedOut
from router.flights.flight import Ask, Flight
from router.flights.riding import Leading, joining, remembered
from router.flights.tape import Tape
from router.frozen import frozen
from router.journey import Journey
from router.outcome import Outcome
from router.plan import Plan
from router.store import Meanwhile, Store, StoreDown
from router.upstream.reply import Reply, Sink, refused, served

__all__ = ["Boarding", "Flights"]

_LEASE = 0.75
"""Seconds until others take over from a server that has died."""
_RENEW = 0.25
_LOOK = 0.1
"""Seconds between two looks at what somebody else is asking for, in case their word was lost."""
_OWNER_BYTES = 16
_NOTHING: Mapping[str, str] = {}


@frozen
class Boarding:
    """One request on its way in: what it asks for, how, and whom it is counted by."""

    request: ChatRequest
    asked: Asked
    ask: Ask
    ahead: Meanwhile | None
    """Does what can be done before it is known whether upstream is asked; None: others need the time."""
    journey: Journey
    sink: Sink
    plan: Plan

    def permits(self, entry: Entry | None) -> bool:
        """Whether a remembered answer may be given."""
        return entry is not None and self.asked.permits(self.plan.deployments.get(entry.deployment))


class Flights:
    """Every request of this process that others may join."""

    def __init__(self, answers: Answers, store: Store, clock: Clock = SYSTEM) -> None:
        self.answers = answers
        self._store = store
        self._owner = clock.token(_OWNER_BYTES)
        self._open: dict[tuple[str, bool], Flight] = {}
        self._flying: set[Flight] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._leases: dict[Flight, Asked] = {}
        self._renewing: asyncio.TimerHandle | None = None

    async def board(self, mine: Boarding) -> Reply:
        """Answer from memory, or from the request that is under way, or by being that request.

        Whoever is cancelled meanwhile leaves the others where they are, and is counted as left.
        """
        asked, journey, sink = mine.asked, mine.journey, mine.sink
        if asked.reads and (entry := self.answers.at_hand(asked)) is not None and mine.permits(entry):
            journey.cache = "hit"
            return remembered(entry, asked, journey, sink)
        flight = self._open.get((asked.keys.answer, asked.stream)) if asked.reads else None
        if flight is None:
            return await self._lead(mine)
        journey.cache = "joined"
        flight.riders += 1
        try:
            await flight.wait()
        except asyncio.CancelledError:
            flight.leave()
            sink(journey.outcome(499, "left", "client_left"))
            raise
        except BaseException:
            flight.leave()
            raise
        if flight.cache == "hit":
            journey.cache = "hit"
        return joining(flight, asked, journey, sink)

    async def aclose(self) -> None:
        """Give up what is under way; other servers take it over."""
        tasks = self._asking.union([flight.task for flight in self._flying if flight.task is not None])
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._renewing is not None:
            self._renewing.cancel()

    # ------------------------------------------------------------------------------------------------------- leading

    async def _lead(self, mine: Boarding) -> Reply:
        flight = Flight((mine.asked.keys.answer, mine.asked.stream), mine.journey, mine.sink, self._abandoned)
        flight.riders = 1
        mine.journey.cache = "miss"
        if mine.asked.reads:
            self._open[flight.key] = flight
        flight.task = flight.loop.create_task(self._fly(flight, mine))
        self._flying.add(flight)
        try:
            await flight.wait()
        except asyncio.CancelledError:
            if flight.landed and flight.reply is None:  # nobody was asked, so nobody counts it but we
                mine.sink(mine.journey.outcome(499, "left", "client_left"))
            else:
                flight.leader_left(left=True)
            flight.leave()
            raise
        except BaseException:
            flight.leave()
            raise
        if flight.reply is not None:
            return Leading(flight, flight.reply, mine.asked)
        mine.journey.cache = flight.cache
        return joining(flight, mine.asked, mine.journey, mine.sink)

    async def _fly(self, flight: Flight, mine: Boarding) -> None:
        """Find out what everybody gets."""
        try:
            if not (mine.asked.reads and await self._known(flight, mine)):
                await self._ask(flight, mine)
        except asyncio.CancelledError:
            flight.told = Unavailable("this server is stopping; ask again")  # where somebody is left to hear it
            raise
        except Problem as told:
            flight.told = told
        except Exception as fault:  # noqa: BLE001  everybody who waits is told, by whoever answers them
            flight.fault = fault
        finally:
            self._settle(flight, mine.asked)
            self._shut(flight)
            if flight.outcome is None and (flight.leaderless or flight.reply is not None):
                flight.ended(mine.journey.outcome(499, "left", "client_left"))
            if flight.tape is not None:
                flight.tape.end(b"" if flight.entry else StreamBroken("this server is stopping").event())
            flight.land()
            self._flying.discard(flight)

    def _shut(self, flight: Flight) -> None:
        """Nobody joins it any more."""
        if self._open.get(flight.key) is flight:
            del self._open[flight.key]

    async def _ask(self, flight: Flight, mine: Boarding) -> None:
        """Ask upstream, and put down what everybody gets."""
        counted: list[Outcome] = []
        request, kind = _showing_usage(mine.request), "application/json"
        try:
            answer = await mine.ask(request)
            given, kind = served(answer, request, mine.journey, counted.append), answer.content_type
        except Problem as told:
            given, flight.told = refused(told, mine.journey, counted.append), told
        flight.reply = given
        if given.streams:
            flight.tape = Tape()
            flight.land()
            await self._record(flight, flight.tape, given, mine.asked.remember.max_size)
        else:
            await given.aclose()
        outcome = counted[0]
        body = bytes(flight.tape) if flight.tape is not None else given.body
        size = flight.tape.size if flight.tape is not None else len(body)
        heard = outcome.heard
        flight.entry = Entry(
            mine.asked.route,
            heard.tier if heard else "",
            heard.deployment if heard else "",
            body,
            kind,
            flight.tape is not None,
            heard.usage if heard else None,
            self.answers.until(mine.asked) if may_be_kept(mine.asked, outcome, size) else 0.0,
            given.status,
            outcome.error,
            flight.told.headers if flight.told else _NOTHING,
            heard.sources if heard else (),
            outcome.id,
            outcome.path,
        )
        flight.ended(outcome)

    async def _record(self, flight: Flight, tape: Tape, given: Reply, most: int) -> None:
        """Put a stream down; one that is too long to be remembered is nothing to join, nor to keep whole."""
        try:
            async for part in given.events():
                await tape.add(part)
                if tape.size > most:
                    self._shut(flight)
                    tape.forget(flight.riders)
        finally:
            await given.aclose()

    def _settle(self, flight: Flight, asked: Asked) -> None:
        """Hand over what became of it: to the cache, and to the servers that wait."""
        if self._leases.pop(flight, None) is not None:
            self.answers.settle(asked, self._owner, flight.entry)
        elif flight.entry is not None and flight.entry.until and flight.reply is not None:
            self.answers.keep(asked, flight.entry)

    def _abandoned(self, flight: Flight) -> None:
        """The last of this process has left; upstream is let go, unless another server waits for the answer."""
        if flight.task is None or flight.task.done() or flight.outcome is not None:
            return
        asked = self._leases.get(flight)
        if asked is None:
            self._shut(flight)
            flight.task.cancel()
        else:
            asking = asyncio.get_running_loop().create_task(self._let_go(flight, asked))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    async def _let_go(self, flight: Flight, asked: Asked) -> None:
        holder = None
        with suppress(StoreDown):
            holder = await self._store.get(asked.keys.lock)
        if (holder is None or len(holder) <= _OWNER_BYTES) and flight.riders == 0 and flight.task is not None:
            self._shut(flight)
            flight.task.cancel()

    # ------------------------------------------------------------------------------------------------- across servers

    async def _known(self, flight: Flight, mine: Boarding) -> bool:
        """Whether the store, or another server, says what everybody gets."""
        if not self._store.shared:
            return False
        asked = mine.asked
        if asked.stream:
            entry = await self.answers.look(asked)
            if entry is None or not mine.permits(entry):
                return False
            flight.cache, flight.entry = "hit", entry
            return True
        found = await self.answers.claim(asked, self._owner, _LEASE, meanwhile=mine.ahead)
        if found.holder is not None:
            return await self._follow(flight, mine, found.holder)
        if found.leased:
            self._hold(flight, asked)
        elif mine.permits(found.entry):
            flight.cache, flight.entry = "hit", found.entry
            return True
        return False

    async def _follow(self, flight: Flight, mine: Boarding, holder: bytes) -> bool:
        """Wait for another server's word; False when it is ours to ask."""
        woken = asyncio.Event()
        leave = self._store.subscribe(mine.asked.keys.lock, lambda _: woken.set())
        patience = mine.journey.route.deadline if mine.journey.route else 0.0
        try:
            async with asyncio.timeout(patience):
                while True:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK):
                            await woken.wait()
                    woken.clear()
                    found = await self.answers.claim(mine.asked, self._owner, _LEASE, holder)
                    if found.entry is not None and (found.entry.status != 200 or mine.permits(found.entry)):
                        self._joined(flight, found.entry)
                        return True
                    if found.leased:
                        self._hold(flight, mine.asked)
                    if found.holder is None:
                        return False
                    holder = found.holder
        except TimeoutError as error:
            raise UpstreamTimedOut("the route's deadline has passed", code="deadline_exceeded") from error
        finally:
            leave()

    def _joined(self, flight: Flight, entry: Entry) -> None:
        flight.cache, flight.entry = "joined", entry
        if entry.status != 200:
            flight.told = told = Relayed(entry.status, entry.body, dict(entry.headers))
            told.code = entry.code

    def _hold(self, flight: Flight, asked: Asked) -> None:
        """Keep a lease until the flight has ended."""
        self._leases[flight] = asked
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().call_later(_RENEW, self._renew)

    def _renew(self) -> None:
        """Renew every lease; once for all flights, and only while there are any."""
        self._renewing = None
        for asked in self._leases.values():
            self._store.extend(asked.keys, self._owner, _LEASE)
        if self._leases:
            self._renewing = asyncio.get_running_loop().call_later(_RENEW, self._renew)


def _showing_usage(request: ChatRequest) -> ChatRequest:
    """A stream is asked for with its usage, which is hidden again from whoever does not want to see it."""
    if not request.stream or request.include_usage:
        return request
    options = {**(request.body.get("stream_options") or {}), "include_usage": True}
    return replace(request, body={**request.body, "stream_options": options}, include_usage=True)
