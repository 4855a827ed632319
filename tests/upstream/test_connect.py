"""Which kind of connection does a deployment get, and what does it send?"""

import pytest

from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.policy import PolicyError, loads
from router.upstream.connect import connect, prepare
from router.upstream.wire import Wire
from tests.plans import plan

ONE = """
version: 1
deployments:
  a: {base_url: "%s", model: m%s}
tiers: {tuned: {deployments: [a]}}
routes: {auto: {cascade: [{tier: tuned}]}}
"""


async def sent(more: str = "", path: str = "") -> tuple[str, str | None]:
    """The path that is asked, and the key that goes along."""
    async with FakeUpstream(Answer(text="hi")) as upstream:
        transport = connect(plan(ONE % (upstream.base_url + path, more)).deployments["a"])
        assert isinstance(transport, Wire)
        assert (await transport.whole(b"{}")).status == 200
        await transport.aclose()
        request = upstream.requests[0]
        return request.path, request.headers.get("authorization")


async def test_the_endpoint_stands_below_the_base_url_and_the_deployment_s_key_goes_along() -> None:
    assert await sent(", api_key: secret") == ("/v1/chat/completions", "Bearer secret")


async def test_no_key_sends_none() -> None:
    assert await sent() == ("/v1/chat/completions", None)


async def test_a_base_url_may_have_a_path() -> None:
    assert (await sent(path="/eu/west"))[0] == "/v1/eu/west/chat/completions"


async def test_embeddings_are_asked_for_beside_it_over_connections_of_their_own() -> None:
    async with FakeUpstream(Answer(text="hi")) as upstream:
        transport = connect(plan(ONE % (upstream.base_url, ", api_key: secret")).deployments["a"])
        assert (await transport.embedded(b'{"input": "hi"}', within=10.0)).status == 200
        assert (await transport.embedded(b'{"input": "hi"}', within=10.0)).status == 200
        assert (await transport.whole(b"{}", within=10.0)).status == 200
        assert (len(upstream.requests), upstream.connections) == (3, 2)
        await transport.aclose()
        assert [one.path for one in upstream.requests] == ["/v1/embeddings"] * 2 + ["/v1/chat/completions"]
        assert upstream.requests[0].headers["authorization"] == "Bearer secret"


PROVIDED = """
version: 1
deployments:
  a: {provider: %s, model: m}
  b: {provider: my-own, model: m}
tiers: {tuned: {deployments: [a]}}
routes: {auto: {cascade: [{tier: tuned}]}}
"""


@pytest.mark.slow
def test_a_provider_that_there_is_none_of_is_told_before_anybody_asks_it() -> None:
    prepare(loads(PROVIDED.replace("my-own", "bedrock") % "anthropic"))
    with pytest.raises(PolicyError) as caught:
        prepare(loads(PROVIDED % "antropic"))
    first, second = str(caught.value).splitlines()
    assert first.endswith(":4 deployments.a.provider: LiteLLM knows no provider 'antropic'; did you mean 'anthropic'?")
    assert second.endswith(":5 deployments.b.provider: LiteLLM knows no provider 'my-own'")
