"""The request as one tier should see it; everything we do not change stays as the client sent it."""

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from router.chat import ChatRequest
from router.errors import BadRequest
from router.frozen import frozen
from router.prompts.handoff import handed
from router.prompts.prompt import Prompt

__all__ = ["Recipient", "Shaped", "shape"]


class Recipient(Protocol):
    """As much of a deployment as its requests depend on."""

    @property
    def model(self) -> str:
        """What it calls its model."""

    @property
    def drop(self) -> frozenset[str]:
        """Fields that it is not sent."""


@frozen
class Shaped:
    """A body to send, and what became of the client's."""

    body: bytes
    added: int = 0
    """About how many tokens of prompt it has more than the client's; fewer: below zero."""
    dropped: tuple[str, ...] = ()
    """Fields that it would have, if the deployment took them."""

    @property
    def trimmed(self) -> int:
        """About how many tokens of prompt were saved."""
        return max(0, -self.added)


def shape(
    request: ChatRequest,
    *,
    to: Recipient,
    params: Mapping[str, Any],
    prompt: Prompt | None = None,
    told: str | None = None,
    logprobs: bool = False,
) -> Shaped:
    """Make the body to send: the model's own name, the tier's prompt, its params where the client gave none, usage.

    What the deployment does not take is left out in the end, whoever wrote it.
    `told`: what is handed over from the tier below; `logprobs`: the tier's checks read log probabilities, so they are
    asked for too.

    Raises:
        BadRequest: the request is nested deeper than JSON can be written.
    """
    body = {**request.body, "model": to.model}
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
    dropped = tuple(name for name in body if name in to.drop) if to.drop else ()
    for name in dropped:
        del body[name]
    try:
        return Shaped(orjson.dumps(body), added, dropped)
    except orjson.JSONEncodeError as error:  # it writes less deep than it reads
        raise BadRequest("The body of your request is nested too deeply.", code="invalid_json") from error
