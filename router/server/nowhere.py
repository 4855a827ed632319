"""What is a client told whose path is none of ours? Mostly it is `base_url` that has one `/v1` too many, or none."""

import re
from collections.abc import Callable

from router.errors import NotFound

__all__ = ["meant", "nothing_at"]

_STORED = re.compile(r"/v1/responses/[^/]+(/cancel|/input_items)?")
_ANTHROPIC = "/v1/messages"


def meant(path: str, known: Callable[[str], bool]) -> str | None:
    """The path that a client meant whose `base_url` is wrong; None where there is no telling."""
    if path.startswith("/v1/v1/"):
        right = re.sub(r"^(/v1)+", "/v1", path)
    elif not path.startswith("/v1/"):
        right = "/v1" + path
    else:
        return None
    return right if known(right) else None


def nothing_at(method: str, path: str, right: str | None) -> NotFound:
    """The error for a path that is not here; `right` is what was meant."""
    if right is None:
        if _is_stored(method, path):
            told = "no response is stored here: this proxy answers and forgets; send the whole conversation as 'input'"
            return NotFound(told, code="response_not_found")
        return NotFound(f"Invalid URL ({method} {path})", code="unknown_url")
    if right.startswith(_ANTHROPIC):
        what = "base_url should not end in /v1, which Anthropic's clients add by themselves"
        what = what if path.startswith("/v1/") else "base_url should be without a path, and Anthropic's clients add /v1"
    else:
        what = "base_url should end in one /v1" if path.startswith("/v1/") else "base_url should end in /v1"
    return NotFound(f"Invalid URL ({method} {path}); here it is {right}: {what}", code="unknown_url")


def _is_stored(method: str, path: str) -> bool:
    """Whether somebody asks for a response of the past."""
    found = _STORED.fullmatch(path)
    if found is None:
        return False
    return method in {None: {"GET", "DELETE"}, "/cancel": {"POST"}, "/input_items": {"GET"}}[found[1]]
