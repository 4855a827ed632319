"""Whose answers outcomes were: the model, the tune and the prompt behind every tier, as a model file remembers them."""

from collections.abc import Iterable, Mapping

import orjson

from router import signals
from router.policy import Policy
from router.policy.prompting import is_file
from router.policy.schema import Prompt

Origins = Mapping[str, list[str]]
"""For every tier what its deployments serve, as sorted words: `support-8b-v3 tune v3 prompt 9f86d081884c7d65`."""


def origins(policy: Policy, tiers: Iterable[str]) -> Origins:
    """Return whose answers these tiers of a policy give now; KeyError for a tier that it does not have."""
    return {name: _served(policy, name) for name in tiers}


def _served(policy: Policy, name: str) -> list[str]:
    tier = policy.tiers[name]
    said = set()
    for deployment in (policy.deployments[each] for each in tier.deployments):
        tune = deployment.tune
        prompt = (tune.prompt if tune else None) or tier.prompt
        words = [f"{deployment.provider}/{deployment.model}" if deployment.provider else deployment.model]
        words += ["tune", tune.id] if tune else []
        words += ["prompt", _hash(policy, prompt)] if prompt else []
        said.add(" ".join(words))
    return sorted(said)


def _hash(policy: Policy, prompt: Prompt) -> str:
    """Return the fingerprint of everything a prompt adds, wherever its files lie, white space apart."""
    added = prompt.model_dump(exclude={"replaces"}, exclude_none=True)
    texts = {key: policy.read_text(said) if key == "examples" or is_file(said) else said for key, said in added.items()}
    return signals.prompt_hash(orjson.dumps({key: " ".join(text.split()) for key, text in texts.items()}).decode())
