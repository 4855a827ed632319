"""The request as one tier should see it; everything we do not change stays as the client sent it."""

from collections.abc import Mapping
from typing import Any

import orjson

from router.chat import ChatRequest
from router.errors import BadRequest
from router.frozen import frozen
from router.prompts.handoff import handed
from router.prompts.prompt import Prompt

__all__ = ["Shaped", "shape"]


@frozen
class Shaped:
    """A body to send, and about how many tokens of prompt it has more than the client's (fewer: below zero)."""

    body: bytes
    added: int = 0

    @property
    def trimmed(self) -> int:
        """About how many tokens of prompt were saved."""
        return max(0, -self.added)


def shape(
    request: ChatRequest,
    *,
    model: str,
    params: Mapping[str, Any],
    prompt: Prompt | None = None,
    told: str | None = None,
    logprobs: bool = False,
) -> Shaped:
    """Make the body to send: the model's own name, the tier's prompt, its params where the client gave none, usage.

    `told`: what is handed over from the tier below; `logprobs`: the tier's checks read log probabilities, so they are
    asked for too.

    Raises:
        BadRequest: the request is nested deeper than JSON can be written.
    """
    body = {**request.body, "model": model}
    for name, value in params.items():
        if body.get(name) is None:
            body[name] = value
    if request.stream and not request.include_usage:
        body["stream_options"] = {**(request.body.get("stream_options") or {}), "include_usage": True}
    if logprobs:
        body["logprobs"] = True
    added = 0
    if prompt is not None:
        body["messages"], added = prompt.apply(request)
    if told is not None:
        body["messages"] = handed(body["messages"], told)
    try:
        return Shaped(orjson.dumps(body), added)
    except orjson.JSONEncodeError as error:  # it writes less deep than it reads
        raise BadRequest("The body of your request is nested too deeply.", code="invalid_json") from error
