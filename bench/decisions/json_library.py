"""What reads and writes JSON: orjson, msgspec, the standard library, pydantic's parser, on what goes through a proxy.

``python -m bench.decisions.json_library``: CPU microseconds. What is read stays the client's own object and is written
again with a field changed, so a library has to give plain dicts; msgspec's typed reading, which only builds what is
declared, is measured too, where all that is wanted is a few fields.
"""

import json
from functools import partial
from typing import Any

import msgspec
import orjson
import pydantic_core

from bench import workload
from bench.decisions.timing import micros, printed

TURN = "Ürsula's order — 3 × “Kaffee” — arrived broken; she'd like 12,50 € back.\nWhat does policy §4.2 say? "
TOOL = {
    "type": "function",
    "function": {
        "name": "find_order",
        "description": "Looks an order up by its number, or by its customer's address.",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "integer"}, "address": {"type": "string"}},
            "required": ["number"],
        },
    },
}


def conversation(turns: int, tools: int) -> bytes:
    """A request: a system prompt, so many turns, so many tools."""
    said = [{"role": "assistant" if n % 2 else "user", "content": TURN * 6} for n in range(turns)]
    messages = [{"role": "system", "content": TURN * 20}, *said]
    return orjson.dumps({"model": "auto", "temperature": 0.2, "messages": messages, "tools": [TOOL] * tools})


CHOICE = {"index": 0, "message": {"role": "assistant", "content": TURN * 4, "refusal": None}, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020}
DELTA = {"index": 0, "delta": {"content": " Kaffee"}, "logprobs": None, "finish_reason": None}
CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "s", "choices": [DELTA]}
BODIES: dict[str, bytes] = {
    "request, 1 KB": workload.body(),
    "request, 10 KB: 12 turns, 4 tools": conversation(12, 4),
    "request, 100 KB: 150 turns, 20 tools": conversation(150, 20),
    "answer, 0.7 KB": orjson.dumps({"id": "chatcmpl-1", "model": "s", "choices": [CHOICE], "usage": USAGE}),
    "chunk of a stream": orjson.dumps(CHUNK),
}


class Function(msgspec.Struct):
    """What is read of a tool call."""

    name: str | None = None
    arguments: str | None = None


class Delta(msgspec.Struct):
    """What is read of a chunk's choice."""

    content: str | None = None
    refusal: str | None = None


class Chosen(msgspec.Struct):
    """What is read of a chunk's choices."""

    delta: Delta
    index: int = 0
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """What is read of a chunk."""

    choices: list[Chosen]
    usage: dict[str, Any] | None = None
    model: str | None = None


def main() -> None:
    """Measure and print."""
    decoder, encoder, ordered = msgspec.json.Decoder(), msgspec.json.Encoder(), msgspec.json.Encoder(order="sorted")
    read: dict[str, dict[str, float]] = {}
    written: dict[str, dict[str, float]] = {}
    for name, raw in BODIES.items():
        value = orjson.loads(raw)
        read[f"{name} ({len(raw):,} bytes)"] = micros(
            {
                "orjson": partial(orjson.loads, raw),
                "msgspec": partial(decoder.decode, raw),
                "json": partial(json.loads, raw),
                "pydantic_core": partial(pydantic_core.from_json, raw),
            }
        )
        written[name] = micros(
            {
                "orjson": partial(orjson.dumps, value),
                "msgspec": partial(encoder.encode, value),
                "json": partial(json_bytes, value),
                "pydantic_core": partial(pydantic_core.to_json, value),
            }
        )
    printed("read", read)
    printed("write", written)
    raw, typed = BODIES["chunk of a stream"], msgspec.json.Decoder(Chunk)
    few = {"orjson, to a dict": partial(orjson.loads, raw), "msgspec, what is declared": partial(typed.decode, raw)}
    printed("a chunk of which a few fields are wanted", {"µs": micros(few)})
    request = orjson.loads(BODIES["request, 10 KB: 12 turns, 4 tools"])
    keys = {
        "orjson, OPT_SORT_KEYS": partial(orjson.dumps, request, option=orjson.OPT_SORT_KEYS),
        "msgspec, order=sorted": partial(ordered.encode, request),
        "json, sort_keys": partial(json_bytes, request, sort_keys=True),
    }
    printed("with sorted keys, for the cache: 10 KB", {"µs": micros(keys)})


def json_bytes(value: object, *, sort_keys: bool = False) -> bytes:
    """The standard library's, as short as it can be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys).encode()


if __name__ == "__main__":
    main()
