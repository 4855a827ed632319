"""Which kind of connection does this deployment need?"""

from collections.abc import Iterable
from difflib import get_close_matches

from router.plan import Deployment
from router.upstream.client import Transport
from router.upstream.wire import Wire

__all__ = ["UnknownProviderError", "connect", "prepare"]


class UnknownProviderError(ValueError):
    """A policy names a provider that there is none by that name."""


def connect(deployment: Deployment) -> Transport:
    """Make the connections to a deployment: ours where it speaks OpenAI's protocol, LiteLLM's where it does not."""
    if deployment.provider is not None:
        from router.upstream.providers import Provider  # noqa: PLC0415  importing LiteLLM takes seconds

        return Provider(deployment)
    headers = {"authorization": f"Bearer {deployment.api_key}"} if deployment.api_key else {}
    url = f"{deployment.base_url}/chat/completions"
    return Wire(url, headers=headers, connect_timeout=deployment.timeout.connect)


def prepare(deployments: Iterable[Deployment]) -> None:
    """Import what connections to these will need; LiteLLM takes seconds, so call this where nobody waits.

    Raises:
        UnknownProviderError: LiteLLM does not speak to a provider that one of them names.
    """
    named = [deployment for deployment in deployments if deployment.provider is not None]
    if not named:
        return
    from router.upstream.providers import known  # noqa: PLC0415  nobody else needs LiteLLM

    providers = known()
    for deployment in named:
        if deployment.provider not in providers:
            close = get_close_matches(str(deployment.provider), providers, n=1)
            meant = f"; did you mean '{close[0]}'?" if close else ""
            told = f"deployments.{deployment.name}.provider: LiteLLM knows no provider '{deployment.provider}'{meant}"
            raise UnknownProviderError(told)
