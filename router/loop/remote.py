"""What Prometheus and Grafana understand: queries at a moment, and notes on dashboards."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from router import web
from router.web import Unreachable

__all__ = ["Annotation", "Grafana", "Point", "Prometheus", "Remote"]


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a server is, and how to speak to it."""

    url: str
    token: str | None = field(default=None, repr=False)
    ca: Path | None = None
    """Certificates to trust instead of the usual ones."""
    timeout: float = 10.0

    async def post(self, path: str, sent: dict[str, Any], *, form: bool = False) -> bytes:
        """Send, and return the answer."""
        url = f"{self.url}{path}"
        return await web.post(url, sent, form=form, token=self.token, ca=self.ca, timeout=self.timeout)


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


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus server, or what speaks its HTTP API: Mimir, Thanos, VictoriaMetrics."""

    remote: Remote

    async def query(self, promql: str, at: float) -> list[Point]:
        """Return what a query gave at a moment; series whose value is no number are left out.

        Raises:
            Unreachable: it could not be asked, or answered something else.
        """
        sent = {"query": promql, "time": f"{at:.3f}"}
        answer = await self.remote.post("/api/v1/query", sent, form=True)
        try:
            data = orjson.loads(answer)["data"]
            if data["resultType"] != "vector":
                raise Unreachable(f"{self.remote.url} answers a {data['resultType']}, not a vector")
            points = [
                Point({str(name): str(value) for name, value in each["metric"].items()}, float(each["value"][1]))
                for each in data["result"]
            ]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            told = f"{self.remote.url} answers something else than Prometheus does; is it the right address?"
            raise Unreachable(told) from error
        return [point for point in points if math.isfinite(point.value)]


@dataclass(frozen=True, slots=True)
class Grafana:
    """Grafana's API."""

    remote: Remote

    async def annotate(self, note: Annotation) -> None:
        """Write a note on every dashboard that shows its tags.

        Raises:
            Unreachable: it could not be written.
        """
        body = {"time": int(note.at * 1000), "tags": list(note.tags), "text": note.text}
        await self.remote.post("/api/annotations", body)
