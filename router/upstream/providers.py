"""Providers with a protocol of their own, spoken to through LiteLLM; to the rest of the house they speak OpenAI's.

LiteLLM is told to translate and nothing else: no retries, no fallbacks, no parameters dropped, no price list fetched
from the network. A provider that speaks OpenAI's protocol gets what LiteLLM does not know as it is, and says itself
what it thinks of it; for the others it is an error 400 that names the field, unless the deployment's `drop` does.
`metadata` alone stays here: it is for records and rules, not for the model, and LiteLLM would take some of it for
instructions to itself.

Connections belong to LiteLLM, which keeps them for all deployments of this process until it ends.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

import orjson

from router.plan import Deployment
from router.settings import tell_library
from router.sse import DONE, encode
from router.upstream.client import TRACEPARENT, Kind, TransportError

__all__ = ["FIELDS", "Answer", "Events", "Provider", "known", "load"]

FIELDS = frozenset(
    """
    audio cache_control context_management frequency_penalty function_call functions guardrailConfig logit_bias
    logprobs max_completion_tokens max_tokens messages min_p modalities n output_config parallel_tool_calls
    performanceConfig prediction presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort
    repetition_penalty response_format safety_identifier safety_settings seed service_tier stop store stream
    stream_options temperature thinking tool_choice tools top_k top_logprobs top_p user verbosity
    web_search_options
    """.split()  # noqa: SIM905  a list of words is a list of words
)
"""What a request may say to LiteLLM. It takes addresses, keys and files as arguments of the same call (`api_base`,
`vertex_credentials` …), so what it might take for one of those never gets there: not beside the others, anyhow, only in
the body as it is."""

_SPEAK_OPENAI = frozenset({"azure", "openai", "openrouter"})
"""Providers of OpenAI's protocol that LiteLLM's own list of compatible ones does not name. (Mistral is none: what is
put into a body as it is would replace what LiteLLM writes there in Mistral's own words.)"""
_EVERYWHERE = frozenset({"messages", "stream", "stream_options", "user"})
"""What LiteLLM places itself, whatever a provider supports."""
_LITELLM_LOOKS = frozenset({"azure_ad_token"})
"""What LiteLLM takes out of a body for itself."""
_NOT_SENT = frozenset({"metadata", "model"})
_NOTHING_ASKED: Mapping[str, object] = {
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "n": 1,
    "presence_penalty": 0,
    "store": False,
}
"""Values that ask for what happens anyhow; many clients send them, and providers without the field refuse them."""

_KINDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("timeout", frozenset({"TimeoutException", "Timeout", "APITimeoutError", "TimeoutError"})),
    ("connect", frozenset({"ConnectError", "ClientConnectorError", "EndpointConnectionError"})),
    ("reset", frozenset({"NetworkError", "RemoteProtocolError", "ClientPayloadError", "ConnectionError"})),
    ("malformed", frozenset({"JSONDecodeError", "APIConnectionError"})),
)
"""How a call without an answer failed, by the classes found in the chain of its exception, first match first.
(`APIConnectionError` is LiteLLM's name for whatever else went wrong, mostly an answer it could not read.)"""
_UNREADABLE = 422
"""The status LiteLLM gives to answers it could not read, when the provider itself did not answer so."""
_CODES = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
    "UnsupportedParamsError": "unsupported_parameter",
}
_WRAPPING = re.compile(
    r"^(?:litellm\.\w+: )*(?:\w+(?:Error|Exception) - )?|\.? (?:Handle with `litellm|To drop these).*", re.DOTALL
)
"""What LiteLLM adds to a provider's words."""


@cache
def load() -> Any:
    """Import LiteLLM and tell it to keep to itself; this takes seconds. A running server does it in a thread."""
    tell_library("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it fetches a price list at import otherwise
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.num_retries = 0
    litellm.disable_streaming_logging = True
    litellm.disable_token_counter = True  # usage is measured upstream, or unknown; and counting fetches tokenizers
    litellm.disable_hf_tokenizer_download = True
    return litellm


def known() -> frozenset[str]:
    """Every provider that LiteLLM speaks to."""
    return frozenset(str(getattr(provider, "value", provider)) for provider in load().provider_list)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in OpenAI's form, or an error in OpenAI's envelope."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


class Provider:
    """The transport of one deployment that names a `provider`."""

    def __init__(self, deployment: Deployment) -> None:
        """Load LiteLLM, unless it is loaded.

        Without an `api_key` LiteLLM looks for the provider's usual variables (`ANTHROPIC_API_KEY`, `AWS_…`);
        a `base_url` goes in place of the provider's own address.
        """
        self._litellm = load()
        compatible = _SPEAK_OPENAI.union(self._litellm.openai_compatible_providers)
        self._forwards = deployment.provider in compatible
        self._translated = FIELDS
        if self._forwards:
            supported = self._litellm.get_supported_openai_params(deployment.model, deployment.provider) or ()
            self._translated = _EVERYWHERE | FIELDS.intersection(supported)
        self._fixed = {
            "model": f"{deployment.provider}/{deployment.model}",
            "api_base": deployment.base_url,
            "api_key": deployment.api_key,
            "timeout": deployment.timeout.total,
            "num_retries": 0,
            "max_retries": 0,
        }

    async def whole(self, body: bytes) -> Answer:
        """Send a request, wait for its whole answer.

        Raises:
            TransportError: no answer came, or none that can be read.
        """
        said = await self._send(body)
        return said if isinstance(said, Answer) else Answer(200, orjson.dumps(_whole(said.model_dump())))

    async def streamed(self, body: bytes) -> "Events | ErrorBody":
        """Send a request, wait until its answer begins.

        Raises:
            TransportError: no answer came, or none that can be read.
        """
        said = await self._send(body)
        if not isinstance(said, Answer):
            events = Events(said)
            refused = await events.begin()
            if refused is None:
                return events
            said = refused
        return ErrorBody(said)

    async def aclose(self) -> None:
        """Nothing to close: connections are LiteLLM's, and other deployments may be using them."""

    async def _send(self, body: bytes) -> Any:
        """Give what LiteLLM answers, whole or as a stream, or what it raises as an error that clients can read."""
        given = orjson.loads(body)
        asked = {
            name: value
            for name, value in given.items()
            if value is not None
            and name not in _NOT_SENT
            and not (name in _NOTHING_ASKED and _NOTHING_ASKED[name] == value)
        }
        others = {name: asked.pop(name) for name in sorted(asked.keys() - self._translated)}
        for name in sorted(others.keys() & _LITELLM_LOOKS) if self._forwards else others:
            told = (
                f"{self._fixed['model']} cannot be sent '{name}'; leave it out, or name it in its deployment's `drop`."
            )
            return _error(400, {"message": told, "param": name, "code": "unsupported_parameter"})
        more: dict[str, Any] = {"extra_body": others} if others else {}
        if trace := TRACEPARENT.get():
            more["extra_headers"] = {"traceparent": trace.decode()}
        try:
            return await self._litellm.acompletion(**asked, **self._fixed, **more)
        except Exception as error:  # noqa: BLE001  whatever LiteLLM raises, this call has failed
            return _error_answer(error)


class ErrorBody:
    """An error instead of a stream, as the seam wants it: a status and a body in chunks."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self._content = answer.content

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the error object, whole."""
        yield self._content

    async def aclose(self) -> None:
        """Nothing is open."""


class _LiteLLMStream(Protocol):
    """What we use of LiteLLM's `CustomStreamWrapper`."""

    received_finish_reason: str | None
    intermittent_finish_reason: str | None
    completion_stream: object

    def __aiter__(self) -> AsyncIterator[Any]: ...
    async def aclose(self) -> None: ...


class Events:
    """A streamed answer as server-sent events of OpenAI's form."""

    status = 200

    def __init__(self, stream: _LiteLLMStream) -> None:
        self.headers: Mapping[str, str] = {"content-type": "text/event-stream"}
        self._stream = stream
        self._chunks = aiter(stream)
        self._first: Any = None
        self._same: dict[str, Any] = {}

    async def begin(self) -> Answer | None:
        """Wait for the first chunk, as LiteLLM sends some requests only now; give the error if one comes instead.

        Raises:
            TransportError: no answer came, or none that can be read.
        """
        try:
            self._first = await anext(self._chunks, None)
        except Exception as error:  # noqa: BLE001  as in Provider
            return _error_answer(error)
        except BaseException:
            await self.aclose()
            raise
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give one event for each chunk, then `[DONE]`.

        A stream that ends without a finish reason ends so here, without `[DONE]`. LiteLLM makes up a `stop`, which is
        taken out again wherever it can be told from a real one (for Anthropic it can, for Gemini it cannot).

        Raises:
            TransportError: it was cut short.
        """
        chunk, self._first = self._first, None
        try:
            while chunk is not None:
                event = _event(chunk.model_dump())
                if self._finish_is_made_up(event):
                    return
                self._same = self._same or {"id": event["id"], "created": event["created"]}
                yield encode(orjson.dumps({**event, **self._same}))
                chunk = await anext(self._chunks, None)
        except Exception as error:  # noqa: BLE001  as in Provider
            yield encode(_error_answer(error).content)
            return
        yield DONE

    async def aclose(self) -> None:
        """End it, and see to it that the provider notices: LiteLLM forgets about a connection instead of closing it."""
        lines = getattr(self._stream.completion_stream, "streaming_response", None)
        await self._stream.aclose()
        if isinstance(lines, AsyncGenerator):
            await lines.aclose()

    def _finish_is_made_up(self, event: Mapping[str, Any]) -> bool:
        finished = any(choice["finish_reason"] for choice in event["choices"])
        return finished and not (self._stream.received_finish_reason or self._stream.intermittent_finish_reason)


def _whole(answer: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM's answer with the nulls that OpenAI's has and without those that it has not."""
    answer = _honest(_without_nulls(answer))
    for choice in answer["choices"]:
        message = choice["message"] = {"content": None, "refusal": None, **choice["message"]}
        for call in message.get("tool_calls", ()):
            call.pop("index", None)
        choice.setdefault("finish_reason", None)
        choice.setdefault("logprobs", None)
    return answer


def _event(chunk: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM's chunk, likewise; the one that brings the usage has no choices."""
    chunk = _honest(_without_nulls(chunk))
    for choice in chunk["choices"]:
        choice.setdefault("delta", {})
        choice.setdefault("finish_reason", None)
        choice.setdefault("logprobs", None)
    if "usage" in chunk and not any(choice["delta"] or choice["finish_reason"] for choice in chunk["choices"]):
        chunk["choices"] = []
    return chunk


def _honest(answer: dict[str, Any]) -> dict[str, Any]:
    """Take out a usage of no tokens, which LiteLLM gives where the provider gave none: unknown is not nothing."""
    if not answer.get("usage", {}).get("prompt_tokens"):
        answer.pop("usage", None)
    return answer


def _without_nulls(value: Any) -> Any:
    """A copy without nulls, and without the objects in which nothing else was."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return {name: item for name, item in kept.items() if item != {}}


def _error_answer(error: BaseException) -> Answer:
    """Tell an answer with an error status from no answer at all.

    Raises:
        TransportError: no answer at all.
    """
    error = getattr(error, "original_exception", None) or error  # what went wrong in the middle of a stream
    chain = list(_chain(error))
    names = {base.__name__ for one in chain for base in type(one).__mro__}
    code = next((code for name, code in _CODES.items() if name in names), None)
    response = next((getattr(one, "response", None) for one in chain if _is_refusal(one)), None)
    if response is not None:
        return _refused(response, code)
    words = _WRAPPING.sub("", str(getattr(error, "message", error)))
    for kind, classes in _KINDS:
        if names & classes and code is None:
            raise TransportError(kind, words) from error
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or not 400 <= status < 600 or status == _UNREADABLE:
        raise TransportError("malformed", words) from error
    return _error(status, {"message": words, "code": code})


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_refusal(error: BaseException) -> bool:
    """Whether this is httpx's word for an answer with an error status; the answer is in its `response`."""
    return any(base.__name__ == "HTTPStatusError" for base in type(error).__mro__)


def _refused(response: Any, code: str | None) -> Answer:
    """The provider's own error, in OpenAI's envelope."""
    told: Any = None
    with suppress(Exception):  # not read, or not JSON: then its status has to do
        told = orjson.loads(response.content)
    told = told[0] if isinstance(told, list) and told else told
    told = told.get("error", told) if isinstance(told, dict) else {}
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        told = {"message": f"the provider answered {response.status_code}"}
    answer = _error(response.status_code, {**told, "code": code or told.get("code")})
    retry_after = response.headers.get("retry-after")
    return replace(answer, headers={**answer.headers, "retry-after": retry_after}) if retry_after else answer


def _error(status: int, told: Mapping[str, Any]) -> Answer:
    """OpenAI's envelope, with what is known."""
    envelope = {
        "message": told["message"],
        "type": told.get("type") or ("invalid_request_error" if status < 500 else "upstream_error"),
        "param": told.get("param"),
        "code": told["code"] if isinstance(told.get("code"), str) else None,
    }
    return Answer(status, orjson.dumps({"error": envelope}))
