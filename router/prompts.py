"""The request as one tier should see it; everything we do not change stays as the client sent it."""

from collections.abc import Mapping
from typing import Any

import orjson

from router.chat import ChatRequest
from router.errors import BadRequest

__all__ = ["shape"]


def shape(request: ChatRequest, *, model: str, params: Mapping[str, Any], logprobs: bool = False) -> bytes:
    """The body to send: the model's own name, the tier's defaults where the client set nothing, and usage asked for.

    `logprobs`: the tier's checks read log probabilities, so they are asked for too.

    Raises:
        BadRequest: the request is nested deeper than JSON can be written.
    """
    body = {**params, **request.body, "model": model}
    if request.stream and not request.include_usage:
        body["stream_options"] = {**(request.body.get("stream_options") or {}), "include_usage": True}
    if logprobs:
        body["logprobs"] = True
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:  # it writes less deep than it reads
        raise BadRequest("The body of your request is nested too deeply.", code="invalid_json") from error
