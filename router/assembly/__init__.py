"""From a policy to a plan.

::

    plans     everything that a policy names, in one frozen value
    tiers     who may be asked: deployments, with prices and prompts
    routes    who is asked first: cascades, with rules, models and thresholds
    refusal   what reads well and cannot be used
"""

from router.assembly.plans import plan_of, read
from router.assembly.refusal import AssemblyError

__all__ = ["AssemblyError", "plan_of", "read"]
