"""Which kind of connection does this deployment need?"""

import math
from collections.abc import Mapping

from typing_extensions import override

from router.plan import Deployment
from router.policy import Fault, Policy, PolicyError
from router.policy.faults import did_you_mean
from router.policy.source import spelled
from router.upstream.client import Transport, Whole
from router.upstream.wire import Wire

__all__ = ["Endpoints", "connect", "prepare"]


class Endpoints(Wire):
    """A server of OpenAI's protocol: where chat completions are asked for, and beside that where embeddings are.

    Each has connections of its own, opened when they are needed: what is asked for the one is rarely asked for both.
    """

    def __init__(self, base_url: str, *, headers: Mapping[str, str], connect_timeout: float) -> None:
        """Make ready; connects nowhere yet. Raises ValueError as `Wire`."""
        super().__init__(f"{base_url}/chat/completions", headers=headers, connect_timeout=connect_timeout)
        self._embeddings = Wire(f"{base_url}/embeddings", headers=headers, connect_timeout=connect_timeout)

    async def embedded(self, body: bytes, *, within: float = math.inf) -> Whole:
        """Ask for embeddings as `whole` asks for a completion. Raises TransportError."""
        return await self._embeddings.whole(body, within=within)

    @override
    async def aclose(self) -> None:
        await super().aclose()
        await self._embeddings.aclose()


def connect(deployment: Deployment) -> Transport:
    """Make the connections to a deployment: ours where it speaks OpenAI's protocol, LiteLLM's where it does not."""
    if deployment.provider is not None:
        from router.upstream.providers import Provider  # noqa: PLC0415  importing LiteLLM takes seconds

        return Provider(deployment)
    headers = {"authorization": f"Bearer {deployment.api_key}"} if deployment.api_key else {}
    return Endpoints(str(deployment.base_url), headers=headers, connect_timeout=deployment.timeout.connect)


def prepare(policy: Policy) -> None:
    """Import what connections to its deployments will need; LiteLLM takes seconds, so call this where nobody waits.

    Raises:
        PolicyError: LiteLLM does not speak to a provider that it names; every such fault with its place.
    """
    named = {name: spec.provider for name, spec in policy.deployments.items() if spec.provider is not None}
    if not named:
        return
    from router.upstream.providers import known  # noqa: PLC0415  nobody else needs LiteLLM

    providers = known()
    unknown = ((("deployments", name, "provider"), named[name]) for name in named if named[name] not in providers)
    faults = [
        Fault(*policy.where(*path), spelled(path), f"LiteLLM knows no provider '{said}'", did_you_mean(said, providers))
        for path, said in unknown
    ]
    if faults:
        raise PolicyError(faults, policy.files)
