"""OpenAI's completions, from before there was chat: a prompt goes in as what a user says, and text comes out.

(https://platform.openai.com/docs/api-reference/completions)
"""

from typing import Any

import orjson

from router import chat
from router.chat import ChatRequest, index_of, text_of
from router.errors import BadRequest
from router.sse import COMMENT, DONE, encode

__all__ = ["Completions"]


class Completions:
    """The dialect of `POST /v1/completions`."""

    def read(self, raw: bytes) -> "_Exchange":
        """Read a request's body; fields that chat completions know by the same name go along as they are.

        Raises:
            BadRequest: it is wrong, or asks for what only a model without a chat template can do.
        """
        body = chat.json_object(raw)
        prompt = _prompt(body)
        if body.get("suffix"):
            raise _refused("suffix", "text cannot be inserted in front of a suffix here")
        if (best_of := body.get("best_of")) is not None and (best_of is True or best_of != (body.get("n") or 1)):
            raise _refused("best_of", "answers are not compared here; ask for n of them and choose")
        for name in _OF_CHAT:
            if body.get(name):
                raise _refused(name, "it belongs to chat completions, and this answer could not tell what came of it")
        echo, logprobs = body.get("echo") or False, body.get("logprobs")
        if not isinstance(echo, bool):
            raise BadRequest("Invalid type for 'echo': expected a boolean.", param="echo", code="invalid_type")
        if echo and logprobs is not None:
            raise _refused("logprobs", "a prompt's own log probabilities are not known here; leave out `echo`")
        asked = {name: value for name, value in body.items() if name not in _OURS}
        asked["messages"] = [{"role": "user", "content": prompt}]
        if logprobs is not None:
            if type(logprobs) is not int:
                message = "Invalid type for 'logprobs': expected an integer."
                raise BadRequest(message, param="logprobs", code="invalid_type")
            asked |= {"logprobs": True, "top_logprobs": logprobs}
        return _Exchange(chat.accept(asked), prompt if echo else "")

    def problem(self, status: int, error: dict[str, Any], request_id: str) -> dict[str, Any]:  # noqa: ARG002  nor needed
        """Tell an error, in the envelope that is OpenAI's everywhere."""
        return {"error": error}


_OF_CHAT = ("functions", "messages", "tools")
_OURS = frozenset({"prompt", "suffix", "best_of", "echo", "logprobs", *_OF_CHAT})


def _prompt(body: dict[str, Any]) -> str:
    """The one text that is to be continued."""
    prompt = body.get("prompt")
    if prompt is None:
        raise BadRequest("Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    if isinstance(prompt, list) and len(prompt) == 1:
        (prompt,) = prompt
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and prompt and all(isinstance(each, str) for each in prompt):
        raise _refused("prompt", "one prompt can be asked at a time; send a request for each")
    raise _refused("prompt", "a prompt is a text here: tokens mean something else to each model that may answer")


def _refused(param: str, why: str) -> BadRequest:
    return BadRequest(f"'{param}' is not supported: {why}.", param=param, code="unsupported_parameter")


class _Exchange:
    """One request, and how its answer is told."""

    def __init__(self, request: ChatRequest, echo: str) -> None:
        """`echo`: what every text begins with."""
        self.request = request
        self._echo = echo

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Tell a whole chat completion."""
        return {
            **answer,
            "object": "text_completion",
            "choices": [
                _choice(choice, choice.get("message") or {}, n, self._echo)
                for n, choice in enumerate(answer.get("choices") or ())
            ],
        }

    def stream(self) -> "_Telling":
        """Begin to tell a streamed one."""
        return _Telling(self._echo)


class _Telling:
    """One streamed answer, told as it comes."""

    def __init__(self, echo: str) -> None:
        self._echo = echo
        self._offsets: dict[int, int] = {}
        """How much of each choice's text has been told."""

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        """Tell a chunk, unless there is neither text nor an end in it."""
        choices = [told for choice in chunk.get("choices") or () if (told := self._told(choice)) is not None]
        if not choices and not chunk.get("usage"):
            return b""
        return encode(orjson.dumps({**chunk, "object": "text_completion", "choices": choices}))

    def _told(self, choice: dict[str, Any]) -> dict[str, Any] | None:
        index, delta = index_of(choice, 0), choice.get("delta") or {}
        if not (_text(delta) or choice.get("finish_reason") or choice.get("logprobs")):
            return None
        before = self._offsets.get(index)
        told = _choice(choice, delta, index, self._echo if before is None else "", before or 0)
        self._offsets[index] = (before or 0) + len(told["text"])
        return told

    def comment(self) -> bytes:
        """Keep the connection open."""
        return COMMENT

    def end(self) -> bytes:
        """Tell that this was all."""
        return DONE

    def broken(self, error: dict[str, Any]) -> bytes:
        """Tell that it has broken off."""
        return encode(orjson.dumps({"error": error}))


def _choice(choice: dict[str, Any], said: dict[str, Any], position: int, echo: str, offset: int = 0) -> dict[str, Any]:
    """One alternative; `offset`: where in the text it begins."""
    return {
        "text": echo + _text(said),
        "index": index_of(choice, position),
        "logprobs": _logprobs(choice.get("logprobs"), offset + len(echo)),
        "finish_reason": choice.get("finish_reason"),
    }


def _text(said: dict[str, Any]) -> str:
    """What was said, if only that nothing will be."""
    return text_of(said.get("content")) or text_of(said.get("refusal"))


def _logprobs(logprobs: dict[str, Any] | None, offset: int) -> dict[str, Any] | None:
    """Log probabilities as they stood before chat: a list for each fact instead of an object for each token."""
    tokens = _objects((logprobs or {}).get("content"))
    if not tokens:
        return None
    texts, offsets = [text_of(token.get("token")) for token in tokens], []
    for text in texts:
        offsets.append(offset)
        offset += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [token.get("logprob") for token in tokens],
        "top_logprobs": [
            {
                word: top.get("logprob")
                for top in _objects(token.get("top_logprobs"))
                if isinstance(word := top.get("token"), str)
            }
            for token in tokens
        ],
        "text_offset": offsets,
    }


def _objects(listed: object) -> list[dict[str, Any]]:
    """What are objects in a list, if it is one."""
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
