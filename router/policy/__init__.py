"""What YAML may say, and what an operator hears when it says something else.

`load` reads a file or a folder into one frozen `Policy`, or raises `PolicyError` with every fault and its place.
"""

from router.policy.faults import Caution, Fault, Note, PolicyError
from router.policy.lint import lint
from router.policy.reading import load, loads
from router.policy.schema import Policy, json_schema

__all__ = ["Caution", "Fault", "Note", "Policy", "PolicyError", "json_schema", "lint", "load", "loads"]
