"""Which kind of connection does this deployment need?"""

from router.plan import Deployment
from router.policy import Fault, Policy, PolicyError
from router.policy.faults import did_you_mean
from router.policy.source import spelled
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
