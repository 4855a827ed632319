"""Every query there is, with the place it stands at, and the metrics it asks for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from grafana.build import DASHBOARDS
from grafana.panels import Query
from router.meters import METRICS

RULES = Path(__file__).parent.parent.parent / "grafana" / "rules"
KNOWN = {metric.name: metric for metric in METRICS}


def panels() -> Iterator[tuple[str, Query]]:
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard.panels:
            yield from ((f"{name} / {panel.title}", query) for query in panel.queries)
        for annotation in dashboard.annotations:
            yield f"{name} / {annotation.name}", Query(annotation.expr, annotation.title)


def rules() -> list[dict[str, Any]]:
    files = sorted(RULES.glob("*.yaml"))
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def metrics(expr: str) -> set[str]:
    """Name the metrics of an expression as METRICS does: without what a histogram adds to its name."""
    bare = re.sub(r"\{[^}]*\}|by \([^)]*\)|on \([^)]*\)|\"[^\"]*\"", "", expr)
    found = set(re.findall(r"(?<![\w:])(?:router|gen_ai|process)_\w+", bare))
    plain = {name: re.sub(r"_(bucket|sum|count)$", "", name) for name in found}
    return {bare if bare in KNOWN else name for name, bare in plain.items()}
