"""Providers with a protocol of their own, spoken to through LiteLLM; to the rest of the house they speak OpenAI's.

LiteLLM is told to translate and nothing else: no retries, no fallbacks, no parameters dropped, no price list fetched
from the network. A provider that speaks OpenAI's protocol gets what LiteLLM does not know as it is, and says itself
what it thinks of it; for the others it is an error 400 that names the field, unless the deployment's `drop` does.
`metadata` alone stays here: it is for records and rules, not for the model, and LiteLLM would take some of it for
instructions to itself.

Connections belong to LiteLLM, which keeps them for all deployments of this process until it ends.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import cache
from typing import Any, Protocol

import orjson

from router.plan import Deployment
from router.settings import tell_library
from router.sse import DONE, encode
from router.upstream.client import TRACEPARENT, Given, TransportError
from router.upstream.provider_answers import Answer, embeddings, event, whole
from router.upstream.provider_errors import answer_to, refusal

__all__ = ["EMBEDDED", "FIELDS", "Events", "Provider", "known", "load"]

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

EMBEDDED = frozenset({"dimensions", "input", "input_type", "task_type", "user"})
"""What a request for embeddings may say to LiteLLM, which takes as much of this for instructions as of the other."""
_NOT_EMBEDDED = frozenset({"encoding_format", "metadata", "model"})

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


@cache
def load() -> Any:
    """Import LiteLLM and tell it to keep to itself; this takes seconds. A running server does it in a thread."""
    tell_library("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it fetches a price list at import otherwise
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.num_retries = 0
    litellm.DEFAULT_MAX_RETRIES = 0  # which embeddings take `max_retries=0` for
    litellm.disable_streaming_logging = True
    litellm.disable_token_counter = True  # usage is measured upstream, or unknown; and counting fetches tokenizers
    litellm.disable_hf_tokenizer_download = True
    return litellm


def known() -> frozenset[str]:
    """Every provider that LiteLLM speaks to."""
    return frozenset(str(getattr(provider, "value", provider)) for provider in load().provider_list)


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

    async def whole(self, body: bytes, *, within: float = math.inf) -> Answer:
        """Send a request, wait for its whole answer, `within` seconds.

        Raises:
            TransportError: no answer came, or none that can be read.
        """
        try:
            async with asyncio.timeout(within if within < math.inf else None):
                said = await self._send(body)
        except TimeoutError as error:
            raise TransportError("timeout", f"no answer within {within:g} s") from error
        return said if isinstance(said, Answer) else Answer(200, orjson.dumps(whole(said.model_dump())))

    async def streamed(self, body: bytes, *, within: float = math.inf) -> "Events | ErrorBody":
        """Send a request, wait until its answer begins, `within` seconds.

        Raises:
            TransportError: no answer came, or none that can be read.
        """
        try:
            async with asyncio.timeout(within if within < math.inf else None):
                return await self._begun(body)
        except TimeoutError as error:
            raise TransportError("timeout", f"no answer within {within:g} s") from error

    async def embedded(self, body: bytes, *, within: float = math.inf) -> Answer:
        """Ask for embeddings, `within` seconds.

        Providers are asked for numbers, which they all know; who wants base64 gets those numbers so.

        Raises:
            TransportError: no answer came, or none that can be read.
        """
        given = orjson.loads(body)
        asked = {name: value for name, value in given.items() if value is not None and name not in _NOT_EMBEDDED}
        if unknown := sorted(asked.keys() - EMBEDDED):
            return self._refused(unknown[0])
        more = {"extra_headers": {"traceparent": trace.decode()}} if (trace := TRACEPARENT.get()) else {}
        try:
            async with asyncio.timeout(within if within < math.inf else None):
                said = await self._litellm.aembedding(**asked, **self._fixed, **more)
            return Answer(200, orjson.dumps(embeddings(said.model_dump(), given.get("encoding_format"))))
        except TimeoutError as error:
            raise TransportError("timeout", f"no answer within {within:g} s") from error
        except Exception as error:  # noqa: BLE001  whatever LiteLLM raises, this call has failed
            return answer_to(error)

    def _refused(self, name: str) -> Answer:
        """What is said of a field that could not be sent, or might mean something else to LiteLLM."""
        told = f"{self._fixed['model']} cannot be sent '{name}'; leave it out, or name it in its deployment's `drop`."
        return refusal(400, {"message": told, "param": name, "code": "unsupported_parameter"})

    async def _begun(self, body: bytes) -> "Events | ErrorBody":
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
            return self._refused(name)
        more: dict[str, Any] = {"extra_body": others} if others else {}
        if trace := TRACEPARENT.get():
            more["extra_headers"] = {"traceparent": trace.decode()}
        try:
            return await self._litellm.acompletion(**asked, **self._fixed, **more)
        except Exception as error:  # noqa: BLE001  whatever LiteLLM raises, this call has failed
            return answer_to(error)


class ErrorBody(Given):
    """An error instead of a stream, as the seam wants it: a status and a body in chunks."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        super().__init__(_at_once(answer.content))

    async def aclose(self) -> None:
        """Nothing is open."""


async def _at_once(content: bytes) -> AsyncIterator[bytes]:
    yield content


class _LiteLLMStream(Protocol):
    """What we use of LiteLLM's `CustomStreamWrapper`."""

    received_finish_reason: str | None
    intermittent_finish_reason: str | None
    completion_stream: object

    def __aiter__(self) -> AsyncIterator[Any]: ...
    async def aclose(self) -> None: ...


class Events(Given):
    """A streamed answer as server-sent events of OpenAI's form."""

    status = 200

    def __init__(self, stream: _LiteLLMStream) -> None:
        self.headers: Mapping[str, str] = {"content-type": "text/event-stream"}
        self._stream = stream
        self._told = aiter(stream)
        self._first: Any = None
        self._same: dict[str, Any] = {}
        self._telling = self._events()
        super().__init__(self._telling)

    async def begin(self) -> Answer | None:
        """Wait for the first chunk, as LiteLLM sends some requests only now; give the error if one comes instead.

        Raises:
            TransportError: no answer came, or none that can be read.
        """
        try:
            self._first = await anext(self._told, None)
        except Exception as error:  # noqa: BLE001  as in Provider
            return answer_to(error)
        except BaseException:
            await self.aclose()
            raise
        return None

    async def _events(self) -> AsyncGenerator[bytes, None]:
        """Give one event for each chunk, then `[DONE]`.

        A stream that ends without a finish reason ends so here, without `[DONE]`. LiteLLM makes up a `stop`, which is
        taken out again wherever it can be told from a real one (for Anthropic it can, for Gemini it cannot).

        Raises:
            TransportError: it was cut short.
        """
        chunk, self._first = self._first, None
        try:
            while chunk is not None:
                told = event(chunk.model_dump())
                if self._finish_is_made_up(told):
                    return
                self._same = self._same or {"id": told["id"], "created": told["created"]}
                yield encode(orjson.dumps({**told, **self._same}))
                chunk = await anext(self._told, None)
        except Exception as error:  # noqa: BLE001  as in Provider
            yield encode(answer_to(error).content)
            return
        yield DONE

    async def aclose(self) -> None:
        """End it, and see to it that the provider notices: LiteLLM forgets about a connection instead of closing it."""
        lines = getattr(self._stream.completion_stream, "streaming_response", None)
        await self._telling.aclose()  # or it and this would hold on to each other
        await self._stream.aclose()
        if isinstance(lines, AsyncGenerator):
            await lines.aclose()

    def _finish_is_made_up(self, event: Mapping[str, Any]) -> bool:
        finished = any(choice["finish_reason"] for choice in event["choices"])
        return finished and not (self._stream.received_finish_reason or self._stream.intermittent_finish_reason)
