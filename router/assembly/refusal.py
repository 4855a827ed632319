"""A policy that reads well, and names something that cannot be used."""

from router.policy import Policy
from router.policy.source import spelled

__all__ = ["AssemblyError", "refused"]


class AssemblyError(ValueError):
    """A policy reads well, but what it names cannot be used; one line says what and where."""


def refused(policy: Policy, path: tuple[str | int, ...], message: str) -> AssemblyError:
    """Say in one line what cannot be used, and where the policy names it."""
    file, line = policy.where(*path)
    return AssemblyError(f"{file}:{line} {spelled(path)}: {' '.join(message.split())}")
