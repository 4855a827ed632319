"""Chat completions as far as routing needs them; what we do not understand is kept and forwarded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from router.errors import BadRequest
from router.frozen import frozen

__all__ = [
    "JSON_NAMES",
    "ChatRequest",
    "Choice",
    "Chunks",
    "Completion",
    "Malformed",
    "Usage",
    "accept",
    "completion",
    "hide_logprobs",
    "index_of",
    "json_object",
    "parse",
    "text_of",
    "without_logprobs",
    "wrong_type",
]


@frozen
class ChatRequest:
    """One request: the client's own JSON object, and the few fields routing reads."""

    body: dict[str, Any]
    model: str
    stream: bool = False
    include_usage: bool = False
    """Whether the client asked for usage at the end of its stream."""
    sources: frozenset[str] | None = None
    """What an answer may cite, where sources were retrieved for it; None: what its messages hold."""
    given: str = ""
    """Those sources, each in its tag and escaped, as whoever judges the answer reads them."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, as the client sent it: a list that is not empty, of objects with a `role`."""
        messages: list[dict[str, Any]] = self.body["messages"]
        return messages

    @property
    def output_cap(self) -> int | None:
        """The most tokens the client wants back, when it says so."""
        cap = self.body.get("max_completion_tokens")
        return cap if cap is not None else self.body.get("max_tokens")


@frozen
class Usage:
    """Tokens of one answer. `cached_input` is part of `input`, `reasoning` is part of `output`."""

    input: int
    output: int
    cached_input: int = 0
    reasoning: int = 0


@frozen
class Choice:
    """One of an answer's alternatives, complete."""

    finish_reason: str | None
    content: str = ""
    refusal: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    logprobs: tuple[float, ...] = ()
    """Of the content's tokens, where the upstream gave them."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it at all."""
        return not (self.content or self.refusal or self.tool_calls)


@frozen
class Completion:
    """A whole answer, or a finished stream put together again; what checks judge."""

    choices: tuple[Choice, ...]
    usage: Usage | None
    model: str | None
    id: str | None = None
    """What the upstream calls it."""


class Malformed(ValueError):
    """An upstream's answer is not a chat completion."""


JSON_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}
_LONGEST_ID = 256
_OPTIONAL: Mapping[str, tuple[tuple[type, ...], str]] = {
    "stream": ((bool,), "a boolean"),
    "stream_options": ((dict,), "an object"),
    "temperature": ((int, float), "a number"),
    "max_tokens": ((int,), "an integer"),
    "max_completion_tokens": ((int,), "an integer"),
    "n": ((int,), "an integer"),
    "tools": ((list,), "an array"),
    "response_format": ((dict,), "an object"),
    "metadata": ((dict,), "an object"),
}


def parse(raw: bytes) -> ChatRequest:
    """Read a request's body, once.

    Only what routing relies on is checked; everything else is the upstream's to judge.

    Raises:
        BadRequest: the body is not JSON, or a field routing reads has the wrong type (named in `param`).
    """
    return accept(json_object(raw))


def json_object(raw: bytes) -> dict[str, Any]:
    """Read a body that has to be a JSON object.

    Raises:
        BadRequest: it is not.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        message = f"We could not parse the JSON body of your request: {error}."
        raise BadRequest(message, code="invalid_json") from error
    if not isinstance(body, dict):
        message = f"The body of your request must be a JSON object, not {JSON_NAMES[type(body)]}."
        raise BadRequest(message, code="invalid_type")
    return body


def accept(body: dict[str, Any]) -> ChatRequest:
    """Take a body that is JSON already; it becomes the request's own.

    Raises:
        BadRequest: a field routing reads is missing or has the wrong type (named in `param`).
    """
    if not isinstance(model := body.get("model"), str):
        raise _unfit("model", "a string", model)
    if not isinstance(messages := body.get("messages"), list):
        raise _unfit("messages", "an array of objects", messages)
    for name, value in body.items():
        if name in _OPTIONAL and type(value) not in _OPTIONAL[name][0] and value is not None:
            raise wrong_type(name, _OPTIONAL[name][1], value)
    _check_messages(messages)
    if tools := body.get("tools"):
        _check_tools(tools)
    options = body.get("stream_options")
    return ChatRequest(body, model, bool(body.get("stream")), bool(options and options.get("include_usage")))


def _unfit(name: str, expected: str, value: object) -> BadRequest:
    """What is said of a field that every request has to have."""
    if value is not None:
        return wrong_type(name, expected, value)
    message = f"Missing required parameter: '{name}'."
    return BadRequest(message, param=name, code="missing_required_parameter")


def _check_messages(messages: Sequence[Any]) -> None:
    if not messages:
        message = "Invalid 'messages': empty array. Expected an array with at least one message."
        raise BadRequest(message, param="messages", code="empty_array")
    for i, message in enumerate(messages):
        if not isinstance(message, dict):
            raise wrong_type(f"messages[{i}]", "an object", message)
        if not isinstance(role := message.get("role"), str):
            raise wrong_type(f"messages[{i}].role", "a string", role)
        content = message.get("content")
        if isinstance(content, str) or content is None:
            continue
        where = f"messages[{i}].content"
        if not isinstance(content, list):
            raise wrong_type(where, "a string or an array of objects", content)
        for j, part in enumerate(content):
            if not isinstance(part, dict):
                raise wrong_type(f"{where}[{j}]", "an object", part)


def _check_tools(tools: Sequence[Any]) -> None:
    for i, tool in enumerate(tools):
        if not isinstance(tool, dict):
            raise wrong_type(f"tools[{i}]", "an object", tool)


def wrong_type(where: str, expected: str, value: object) -> BadRequest:
    """What is said of a field that holds something else than it should."""
    message = f"Invalid type for '{where}': expected {expected}, but got {JSON_NAMES[type(value)]} instead."
    return BadRequest(message, param=where, code="invalid_type")


def completion(raw: bytes) -> Completion:
    """Read an upstream's whole answer.

    Raises:
        Malformed: it is not JSON, not an object, or has no choices.
    """
    try:
        body = orjson.loads(raw)
        choices = body["choices"]
        if not choices:
            message = "an answer without choices"
            raise Malformed(message)
        return Completion(
            tuple(map(_choice, choices)),
            _usage(body.get("usage")),
            body.get("model"),
            _named(body.get("id")),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        message = f"not a chat completion: {type(error).__name__}"
        raise Malformed(message) from error


def _named(name: object) -> str | None:
    """An answer's id; of a length that is one."""
    return name if isinstance(name, str) and 0 < len(name) <= _LONGEST_ID else None


def _choice(choice: Mapping[str, Any]) -> Choice:
    message = choice["message"]
    calls = message.get("tool_calls")
    if not calls:
        calls = (called,) if (called := message.get("function_call")) else ()
    if calls:
        calls = tuple([call for call in calls if isinstance(call, dict)])
    if not isinstance(content := message.get("content"), str):
        content = text_of(content)
    refusal = text_of(said) if (said := message.get("refusal")) else ""
    logprobs = tuple(_logprobs(told)) if (told := choice.get("logprobs")) else ()
    return Choice(choice.get("finish_reason"), content, refusal, calls, logprobs)


def _logprobs(logprobs: Mapping[str, Any]) -> Iterator[float]:
    """The log probability of every token of some content."""
    for token in logprobs.get("content") or ():
        if isinstance(logprob := token.get("logprob"), int | float):
            yield logprob


def hide_logprobs(chunk: Mapping[str, Any]) -> None:
    """Make an answer, or a chunk of one, look as if nobody had asked for log probabilities."""
    for choice in chunk.get("choices") or ():
        if choice.get("logprobs") is not None:
            choice["logprobs"] = None


def without_logprobs(raw: bytes) -> bytes:
    """Return a whole answer as bytes, as if nobody had asked for log probabilities."""
    body = orjson.loads(raw)
    hide_logprobs(body)
    return orjson.dumps(body)


def text_of(content: object) -> str:
    """An answer's text; some upstreams send it in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join([text for text in texts if isinstance(text, str)])
    return ""


def _usage(usage: object) -> Usage | None:
    """OpenAI's usage object; None when it does not say how many tokens went in, what else is missing is nothing."""
    if not isinstance(usage, dict) or not isinstance(asked := usage.get("prompt_tokens"), int):
        return None
    read, written = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    return Usage(
        max(asked, 0),
        _count(usage, "completion_tokens"),
        _count(read, "cached_tokens") if read else 0,
        _count(written, "reasoning_tokens") if written else 0,
    )


def _count(counts: object, name: str) -> int:
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if isinstance(count, int) and count > 0 else 0


def index_of(part: Mapping[str, Any], otherwise: int) -> int:
    """Which choice or tool call a delta belongs to; some upstreams do not say, or say null."""
    index = part.get("index")
    return index if isinstance(index, int) else otherwise


class _Growing:
    """One choice of a stream while it grows."""

    __slots__ = ("calls", "content", "finish_reason", "logprobs", "refusal")

    def __init__(self) -> None:
        self.content: list[str] = []
        self.refusal: list[str] = []
        self.calls: dict[int, dict[str, Any]] = {}
        self.logprobs: list[float] = []
        self.finish_reason: str | None = None

    def add(self, delta: Mapping[str, Any]) -> bool:
        """Take a delta; True when it carries something a client can use."""
        if text := delta.get("content"):
            self.content.append(text if isinstance(text, str) else text_of(text))
        if refusal := delta.get("refusal"):
            self.refusal.append(text_of(refusal))
        calls = delta.get("tool_calls")
        if not calls and (function := delta.get("function_call")):
            calls = ({"index": 0, "function": function},)
        for position, call in enumerate(calls or ()):
            self._add_call(index_of(call, position), call)
        return bool(text or refusal or calls or delta.get("reasoning_content") or delta.get("reasoning"))

    def _add_call(self, index: int, part: Mapping[str, Any]) -> None:
        kind, given = ("custom", "input") if part.get("custom") else ("function", "arguments")
        call = self.calls.setdefault(index, {"id": None, "type": kind, kind: {"name": "", given: ""}})
        call["id"] = part.get("id") or call["id"]
        declared, more = call.setdefault(kind, {"name": "", given: ""}), part.get(kind) or {}
        declared["name"] += more.get("name") or ""
        declared[given] += more.get(given) or ""

    def choice(self) -> Choice:
        calls = tuple(self.calls[index] for index in sorted(self.calls))
        return Choice(self.finish_reason, "".join(self.content), "".join(self.refusal), calls, tuple(self.logprobs))


class Chunks:
    """Reads a stream's chunks one by one and knows, at any time, what the answer is so far."""

    __slots__ = ("_choices", "_id", "_model", "error", "usage")

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self._model: str | None = None
        self._id: str | None = None
        self.usage: Usage | None = None
        self.error: Mapping[str, Any] | None = None
        """An error object the upstream sent in the middle of its stream."""

    def add(self, chunk: dict[str, Any]) -> bool:
        """Take one chunk; True when a client can use something in it (content, reasoning, refusal, tool, finish).

        Raises:
            Malformed: it is not a chunk of a chat completion.
        """
        try:
            if error := chunk.get("error"):
                self.error = error if isinstance(error, dict) else {"message": str(error)}
                return False
            if not self._model:
                self._model = chunk.get("model")
                self._id = self._id or _named(chunk.get("id"))
            if usage := chunk.get("usage"):
                self.usage = _usage(usage)
            useful = False
            for choice in chunk.get("choices") or ():
                index = index_of(choice, 0)
                growing = self._choices.get(index)
                if growing is None:
                    growing = self._choices[index] = _Growing()
                if delta := choice.get("delta"):
                    useful |= growing.add(delta)
                if logprobs := choice.get("logprobs"):
                    growing.logprobs.extend(_logprobs(logprobs))
                if reason := choice.get("finish_reason"):
                    growing.finish_reason = reason
                    useful = True
        except (AttributeError, TypeError) as error:
            message = f"not a chunk of a chat completion: {error}"
            raise Malformed(message) from error
        return useful

    @property
    def finished(self) -> bool:
        """Whether there is a choice, and every choice got its finish reason."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def completion(self) -> Completion:
        """The answer so far, in the order of its choices."""
        choices = tuple(self._choices[index].choice() for index in sorted(self._choices))
        return Completion(choices, self.usage, self._model, self._id)
