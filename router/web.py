"""The door to control-plane HTTP: Prometheus, another server's metrics. Nothing on the request path comes through here.

The client is imported when somebody first asks: a server that asks nobody starts without it.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Unreachable", "get", "post"]

_LARGEST = 64 * 2**20


class Unreachable(Exception):
    """Nobody answered, or not with what was asked for; one sentence that names the address."""


async def get(
    url: str,
    *,
    query: Mapping[str, str] | None = None,
    token: str | None = None,
    ca: Path | None = None,
    timeout: float = 5.0,  # noqa: ASYNC109 - the client's own, for each of its steps
) -> bytes:
    """Fetch an address: no redirects, nothing from the environment, and at most 64 MiB.

    Args:
        url: The address, without a query.
        query: What stands behind the `?`.
        token: Sent as a bearer token.
        ca: A file of certificates to trust instead of the usual authorities.
        timeout: Seconds that connecting, and each wait for more, may take.

    Raises:
        Unreachable: there was no answer, or one that was not 200.
    """
    return await _ask("GET", url, {"params": query}, token=token, ca=ca, timeout=timeout)


async def post(
    url: str,
    sent: Mapping[str, Any],
    *,
    form: bool = False,
    token: str | None = None,
    ca: Path | None = None,
    timeout: float = 5.0,  # noqa: ASYNC109 - as above
) -> bytes:
    """Send something to an address, as JSON or as a form, and return its answer; otherwise as `get`.

    Raises:
        Unreachable: there was no answer, or one that was not 200.
    """
    return await _ask("POST", url, {"data" if form else "json": sent}, token=token, ca=ca, timeout=timeout)


async def _ask(
    method: str,
    url: str,
    sent: Mapping[str, Any],
    *,
    token: str | None,
    ca: Path | None,
    timeout: float,  # noqa: ASYNC109 - as above
) -> bytes:
    import httpx

    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        trust = ssl.create_default_context(cafile=str(ca)) if ca else True
        async with (
            httpx.AsyncClient(timeout=timeout, verify=trust, trust_env=False, headers=headers) as client,
            client.stream(method, url, **sent) as answer,
        ):
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _LARGEST:
                    raise Unreachable(f"{url} sends more than 64 MiB")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unreachable(f"{url} cannot be reached: {str(error) or type(error).__name__}") from error
    if answer.status_code != 200:
        raise Unreachable(f"{url} answers {answer.status_code}, not 200: {body[:200].decode(errors='replace').strip()}")
    return bytes(body)
