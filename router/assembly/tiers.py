"""Who may be asked: deployments, with prices and prompts, in tiers that add to a request and judge its answer."""

from collections.abc import Mapping
from typing import Any

from router.plan import ALL, Deployment, Tier
from router.policy import Policy, formats, schema
from router.pricing import Listed, Price, PriceList
from router.prompts import Context, Handoff, Prompt
from router.verify import Judge, compiled

__all__ = ["deployment_of", "tier_of"]

_MARKS_FOR_CLAUDE = frozenset({"bedrock", "openrouter", "vertex_ai"})
"""Providers that hand Anthropic's marks on, for its models; others have caches of their own that need none."""
_NOTHING_LISTED = Listed(price=None, context_window=None, tools=None, images=None, schema=None, audio=None)


def deployment_of(name: str, spec: schema.Deployment, prices: PriceList) -> Deployment:
    """What the policy says, and where it is silent what LiteLLM's list says."""
    silent = spec.price is None or spec.context_window is None
    listed = (prices.look_up(spec.model, spec.provider) if silent else None) or _NOTHING_LISTED
    knows = {
        "tools": (spec.supports.tools, listed.tools),
        "images": (spec.supports.images, listed.images),
        "audio": (spec.supports.audio, listed.audio),
        "json_schema": (spec.supports.json_schema, listed.schema),
    }
    return Deployment(
        name=name,
        model=spec.model,
        base_url=spec.base_url,
        provider=spec.provider,
        api_key=spec.api_key,
        price=_price(spec.price) or listed.price,
        context_window=spec.context_window or listed.context_window,
        concurrency=spec.concurrency,
        spills=spec.when_full == "spill",
        timeout=spec.timeout,
        breaker=spec.breaker,
        labels=dict(spec.labels),
        lacks=frozenset(need for need, (said, known) in knows.items() if (known if said is None else said) is False),
        tune=spec.tune,
        drop=frozenset(spec.drop),
    )


def _price(spec: schema.Price | schema.HourlyPrice | None) -> Price | None:
    match spec:
        case schema.HourlyPrice():
            return Price.of_host(spec.per_hour)
        case schema.Price():
            return Price(spec.input, spec.output, spec.cached_input)
        case None:
            return None


def tier_of(name: str, spec: schema.Tier, policy: Policy, deployments: Mapping[str, Deployment]) -> Tier:
    """Compile one tier, out of deployments that were."""
    prompts = {each: _prompt(spec, policy, policy.deployments[each]) for each in spec.deployments}
    params = _params(spec.params, policy)
    checks = compiled(spec.checks, imposed_format=params.get("response_format"), read=policy.read_text)
    return Tier(
        name=name,
        deployments=tuple(deployments[deployment] for deployment in spec.deployments),
        checks=checks,
        hold=ALL if spec.hold == "all" else spec.hold,
        params=params,
        prompts={each: prompt for each, prompt in prompts.items() if prompt is not None},
        handoff=Handoff.of(spec.handoff, policy) if spec.handoff else None,
        judge=next((check for check in checks if isinstance(check, Judge)), None),
        context=Context.of(spec.context, policy) if spec.context else None,
        affinity=spec.balance == "affinity",
    )


def _prompt(tier: schema.Tier, policy: Policy, deployment: schema.Deployment) -> Prompt | None:
    """What a deployment's requests get in addition: what its tune was trained with, else what its tier says."""
    spec = (deployment.tune and deployment.tune.prompt) or tier.prompt
    provider = deployment.provider
    marks = provider == "anthropic" or (provider in _MARKS_FOR_CLAUDE and "claude" in deployment.model)
    return Prompt.of(spec, policy, marks=marks) if spec else None


def _params(spec: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """A tier's params, with the response format that a file holds."""
    name = spec.get("response_format")
    return (
        {**spec, "response_format": formats.read(name, policy.read_bytes(name))} if isinstance(name, str) else {**spec}
    )
