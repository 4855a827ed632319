"""Plans for tests, made as a server makes them: from a policy's text."""

import orjson

from router.assembly import plan_of
from router.chat import ChatRequest, parse
from router.plan import Plan
from router.policy import loads
from router.pricing import PriceList

TWO_TIERS = """
version: 1
deployments:
  small:
    base_url: http://127.0.0.1:1/v1
    model: s
    price: {input: 1, output: 1}
    context_window: 1000
    labels: {eu: "yes"}
  big: {base_url: "http://127.0.0.1:2/v1", model: b, price: {input: 10, output: 10}}
tiers:
  tuned: {deployments: [small]}
  frontier: {deployments: [big]}
routes:
  auto: {difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""


def plan(policy: str = TWO_TIERS) -> Plan:
    """Return the plan that a policy comes to; nothing is looked up."""
    return plan_of(loads(policy), PriceList(), now=0.0)


def asked(text: str = "hi", *, model: str = "auto", **more: object) -> ChatRequest:
    """Return a request of one user turn."""
    return parse(orjson.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more}))
