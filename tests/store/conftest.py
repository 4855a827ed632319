"""Every store there is, so that one suite tells what all of them do."""

from collections.abc import AsyncIterator

import pytest

from router.store import Memory, Store


@pytest.fixture(params=["memory"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made = {"memory": Memory}[request.param]()
    yield made
    await made.aclose()
