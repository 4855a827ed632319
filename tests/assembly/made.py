"""Plans of one deployment, and a list of prices that knows one model."""

import json

from router.assembly import plan_of
from router.plan import Plan
from router.policy import loads
from router.pricing import PriceList

LISTED = PriceList(
    json.dumps(
        {
            "known-model": {
                "litellm_provider": "openai",
                "input_cost_per_token": 1e-6,
                "output_cost_per_token": 2e-6,
                "max_input_tokens": 4096,
                "supports_function_calling": False,
                "supports_vision": True,
            }
        }
    )
)


def of(deployment: str, prices: PriceList = LISTED, tier: str = "deployments: [a]") -> Plan:
    text = f"""
version: 1
deployments: {{a: {{base_url: "http://127.0.0.1:1/v1", {deployment}}}}}
tiers: {{tuned: {{{tier}}}}}
routes: {{auto: {{cascade: [{{tier: tuned}}]}}}}
"""
    return plan_of(loads(text), prices, now=1_700_000_000.9)
