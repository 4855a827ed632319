"""Which kind of connection does this deployment need?"""

from collections.abc import Iterable

from router.plan import Deployment
from router.upstream.client import Transport
from router.upstream.wire import Wire

__all__ = ["connect", "prepare"]


def connect(deployment: Deployment) -> Transport:
    """Make the connections to a deployment: ours where it speaks OpenAI's protocol, LiteLLM's where it does not."""
    if deployment.provider is not None:
        from router.upstream.providers import Provider  # noqa: PLC0415  importing LiteLLM takes seconds

        return Provider(deployment)
    headers = {"authorization": f"Bearer {deployment.api_key}"} if deployment.api_key else {}
    url = f"{deployment.base_url}/chat/completions"
    return Wire(url, headers=headers, connect_timeout=deployment.timeout.connect)


def prepare(deployments: Iterable[Deployment]) -> None:
    """Import what connections to these will need; LiteLLM takes seconds, so call this where nobody waits."""
    if any(deployment.provider is not None for deployment in deployments):
        from router.upstream.providers import load  # noqa: PLC0415  nobody else needs LiteLLM

        load()
