"""The door to control-plane HTTP: what Prometheus measured, and notes on Grafana's dashboards.

Nothing here is on a request's way. What goes wrong is one error with one sentence, whatever it was.
"""

import math
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

__all__ = ["Annotation", "Grafana", "Point", "Prometheus", "Remote", "WebError"]

_LONGEST = 200
_LARGEST = 32 * 2**20


class WebError(Exception):
    """A server of the control plane did not answer, or not what it should; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a server is, and how to speak to it."""

    name: str
    """What errors call it."""
    url: str
    token: str | None = field(default=None, repr=False)
    ca: Path | None = None
    """Certificates to trust instead of the usual ones."""
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Point:
    """One series of an instant query: its labels and its value."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note on dashboards."""

    text: str
    tags: tuple[str, ...]
    at: float
    """Seconds since 1970."""


class _Client:
    """One server, over connections that are kept."""

    def __init__(self, remote: Remote) -> None:
        """Make it; nothing is connected yet.

        Raises:
            WebError: the certificates cannot be read.
        """
        self._remote = remote
        headers = {"authorization": f"Bearer {remote.token}"} if remote.token else {}
        try:
            trusted = ssl.create_default_context(cafile=remote.ca) if remote.ca else True
        except OSError as error:
            raise WebError(f"{remote.name}: {remote.ca}: {error.strerror or error}") from error
        self._http = httpx.AsyncClient(
            base_url=remote.url, headers=headers, timeout=remote.timeout, verify=trusted, follow_redirects=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _post(self, path: str, **sent: Any) -> Any:
        """Send, and return what came back as JSON."""
        name = self._remote.name
        try:
            response = await self._http.post(path, **sent)
        except httpx.TimeoutException as error:
            raise WebError(f"{name} at {self._remote.url} did not answer in {self._remote.timeout:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WebError(f"{name} at {self._remote.url}: {str(error) or type(error).__name__}") from error
        if not response.is_success:
            told = " ".join(response.text[:_LONGEST].split())
            raise WebError(f"{name} at {self._remote.url} answered {response.status_code}: {told}")
        if len(response.content) > _LARGEST:
            raise WebError(f"{name} at {self._remote.url} answered more than {_LARGEST} bytes")
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise WebError(f"{name} at {self._remote.url} did not answer in JSON; is it the right address?") from error


class Prometheus(_Client):
    """A Prometheus server, or what speaks its HTTP API: Mimir, Thanos, VictoriaMetrics."""

    async def query(self, promql: str, at: float) -> list[Point]:
        """Return what a query gave at a moment; series whose value is no number are left out.

        Raises:
            WebError: it could not be asked, or does not understand.
        """
        document = await self._post("/api/v1/query", data={"query": promql, "time": f"{at:.3f}"})
        try:
            if document["data"]["resultType"] != "vector":
                raise WebError(f"{self._remote.name} answered a {document['data']['resultType']}, not a vector")
            points = [
                Point({str(name): str(value) for name, value in each["metric"].items()}, float(each["value"][1]))
                for each in document["data"]["result"]
            ]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise WebError(
                f"{self._remote.name} at {self._remote.url} answered something else than a result"
            ) from error
        return [point for point in points if math.isfinite(point.value)]


class Grafana(_Client):
    """Grafana's API."""

    async def annotate(self, annotation: Annotation) -> None:
        """Write a note on every dashboard that shows its tags.

        Raises:
            WebError: it could not be written.
        """
        body = {"time": int(annotation.at * 1000), "tags": list(annotation.tags), "text": annotation.text}
        await self._post("/api/annotations", json=body)
