"""Requests for embeddings, and what counts as an answer to one; what we do not understand is kept and forwarded."""

from array import array
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

import orjson

from router.chat import Usage, json_object, wrong_type
from router.errors import BadRequest
from router.frozen import frozen

__all__ = ["MOST", "EmbeddingRequest", "NoEmbeddings", "Recipient", "Vectors", "parse", "shape", "vectors"]

MOST = 2048
"""Texts of one request, as OpenAI has it."""
_ONLY_PARAM = "dimensions"
"""The one of a tier's params that is about embeddings too."""
_FLOAT = 4
"""Bytes of a number in base64."""
_FORMATS = ("float", "base64")
_ENTRY = "a string, a token id, or an array of token ids"
_INPUT = "a string, an array of strings, an array of token ids, or an array of arrays of token ids"


class NoEmbeddings(ValueError):
    """An upstream's answer is not the list of embeddings that was asked for."""


@frozen
class EmbeddingRequest:
    """One request: the client's own JSON object, and the few things that are read of it."""

    body: dict[str, Any] = field(repr=False)
    model: str
    texts: tuple[str, ...] = field(default=(), repr=False)
    """What is to be embedded; empty where the client sends token ids."""
    lengths: tuple[int, ...] = ()
    """How many token ids there are of each text, where the client sends those."""

    @property
    def count(self) -> int:
        """How many embeddings are wanted."""
        return len(self.texts) or len(self.lengths)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What rules may read besides; OpenAI's embeddings have none."""
        said = self.body.get("metadata")
        return said if isinstance(said, dict) else {}

    def tokens(self) -> int:
        """How many tokens it has; of text an estimate, four bytes each."""
        return sum(self.lengths) or sum(len(text.encode(errors="replace")) for text in self.texts) // 4


@frozen
class Vectors:
    """What an upstream's answer says, apart from the numbers."""

    usage: Usage | None
    """None where the upstream does not say."""
    size: int
    """How many numbers each embedding has."""


class Recipient(Protocol):
    """As much of a deployment as its requests depend on."""

    @property
    def model(self) -> str:
        """What it calls its model."""

    @property
    def drop(self) -> frozenset[str]:
        """Fields that it is not sent."""


def parse(raw: bytes) -> EmbeddingRequest:
    """Read a request's body, once.

    Raises:
        BadRequest: it is not JSON, or something in it is not as it has to be (named in `param`).
    """
    body = json_object(raw)
    for name in ("model", "input"):
        if body.get(name) is None:
            message = f"Missing required parameter: '{name}'."
            raise BadRequest(message, param=name, code="missing_required_parameter")
    if not isinstance(model := body["model"], str):
        raise wrong_type("model", "a string", model)
    _check_options(body)
    texts, lengths = _read_input(body["input"])
    return EmbeddingRequest(body, model, texts, lengths)


def _check_options(body: Mapping[str, Any]) -> None:
    """Check the fields that an answer's form depends on."""
    form, dimensions, user = (body.get(name) for name in ("encoding_format", "dimensions", "user"))
    if form is not None and form not in _FORMATS:
        message = f"Invalid value: '{form}'. Supported values are: 'float' and 'base64'."
        raise BadRequest(message, param="encoding_format", code="invalid_value")
    if dimensions is not None:
        if type(dimensions) is not int:
            raise wrong_type("dimensions", "an integer", dimensions)
        if dimensions < 1:
            message = f"Invalid 'dimensions': expected at least 1, but got {dimensions} instead."
            raise BadRequest(message, param="dimensions", code="integer_below_min_value")
    if user is not None and not isinstance(user, str):
        raise wrong_type("user", "a string", user)


def _read_input(given: object) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The texts, or the lengths of those that are token ids."""
    if isinstance(given, str):
        if not given:
            raise _empty_text("input")
        return (given,), ()
    if not isinstance(given, list):
        raise wrong_type("input", _INPUT, given)
    if not given:
        raise _empty_array("input")
    kinds = set(map(type, given))
    if kinds == {int}:
        return (), (len(given),)
    if len(given) > MOST:
        message = f"Invalid 'input': array too long. Expected at most {MOST} texts, but got {len(given)}: send several."
        raise BadRequest(message, param="input", code="array_above_max_length")
    if kinds == {str}:
        if "" in given:
            raise _empty_text(f"input[{given.index('')}]")
        return tuple(given), ()
    if kinds == {list}:
        return (), tuple(_length(entry, f"input[{place}]") for place, entry in enumerate(given))
    odd = _odd_one(given)
    raise wrong_type(f"input[{odd}]", "the same as the entries before it" if odd else _ENTRY, given[odd])


def _odd_one(given: Sequence[object]) -> int:
    """The place of the first entry that is none, or is of another kind than the first."""
    first = type(given[0])
    if first not in {str, int, list}:
        return 0
    return next(place for place, entry in enumerate(given) if type(entry) is not first)


def _length(entry: Sequence[object], where: str) -> int:
    """How many token ids there are."""
    if not entry:
        raise _empty_array(where)
    if set(map(type, entry)) != {int}:
        odd = next(place for place, token in enumerate(entry) if type(token) is not int)
        raise wrong_type(f"{where}[{odd}]", "a token id", entry[odd])
    return len(entry)


def _empty_text(where: str) -> BadRequest:
    return BadRequest(f"Invalid '{where}': empty string. There is nothing to embed.", param=where, code="empty_string")


def _empty_array(where: str) -> BadRequest:
    return BadRequest(f"Invalid '{where}': empty array. There is nothing to embed.", param=where, code="empty_array")


def shape(request: EmbeddingRequest, *, to: Recipient, params: Mapping[str, Any]) -> tuple[bytes, tuple[str, ...]]:
    """Make the body to send, and name the fields that it would have if the deployment took them.

    It is the client's own with the model's own name; of a tier's `params`, only `dimensions` is about embeddings.

    Raises:
        BadRequest: the request is nested deeper than JSON can be written.
    """
    body = {**request.body, "model": to.model}
    if _ONLY_PARAM in params and body.get(_ONLY_PARAM) is None:
        body[_ONLY_PARAM] = params[_ONLY_PARAM]
    dropped = tuple(name for name in body if name in to.drop)
    for name in dropped:
        del body[name]
    try:
        return orjson.dumps(body), dropped
    except orjson.JSONEncodeError as error:  # it writes less deep than it reads
        raise BadRequest("The body of your request is nested too deeply.", code="invalid_json") from error


def vectors(raw: bytes, count: int) -> Vectors:
    """Read an upstream's answer to a request for so many embeddings.

    There is one for each text, each once, all of one length, made of numbers or, as base64, of their bytes. Which of
    the two was asked for is not looked at: some servers know only one, and clients read both.

    Raises:
        NoEmbeddings: it is something else.
    """
    try:
        body = orjson.loads(raw)
        data = body["data"]
        sizes = {_size(entry["embedding"]) for entry in data}
        places = {_place(entry.get("index"), place) for place, entry in enumerate(data)}
    except NoEmbeddings:
        raise
    except (KeyError, TypeError, AttributeError, OverflowError, ValueError) as error:
        message = f"not a list of embeddings: {type(error).__name__}"
        raise NoEmbeddings(message) from error
    if len(sizes) != 1 or len(data) != count or places != set(range(count)):
        message = f"{len(data)} embeddings for {count} texts, of {len(sizes)} lengths"
        raise NoEmbeddings(message)
    return Vectors(_usage(body.get("usage")), sizes.pop())


def _place(said: object, otherwise: int) -> object:
    """Which of the texts an embedding is of; some upstreams do not say."""
    return otherwise if said is None else said


def _size(embedding: object) -> int:
    """How many numbers an embedding has; raises what the C functions raise that look at all of them."""
    if isinstance(embedding, str):
        size, rest = divmod(len(a2b_base64(embedding, strict_mode=True)), _FLOAT)
    elif isinstance(embedding, list):
        size, rest = len(array("d", embedding)), 0
    else:
        size, rest = 0, 0
    if not size or rest:
        message = "an embedding that is no list of numbers"
        raise NoEmbeddings(message)
    return size


def _usage(usage: object) -> Usage | None:
    """The tokens that went in; None where it does not say."""
    asked = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return Usage(max(asked, 0), 0) if type(asked) is int else None
