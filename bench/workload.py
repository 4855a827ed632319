"""What is measured: a policy with everything on, and requests of a kilobyte that are all different.

Everything is: keys, validation, signals, the built-in estimate of difficulty, the exact cache, decisions kept for a
day, metrics, costs, records without content, and the access log.
"""

from pathlib import Path
from typing import Any

import orjson
import yaml

from router import keys

__all__ = ["KEY", "TEXT", "body", "head", "request", "write"]

KEY = "sf-bench"
TEXT = "Summarise the following customer support ticket and reply politely with the refund rules. "
_SIZE = 1024
"""Bytes of a request's body, unless somebody asks for more."""


def policy(upstream: str, cache: str = "memory://", memory: str = "16MiB", **changes: Any) -> dict[str, Any]:
    """Return the policy, as YAML has it; the process keeps so much `memory` of its answers itself."""
    return {
        "version": 1,
        "deployments": {
            "tuned-a": _deployment(upstream, "small", 0.05, 0.2, 32_768),
            "frontier-a": _deployment(upstream, "large", 2.5, 10, 200_000),
        },
        "tiers": {"tuned": {"deployments": ["tuned-a"]}, "frontier": {"deployments": ["frontier-a"]}},
        "routes": {"mock": {"cascade": [{"tier": "tuned", "below": 0.3}, {"tier": "frontier"}]}},
        "auth": {"keys": "keys.yaml"},
        "state": {"path": "state"},
        "records": {"path": "records", "content": "none"},
        "cache": {"url": cache, "memory": memory},
        **changes,
    }


def _deployment(base_url: str, model: str, price_in: float, price_out: float, window: int) -> dict[str, Any]:
    price = {"input": price_in, "output": price_out}
    return {"base_url": base_url, "model": model, "price": price, "context_window": window}


def write(folder: Path, upstream: str, cache: str = "memory://", **changes: Any) -> Path:
    """Write the policy and its one key into a folder."""
    if not (folder / "keys.yaml").exists():
        keys.add(folder / "keys.yaml", "bench", KEY, labels={}, now=0)
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy(upstream, cache, **changes), sort_keys=False))
    return path


def body(number: int = 0, *, size: int = _SIZE, marker: str = "", model: str = "mock", **fields: Any) -> bytes:
    """Return a request's body of `size` bytes; those of different numbers differ."""
    text = f"#{number:09d} {marker}"
    made = {"model": model, "temperature": 0, **fields, "messages": [{"role": "user", "content": text}]}
    room = size - len(orjson.dumps(made))
    made["messages"] = [{"role": "user", "content": text + (TEXT * (room // len(TEXT) + 1))[: max(0, room)]}]
    return orjson.dumps(made)


def head(length: int, path: str = "/v1/chat/completions") -> bytes:
    """Return what goes before a body on the wire, as a plain client sends it."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def request(number: int = 0, **options: Any) -> bytes:
    """Return a whole request as it goes over the wire."""
    said = body(number, **options)
    return head(len(said)) + said
