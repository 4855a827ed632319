"""The accounts of one process, of several that share a Redis, and of one that has lost it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from anyio.lowlevel import checkpoint

from router.clock import SYSTEM, Clock
from router.errors import BadRequest, LimitReached
from router.limits import Account, Charge, Held, Limits, account_key
from router.limits import limits as module
from router.policy.limits import Allowance
from router.policy.store_url import read_store_url
from router.store import Folder, Memory, scripts
from router.store.redis_store import RedisStore
from router.store.scripts import Script
from tests.redis_server import PATIENT, RedisServer, redis_program, running, valkey_program
from tests.waiting import until

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


def allowed(name: str = "ann", **limits: float) -> Allowance:
    return Allowance("everybody", name, ("key", name), **limits)  # type: ignore[arg-type]


@dataclass
class Turned:
    """A clock that a test turns."""

    at: float = NOON

    def clock(self) -> Clock:
        return replace(SYSTEM, wall=lambda: self.at)


@dataclass
class Turnstile:
    """Asks again and again; remembers who was let in, and what the others heard."""

    limits: list[Limits]
    let_in: list[Held] = field(default_factory=list)
    refused: list[LimitReached] = field(default_factory=list)

    async def ask(self, allowance: Allowance, place: int = 0, prompt: int = 0, output: int = 0) -> bool:
        try:
            held = await self.limits[place % len(self.limits)].take(allowance, prompt, output)
        except LimitReached as refused:
            self.refused.append(refused)
            return False
        self.let_in.append(held)
        return True

    async def many(self, allowance: Allowance, count: int) -> int:
        """How many of so many at once are let in, spread over everybody."""
        return sum(await asyncio.gather(*(self.ask(allowance, place) for place in range(count))))


# -------------------------------------------------------------------------------------------------------- one process


async def test_a_key_gets_what_it_may_and_hears_when_there_is_more() -> None:
    turned = Turned()
    turnstile = Turnstile([Limits(clock=turned.clock())])

    assert await turnstile.many(allowed(requests=5), 12) == 5
    assert turnstile.refused[0].headers == {"retry-after": "12", "retry-after-ms": "12000"}
    turned.at += 12
    assert await turnstile.many(allowed(requests=5), 12) == 1


async def test_keys_do_not_get_in_each_other_s_way_unless_they_share() -> None:
    turnstile = Turnstile([Limits(clock=Turned().clock())])
    ann, ben = allowed("ann", requests=2), allowed("ben", requests=2)
    assert [await turnstile.many(one, 3) for one in (ann, ben)] == [2, 2]

    both = [replace(one, name="batch", account=("limit", "batch")) for one in (ann, ben)]
    assert [await turnstile.many(one, 3) for one in both] == [2, 0]


async def test_whoever_is_refused_uses_nothing_of_the_other_limits() -> None:
    turnstile = Turnstile([Limits(clock=Turned().clock())])
    allowance = allowed(requests=10, tokens=100)

    assert await turnstile.ask(allowance, prompt=60)
    assert not await turnstile.ask(allowance, prompt=60)
    assert dict(turnstile.let_in[0].headers)[b"x-ratelimit-remaining-requests"] == b"9"
    assert await turnstile.ask(allowance, prompt=10)
    assert dict(turnstile.let_in[1].headers)[b"x-ratelimit-remaining-requests"] == b"8"


async def test_what_can_never_fit_is_not_told_to_come_back() -> None:
    limits = Limits()

    with pytest.raises(BadRequest, match="the prompt alone has about 101"):
        await limits.take(allowed(tokens=100), 101, 5)
    held = await limits.take(allowed(tokens=100), 60, 32_000)
    assert held.tokens == 100


async def test_places_come_back_when_requests_end_however_they_end() -> None:
    turnstile = Turnstile([Limits()])
    allowance = allowed(parallel=2)
    assert await turnstile.many(allowance, 5) == 2

    turnstile.let_in[0].settle(Charge())
    turnstile.let_in[0].settle(Charge())
    assert await turnstile.many(allowance, 5) == 1
    turnstile.let_in[1].release()
    assert await turnstile.many(allowance, 5) == 1


async def test_why_somebody_was_turned_away_is_counted() -> None:
    shed: list[str] = []
    turnstile = Turnstile([Limits(shed=shed.append)])
    for limit in ({"requests": 1}, {"tokens": 10}, {"parallel": 1}, {"usd_per_day": 0}, {"usd_per_month": 0}):
        allowance = allowed("-".join(limit), **limit)
        for _ in range(2):
            await turnstile.ask(allowance, prompt=8)

    assert shed == ["requests", "tokens", "parallel", "budget", "budget", "budget", "budget"]


async def test_a_budget_survives_a_restart(tmp_path: Path) -> None:
    turned, folder, allowance = Turned(), Folder(tmp_path / "learned"), allowed(usd_per_day=1)
    first = Limits(clock=turned.clock(), folder=folder)
    (await first.take(allowance)).settle(Charge(10, 0.6))
    (await first.take(allowance)).settle(Charge(10, 0.6))
    await first.aclose()

    again = Limits(clock=turned.clock(), folder=folder)
    with pytest.raises(LimitReached, match="the 1 USD per day are spent"):
        await again.take(allowance)
    turned.at += 86400
    await again.take(allowance)
    await again.aclose()


async def test_a_budget_that_is_taken_back_beside_a_server_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEEP", 0.0)
    folder, allowance = Folder(tmp_path / "learned"), allowed(usd_per_day=1)
    limits, name = Limits(folder=folder), account_key(allowed())
    turnstile = Turnstile([limits])
    (await limits.take(allowance)).settle(Charge(10, 2))
    await until(lambda: folder.read(name))
    assert not await turnstile.ask(allowance)
    await until(lambda: not limits._dirty)  # or the file would be there again

    folder.remove(name)
    async with asyncio.timeout(10):
        while not await turnstile.ask(allowance):
            await checkpoint()
    await limits.aclose()


async def test_many_who_come_first_open_one_account(tmp_path: Path) -> None:
    turnstile = Turnstile([Limits(folder=Folder(tmp_path))])

    assert await turnstile.many(allowed(requests=3), 20) == 3


async def test_a_disk_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "learned").write_text("a file where a folder should be")
    said: list[str] = []
    limits = Limits(folder=Folder(tmp_path / "learned"), say=said.append)
    (await limits.take(allowed(usd_per_day=1))).settle(Charge(10, 0.5))
    await limits.aclose()
    assert len(said) == 1
    assert said[0].startswith("state.path: ")


# ------------------------------------------------------------------------------------------------ several and a Redis


@pytest.fixture(params=[redis_program, valkey_program], ids=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with running(request.param()) as server:
        yield server


def opened(redis: RedisServer, deadline: float = PATIENT) -> RedisStore:
    return RedisStore(read_store_url(redis.url), deadline=deadline)


@asynccontextmanager
async def replicas(
    redis: RedisServer, count: int = 2, *, clock: Clock = SYSTEM, deadline: float = PATIENT
) -> AsyncIterator[list[Limits]]:
    stores = [opened(redis, deadline) for _ in range(count)]
    for store in stores:
        await store.begin()
    made = [Limits(store, clock) for store in stores]
    yield made
    for limits in made:
        await limits.aclose()
    for store in stores:
        await store.aclose()


async def account(redis: RedisServer, allowance: Allowance) -> Account:
    store = opened(redis)
    try:
        return Account.read(await store.get(account_key(allowance)), SYSTEM.wall())
    finally:
        await store.aclose()


async def arrived(redis: RedisServer, allowance: Allowance, condition: Callable[[Account], object]) -> Account:
    """The account, once what was told nobody waits for has arrived."""
    async with asyncio.timeout(20):
        while not condition(found := await account(redis, allowance)):
            pass
    return found


@pytest.mark.redis
async def test_a_thousand_at_once_over_two_servers_and_exactly_as_many_as_may(redis: RedisServer) -> None:
    async with replicas(redis) as two:
        turnstile = Turnstile(two)
        assert await turnstile.many(allowed(requests=1, parallel=1), 1000) == 1
        assert await turnstile.many(allowed("ben", parallel=137), 1000) == 137
        begun = SYSTEM.now()
        let_in = await turnstile.many(allowed("cyd", requests=60), 1000)
        assert 60 <= let_in <= 60 + (SYSTEM.now() - begun) + 1, "what drained meanwhile, and no more"


@pytest.mark.redis
async def test_servers_whose_clocks_differ_agree(redis: RedisServer) -> None:
    early, late = Turned(NOON - 86400), Turned(NOON + 40 * 86400)
    async with replicas(redis, 1, clock=early.clock()) as (one,), replicas(redis, 1, clock=late.clock()) as (other,):
        turnstile = Turnstile([one, other])
        assert await turnstile.many(allowed(requests=2, usd_per_day=1), 10) == 2
        turnstile.let_in[0].settle(Charge(0, 1.0))
        await arrived(redis, allowed(requests=2), lambda found: found.usd_day == 1)
        refused = [not await turnstile.ask(allowed(usd_per_day=1), place) for place in range(2)]
        assert refused == [True, True]


@pytest.mark.redis
async def test_what_was_not_used_comes_back_and_what_was_spent_adds_up(redis: RedisServer) -> None:
    allowance = allowed(tokens=1000, parallel=4, usd_per_day=10, usd_per_month=20)
    async with replicas(redis) as two:
        turnstile = Turnstile(two)
        for place in range(4):
            assert await turnstile.ask(allowance, place, prompt=50, output=200)
        assert not await turnstile.ask(allowance, prompt=50, output=200)
        for place, held in enumerate(turnstile.let_in):
            held.settle(Charge(10, 0.25 * (place + 1)))
        found = await arrived(redis, allowance, lambda found: found.held == 0 and found.usd_day == 2.5)

    assert (found.usd_month, found.tokens < 41) == (2.5, True)


@pytest.mark.redis
async def test_the_script_and_the_house_say_the_same(redis: RedisServer) -> None:
    """Day for day over eight years, leap years among them, and through a minute with every limit there is."""
    own, allowance = Account(0), allowed(requests=60, tokens=600, usd_per_day=1, usd_per_month=4)
    moments = [NOON + 86400 * day + 43199.5 for day in range(0, 2922, 7)] + [
        NOON + 3e8 + second for second in range(90)
    ]
    store = opened(redis)
    spent = 0.0
    for moment in moments:
        time = f"{{'{int(moment)}', '{round(moment % 1 * 1e6)}'}}"
        script = Script(scripts.CHARGE.text.replace("redis.call('TIME')", time))
        more = ("60", "600", "", "1", "4", f"{spent!r}", "0", "0", "0", "+0", "999999999999")
        told = orjson.loads(await store._run(script, ("sf1:limit:{x}",), "25", "me", "15", *more))
        own.advance(moment, allowance)
        may = not own.waits(allowance, 25)
        if may:
            own.take(25)
        assert (bool(told[0]), told[1]) == (may, moment)
        assert told[2:6] == pytest.approx([own.requests, own.tokens, own.usd_day, own.usd_month], abs=1e-3)
        own.settle(0, 0.5)
        spent += 0.5
        own.advance(moment, allowance)
        await store._run(script, ("sf1:limit:{x}",), "-1", "me", "15", *more[:5], f"{spent!r}", *more[6:])
    await store.aclose()


@pytest.mark.redis
async def test_the_places_of_a_server_that_has_died_are_free_again(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.3)
    async with replicas(redis, 1) as (survivor,):
        store = opened(redis)
        dead = Limits(store)
        assert await Turnstile([dead]).many(allowed(parallel=3), 5) == 3
        await store.aclose()  # without a word
        turnstile = Turnstile([survivor])
        assert not await turnstile.ask(allowed(parallel=3))
        async with asyncio.timeout(10):
            while not await turnstile.ask(allowed(parallel=3)):
                pass
        if dead._beating is not None:
            dead._beating.cancel()


@pytest.mark.redis
async def test_a_server_that_holds_places_says_so_again_and_again(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.05)
    async with replicas(redis, 1) as (one,):
        assert await Turnstile([one]).ask(allowed(parallel=1))
        begun = SYSTEM.wall()
        found = await arrived(redis, allowed(parallel=1), lambda found: found.at > begun + 0.3)

    assert found.held == 1


@pytest.mark.redis
async def test_a_client_that_leaves_while_redis_is_asked_leaves_no_place_behind(redis: RedisServer) -> None:
    async with replicas(redis) as (one, other):
        for _ in range(20):
            asking = asyncio.create_task(one.take(allowed(parallel=1)))
            await checkpoint()
            asking.cancel()
            await asyncio.wait([asking])
        async with asyncio.timeout(10):
            while not await Turnstile([other]).ask(allowed(parallel=1)):
                pass


# ---------------------------------------------------------------------------------------------------- without Redis


async def spends(turnstile: Turnstile, allowance: Allowance, usd: float = 0.0) -> float:
    """Ask for ten cents at a time, for so many dollars, or until nobody is let in; what was spent."""
    spent = 0.0
    while (not usd or spent < usd) and await turnstile.ask(allowance):
        turnstile.let_in.pop().settle(Charge(0, 0.1))
        spent += 0.1
    return spent


@pytest.mark.redis
@pytest.mark.parametrize("breaks", ["pause", "kill"])
async def test_without_redis_each_server_keeps_to_its_share_and_tells_afterwards(
    redis: RedisServer, breaks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.05)
    money = allowed(usd_per_day=10)
    async with replicas(redis, deadline=PATIENT / 10) as two:
        busy, quiet = (Turnstile([one]) for one in two)
        await spends(busy, money, 2.95)
        await spends(quiet, money, 0.95)
        await arrived(redis, money, lambda found: found.usd_day == pytest.approx(4))
        for turnstile in (busy, quiet):  # each hears how the account stands
            assert await turnstile.ask(money)

        getattr(redis, breaks)()
        spent = [await spends(turnstile, money) for turnstile in (busy, quiet)]
        {"pause": redis.resume, "kill": redis.start}[breaks]()
        known = {"pause": 10, "kill": 6}[breaks]  # a Redis that was killed has lost what it knew
        found = await arrived(redis, money, lambda found: found.usd_day > known - 0.3)

    assert spent == [pytest.approx(4.5, abs=0.5), pytest.approx(1.5, abs=0.5)]
    assert sum(spent) == pytest.approx(6, abs=0.25)
    assert found.usd_day == pytest.approx(known, abs=0.3), "each dollar once"


@pytest.mark.redis
async def test_without_redis_a_server_gives_its_share_of_a_minute_and_of_places(redis: RedisServer) -> None:
    allowance, places = allowed(requests=80), allowed("ben", parallel=8)
    async with replicas(redis, deadline=PATIENT / 10) as two:
        busy, quiet = (Turnstile([one]) for one in two)
        for turnstile, count in ((busy, 30), (quiet, 10)):
            for _ in range(count):
                assert await turnstile.ask(allowance)
                assert await turnstile.ask(places)
                turnstile.let_in.pop().settle(Charge())
        for turnstile in (busy, quiet):  # each hears how the accounts stand
            assert await turnstile.ask(allowance)
            assert await turnstile.ask(places)
            turnstile.let_in.pop().settle(Charge())
        await arrived(redis, places, lambda found: found.held == 0)

        redis.pause()
        begun = SYSTEM.now()
        let_in = [await turnstile.many(allowance, 80) for turnstile in (busy, quiet)]
        held = [await turnstile.many(places, 80) for turnstile in (busy, quiet)]
        drained = (SYSTEM.now() - begun + 10) * 80 / 60
        redis.resume()
        async with asyncio.timeout(20):
            while two[0]._books["key", "ann"].alone is not None:
                await busy.ask(allowance)
                await checkpoint()  # a store that is known to be down says so at once
        found = await account(redis, allowance)

    assert 28 <= let_in[0] <= 30 + 0.8 * drained, "three quarters of the 40 that were left"
    assert 8 <= let_in[1] <= 11 + 0.3 * drained
    assert held == [pytest.approx(6, abs=1), pytest.approx(2, abs=1)]
    assert sum(held) <= 8
    assert found.requests > 60 - drained, "what was given meanwhile is told"


@pytest.mark.redis
async def test_a_redis_that_comes_back_empty_learns_which_places_are_taken(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.05)
    async with replicas(redis, deadline=PATIENT) as (one, other):
        turnstile = Turnstile([one])
        assert await turnstile.many(allowed(parallel=3), 3) == 3
        redis.ask("FLUSHALL")
        await arrived(redis, allowed(parallel=3), lambda found: found.held == 3)
        assert not await Turnstile([other]).ask(allowed(parallel=3))


@pytest.mark.redis
async def test_nobody_waits_for_a_redis_that_is_not_there(redis: RedisServer) -> None:
    async with replicas(redis, 1, deadline=0.05) as (limits,):
        turnstile = Turnstile([limits])
        redis.pause()
        begun = SYSTEM.now()
        assert await turnstile.many(allowed(requests=1_000_000), 500) == 500
        assert SYSTEM.now() - begun < 5
        redis.resume()


@pytest.mark.redis
async def test_there_is_something_to_do_while_redis_is_asked(redis: RedisServer) -> None:
    done: list[str] = []
    async with replicas(redis, 1) as (limits,):
        asking = asyncio.create_task(limits.take(allowed(requests=1), meanwhile=lambda: done.append("weighed")))
        asking.add_done_callback(lambda _: done.append("told"))
        await asking
        await until(lambda: len(done) == 2)

    assert done == ["weighed", "told"]


@pytest.mark.redis
@pytest.mark.parametrize("nonsense", ["{}", "nonsense", '{"t": "x"}', '{"t": 1, "who": 7}', "[1]"])
async def test_an_account_that_cannot_be_read_begins_anew(redis: RedisServer, nonsense: str) -> None:
    async with replicas(redis) as two:
        redis.ask("SET", account_key(allowed()), nonsense)
        assert await Turnstile(two).many(allowed(requests=1, parallel=1), 10) == 1


@pytest.mark.redis
async def test_a_key_of_another_type_is_replaced(redis: RedisServer) -> None:
    async with replicas(redis) as two:
        redis.ask("LPUSH", account_key(allowed()), "nonsense")
        assert await Turnstile(two).many(allowed(requests=1, parallel=1), 10) == 1


async def test_a_store_that_shares_nothing_is_not_asked() -> None:
    assert await Turnstile([Limits(Memory())]).many(allowed(requests=2), 5) == 2
