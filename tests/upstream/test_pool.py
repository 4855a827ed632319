"""Deployments at work: who is asked next, and how many at once."""

import asyncio
from collections.abc import Mapping, Sequence

from router.decide import Candidate, Step
from router.plan import Deployment, Plan
from router.upstream.client import Streamed, Whole
from router.upstream.pool import Member, Pool, Tried, choose, rendezvous
from tests.plans import plan

FOUR = """
version: 1
deployments:
  a: {base_url: "http://127.0.0.1:1/v1", model: m}
  b: {base_url: "http://127.0.0.1:1/v1", model: m}
  c: {base_url: "http://127.0.0.1:1/v1", model: m}
  d: {base_url: "http://127.0.0.1:1/v1", model: m, concurrency: 1}
tiers:
  tuned: {deployments: [a, b]}
  frontier: {deployments: [c, d]}
routes:
  auto: {difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""


class Nowhere:
    """A connection that is only closed."""

    def __init__(self) -> None:
        self.closed = False

    async def whole(self, body: bytes, *, within: float) -> Whole:
        raise NotImplementedError

    async def embedded(self, body: bytes, *, within: float) -> Whole:
        raise NotImplementedError

    async def streamed(self, body: bytes, *, within: float) -> Streamed:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.closed = True


def working(policy: Plan, before: Pool | None = None) -> Pool:
    return Pool.of(policy.deployments, lambda _: Nowhere(), before)


def steps(policy: Plan) -> tuple[Step, ...]:
    return tuple(Step(tier, tier.deployments) for tier in policy.tiers.values())


def whole(step: Step) -> Sequence[Deployment]:
    return step.deployments


def asked(tried: Mapping[str, Tried], again: Mapping[str, Tried] | None = None) -> list[str]:
    """Everybody who is asked, in order, when everybody fails as `again` says (omitted: and may be asked again)."""
    policy, known, order = plan(FOUR), dict(tried), []
    while (candidate := choose(steps(policy), known, whole)) is not None:
        name = candidate.deployment.name
        order.append(name)
        more = (again or {}).get(name, Tried(1, again=True))
        times = known[name].times if name in known else 0
        known[name] = Tried(times + more.times, more.again, more.retry_after)
        assert len(order) < 20
    return order


def test_everybody_is_asked_once_before_anybody_is_asked_again_and_six_is_the_most() -> None:
    assert asked({}) == ["a", "b", "c", "d", "a", "b"]


def test_nobody_is_asked_a_third_time() -> None:
    only = {name: Tried(1, again=False) for name in "bcd"}
    assert asked({}, only) == ["a", "b", "c", "d", "a"]


def test_who_was_not_called_takes_none_of_the_six() -> None:
    left_alone = {name: Tried(0, again=False) for name in "ab"}
    assert asked({}, left_alone) == ["a", "b", "c", "d", "c", "d"]


def test_a_short_wait_is_kept_and_a_long_one_is_not_begun() -> None:
    patience = {"a": Tried(1, again=True, retry_after=1.0), "b": Tried(1, again=True, retry_after=1.1)}
    fails = {name: Tried(1, again=False) for name in "cd"}
    candidate = choose(steps(plan(FOUR)), {**patience, **fails}, whole)
    assert isinstance(candidate, Candidate)
    assert (candidate.deployment.name, candidate.after) == ("a", 1.0)
    assert choose(steps(plan(FOUR)), {**fails, "a": Tried(2, again=True), "b": patience["b"]}, whole) is None


def test_the_least_busy_comes_first_and_equals_take_turns() -> None:
    policy = plan(FOUR)
    pool, tuned = working(policy), steps(policy)[0]
    assert [pool.order(tuned)[0].name for _ in range(4)] in (["a", "b", "a", "b"], ["b", "a", "b", "a"])
    pool.members["a"].busy = 1
    assert [pool.order(tuned)[0].name for _ in range(2)] == ["b", "b"]


def test_equals_take_turns_although_another_tier_is_asked_each_time_in_between() -> None:
    policy = plan(FOUR)
    pool, tiers = working(policy), steps(policy)
    first = [tuple(pool.order(tier)[0].name for tier in tiers) for _ in range(4)]
    assert first == [("a", "c"), ("b", "d"), ("a", "c"), ("b", "d")]


async def test_places_are_given_in_turn() -> None:
    member = working(plan(FOUR)).members["d"]
    await member.enter()
    waiting = asyncio.create_task(member.enter())
    second = asyncio.create_task(member.enter())
    await turn()
    assert not waiting.done()
    member.leave()
    await turn()
    assert (waiting.done(), second.done(), member.busy) == (True, False, 1)
    second.cancel()
    member.leave()
    await turn()
    assert member.busy == 0


async def turn() -> None:
    """Let everything that is ready go on."""
    for _ in range(3):
        await asyncio.wait([asyncio.ensure_future(asyncio.gather())])


async def test_who_spills_refuses_when_every_place_is_taken() -> None:
    member = working(plan(FOUR.replace("concurrency: 1", "concurrency: 1, when_full: spill"))).members["d"]
    assert member.refuses(0.0) is None
    await member.enter()
    assert member.refuses(0.0) == "full"
    member.leave()
    assert member.refuses(0.0) is None


def member_after(failures: int) -> Member:
    member = working(plan(FOUR)).members["a"]
    for _ in range(failures):
        member.failed(0.0)
    return member


async def test_an_open_breaker_lets_one_probe_through_and_it_alone() -> None:
    member = member_after(5)
    assert member.refuses(9.0) == "open"
    assert member.refuses(10.0) is None
    await member.enter()
    probe = member.call(10.0)
    assert probe
    await member.enter()
    assert not member.call(10.0)
    member.leave()
    assert member.refuses(10.0) == "open", "who did not call says nothing about the probe"
    member.leave(probe)
    assert member.refuses(10.0) is None, "a probe that told nothing lets the next one go"


async def test_a_call_that_is_older_than_the_probe_does_not_let_another_one_go() -> None:
    member = member_after(4)
    await member.enter()
    old = member.call(0.0)
    member.failed(0.0)
    await member.enter()
    probe = member.call(10.0)
    member.leave(old)
    assert member.refuses(10.0) == "open"
    member.leave(probe)
    assert member.refuses(10.0) is None


async def test_a_probe_that_is_answered_closes_the_breaker() -> None:
    member = member_after(5)
    await member.enter()
    assert member.call(10.0)
    member.succeeded()
    member.leave()
    assert member.refuses(10.0) is None
    assert member_after(4).refuses(0.0) is None


async def test_a_reload_keeps_what_did_not_change_and_closes_the_rest_when_it_is_idle() -> None:
    before = working(plan(FOUR))
    changed = FOUR.replace('c: {base_url: "http://127.0.0.1:1/v1"', 'c: {base_url: "http://127.0.0.1:2/v1"')
    after = working(plan(changed.replace("model: m, concurrency: 1", "model: m, concurrency: 2")), before)
    kept = {name for name, member in after.members.items() if before.members[name] is member}
    assert kept == {"a", "b"}

    await before.members["c"].enter()
    retiring = asyncio.create_task(before.retire(keep=after))
    await turn()
    assert closed(before, "d")
    assert not closed(before, "c")
    before.members["c"].leave()
    await retiring
    assert closed(before, "c")
    assert not closed(before, "a")


async def test_who_waits_for_a_place_has_it_before_the_connections_close() -> None:
    pool = working(plan(FOUR))
    member = pool.members["d"]
    await member.enter()
    waiting = asyncio.create_task(member.enter())
    retiring = asyncio.create_task(pool.retire())
    await turn()
    member.leave()
    await turn()
    assert (waiting.done(), closed(pool, "d")) == (True, False)
    member.leave()
    await retiring
    assert closed(pool, "d")


async def test_a_price_that_changes_keeps_the_connections() -> None:
    before = working(plan(FOUR))
    after = working(plan(FOUR.replace("model: m}", "model: m, price: {input: 1, output: 2}}")), before)
    assert all(after.members[name] is before.members[name] for name in "abcd")


def closed(pool: Pool, name: str) -> bool:
    transport = pool.members[name].transport
    assert isinstance(transport, Nowhere)
    return transport.closed


def test_one_alone_needs_no_order() -> None:
    policy = plan(FOUR)
    only = Step(policy.tiers["tuned"], (policy.deployments["a"],))

    def nobody(step: Step) -> Sequence[Deployment]:
        raise AssertionError(step)

    assert choose((only,), {}, nobody) == Candidate(only.tier, policy.deployments["a"])


def test_calls_are_compared_with_calls_where_only_one_deployment_says_how_many_it_takes() -> None:
    policy = plan(FOUR)
    pool, frontier = working(policy), steps(policy)[1]
    pool.members["c"].busy = 1
    assert [pool.order(frontier)[0].name for _ in range(2)] == ["d", "d"]
    pool.members["d"].busy = 2
    assert [pool.order(frontier)[0].name for _ in range(2)] == ["c", "c"]


def test_shares_of_places_are_compared_where_every_deployment_says_how_many_it_takes() -> None:
    policy = plan(FOUR.replace("c: {base_url", "c: {concurrency: 10, base_url"))
    pool, frontier = working(policy), steps(policy)[1]
    pool.members["c"].busy = 5
    pool.members["d"].busy = 1
    assert pool.order(frontier)[0].name == "c"


AFFINITY = FOUR.replace("deployments: [a, b]}", "deployments: [a, b, c, d], balance: affinity}")


def test_a_conversation_comes_back_to_the_same_deployment_however_busy_it_is() -> None:
    policy = plan(AFFINITY)
    pool, tuned = working(policy), steps(policy)[0]
    first = [deployment.name for deployment in pool.order(tuned, thread=b"one")]
    pool.members[first[0]].busy = 9
    assert [deployment.name for deployment in pool.order(tuned, thread=b"one")] == first
    assert pool.order(tuned, thread=b"one", keeps=first[2])[0].name == first[2]


def test_conversations_are_spread_and_only_those_of_a_deployment_that_goes_move() -> None:
    policy = plan(AFFINITY)
    everybody = policy.tiers["tuned"].deployments
    before = {i: rendezvous(b"%d" % i, everybody)[0].name for i in range(400)}
    after = {i: rendezvous(b"%d" % i, everybody[:3])[0].name for i in range(400)}
    assert all(60 < list(before.values()).count(name) < 140 for name in "abcd")
    assert all(after[i] == name for i, name in before.items() if name != "d")
