"""What a request's tiers are given to answer with: once for each tier, whatever came of it."""

from dataclasses import replace
from typing import Any

import pytest

from router.clock import SYSTEM
from router.demo.upstream import FakeUpstream
from router.ids import Signer
from router.journey import Journey
from router.plan import Tier
from router.prompts import Context
from router.upstream.connect import connect
from router.upstream.failure import Failure
from router.upstream.pool import Pool
from router.upstream.sources import Sources
from tests.plans import asked, plan

PLAN = plan()


def tier(fake: FakeUpstream, on_error: Any = "skip") -> Tier:
    words = Context(f"{fake.base_url}/find", None, 2, messages=False, timeout=5.0, words=("x",), on_error=on_error)
    return replace(PLAN.tiers["tuned"], context=words)


async def test_a_tier_without_a_retriever_is_asked_as_the_client_asked() -> None:
    request, pool = asked(), Pool.of(PLAN.deployments, connect, None)
    sourced = await Sources(request, Journey(SYSTEM, Signer(b"k" * 32), "p"), pool).of(PLAN.tiers["tuned"], 1.0)
    assert (sourced.request, sourced.ids, dict(pool.retrievers)) == (request, (), {})


@pytest.mark.parametrize("on_error", ["skip", "escalate"])
async def test_it_is_asked_once_whatever_came_of_it(on_error: str) -> None:
    pool, journey = Pool.of(PLAN.deployments, connect, None), Journey(SYSTEM, Signer(b"k" * 32), "p")
    async with FakeUpstream.from_data({"status": 500}) as fake:
        sources = Sources(asked(), journey, pool)
        for _ in range(2):
            if on_error == "skip":
                assert (await sources.of(tier(fake, on_error), 1.0)).ids == ()
            else:
                with pytest.raises(Failure, match="retrieval"):
                    await sources.of(tier(fake, on_error), 1.0)
        assert len(fake.requests) == 1
        assert journey.outcome().retrievals == (("tuned", "failed"),)
        await pool.retire()


async def test_a_reload_keeps_the_connections() -> None:
    before = Pool.of(PLAN.deployments, connect, None)
    async with FakeUpstream.from_data({"json": {"chunks": [{"id": "a", "text": "A"}]}}) as fake:
        found = await Sources(asked(), Journey(SYSTEM, Signer(b"k" * 32), "p"), before).of(tier(fake), 1.0)
        assert found.ids == ("a",)
        after = Pool.of(PLAN.deployments, connect, before)
        await before.retire(keep=after)
        again = await Sources(asked(), Journey(SYSTEM, Signer(b"k" * 32), "p"), after).of(tier(fake), 1.0)
        assert (again.ids, fake.connections) == (("a",), 1)
        await after.retire()
