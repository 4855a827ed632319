"""Every error a client can see, its HTTP status, and a sentence that says what to do.

::

    Problem
    ├── BadRequest              400  the request itself is wrong
    │   ├── RequestTimedOut     408  it did not arrive in time
    │   ├── TooLarge            413  its body is larger than `server.max_body`
    │   └── HeadTooLarge        431  its headers are
    ├── Unauthorized            401  no key, or a key this proxy does not know
    ├── Forbidden               403  the policy's rules leave no deployment that may see this request
    ├── NotFound                404  no such path, model, or id
    │   └── MethodNotAllowed    405
    ├── LimitReached            429  a key has used up what the policy's limits allow it for now
    │   └── OutOfMoney          429  … in US dollars, for the day or the month
    ├── Relayed                  —   an upstream's own error, status and body as it sent them
    ├── UpstreamFailed          502  every deployment that might have answered failed
    │   └── UpstreamTimedOut    504
    ├── Unavailable             503  nothing can answer just now; try again
    └── StreamBroken             —   after the first byte: the last event of a stream

The body is OpenAI's envelope: ``{"error": {"message", "type", "param", "code"}}``.
"""

from collections.abc import Iterable, Mapping

import orjson
from typing_extensions import override

__all__ = [
    "BadRequest",
    "Forbidden",
    "HeadTooLarge",
    "LimitReached",
    "MethodNotAllowed",
    "NotFound",
    "OutOfMoney",
    "Problem",
    "Relayed",
    "RequestTimedOut",
    "StreamBroken",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "UpstreamFailed",
    "UpstreamTimedOut",
    "names",
]


class Problem(Exception):
    """Something a client must be told; subclasses fix the status, the type and the usual code."""

    status: int = 500
    type: str = "server_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or type(self).code
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """The JSON envelope that OpenAI's clients know how to raise."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return orjson.dumps({"error": error})


class BadRequest(Problem):
    """The request is wrong and will be wrong again."""

    status = 400
    type = "invalid_request_error"


class RequestTimedOut(BadRequest):
    """The request took longer to arrive than anybody waits."""

    status = 408
    code: str | None = "request_timeout"


class TooLarge(BadRequest):
    """The request's body is larger than the policy's `server.max_body`."""

    status = 413
    code: str | None = "request_too_large"


class HeadTooLarge(BadRequest):
    """The request's headers are larger than any that a client has a reason to send."""

    status = 431
    code: str | None = "request_head_too_large"


class Unauthorized(BadRequest):
    """No API key, or one that is not in `auth.keys`."""

    status = 401
    code: str | None = "invalid_api_key"


class Forbidden(BadRequest):
    """The route's rules leave no deployment that may answer this request."""

    status = 403
    code: str | None = "no_permitted_deployment"


class NotFound(BadRequest):
    """There is nothing by that name."""

    status = 404


class MethodNotAllowed(NotFound):
    """The path exists, the method does not."""

    status = 405
    code: str | None = "method_not_allowed"


class LimitReached(Problem):
    """The key has used up what a limit allows it for now; `type` says what of: `requests` or `tokens`, as OpenAI's."""

    status = 429
    type: str = "requests"
    code: str | None = "rate_limit_exceeded"


class OutOfMoney(LimitReached):
    """The key has spent what it may in this day or month."""

    type: str = "insufficient_quota"
    code: str | None = "insufficient_quota"


class Relayed(Problem):
    """An upstream's error, handed on as it came: status, body, content type and Retry-After."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(f"the upstream answered {status}", headers=headers)
        self.status = status
        self._body = body

    @override
    def body(self) -> bytes:
        """The upstream's own bytes."""
        return self._body


class UpstreamFailed(Problem):
    """Every deployment that might have answered failed, the last without a status worth handing on."""

    status = 502
    type = "upstream_error"
    code: str | None = "upstream_failed"


class UpstreamTimedOut(UpstreamFailed):
    """The last deployment, or the whole request, ran out of time."""

    status = 504
    code: str | None = "upstream_timeout"


class Unavailable(Problem):
    """Nothing can answer just now: every breaker is open, every place is taken, or the server is stopping."""

    status = 503
    type = "server_error"
    code: str | None = "unavailable"


class StreamBroken(UpstreamFailed):
    """A stream that had begun could not be finished; sent as its last event."""

    code: str | None = "stream_broken"

    def event(self) -> bytes:
        """The server-sent event that tells a client so; nothing follows it."""
        return b"data: " + self.body() + b"\n\n"


def names(known: Iterable[str]) -> str:
    """Join names for a sentence: ``'auto', 'triage' and 'tuned'``."""
    quoted = [f"'{name}'" for name in known]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]])) if quoted else "none"
