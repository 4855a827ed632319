"""An answer that is good enough: a committed stream has a place, a draft has given its own back."""

from router.clock import SYSTEM
from router.decide import Candidate
from router.sse import DONE
from router.upstream.connect import connect
from router.upstream.live import Drafted, Live
from router.upstream.pool import Pool
from router.upstream.stream import Stream
from tests.plans import asked, plan
from tests.upstream.pieces import Arriving, chunk

PLAN = plan()
CANDIDATE = Candidate(PLAN.tiers["tuned"], PLAN.deployments["small"])


def stream() -> Stream:
    pieces = Arriving([chunk("a", "stop"), DONE])
    return Stream(pieces, show_usage=False, patience=(60.0, 60.0), now=SYSTEM.now, until=SYSTEM.now() + 9)


async def test_a_committed_stream_gives_its_place_back_and_is_its_deployment_s_success() -> None:
    member = Pool.of(PLAN.deployments, connect, None).members["small"]
    await member.enter()
    live = Live(stream(), member, CANDIDATE, member.call(0.0), given=asked())
    live.failed(0.0)
    assert member.breaker.failed == 1
    live.succeeded()
    assert member.breaker.failed == 0
    await live.aclose()
    assert member.busy == 0


async def test_a_draft_has_no_place_and_no_say_in_its_deployment_s_health() -> None:
    member = Pool.of(PLAN.deployments, connect, None).members["small"]
    member.failed(0.0)
    draft = Drafted(stream(), member, CANDIDATE, None, given=asked())
    draft.succeeded()
    draft.failed(0.0)
    await draft.aclose()
    assert (member.busy, member.breaker.failed) == (0, 1)
