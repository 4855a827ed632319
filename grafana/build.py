"""Write the dashboards and what Kubernetes needs of the rules: `python -m grafana.build`, or `make dashboards`."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from grafana.control import CONTROL
from grafana.overview import OVERVIEW
from grafana.panels import Dashboard, render
from grafana.routing import ROUTING
from grafana.upstreams import UPSTREAMS

__all__ = ["DASHBOARDS", "FOLDER", "files"]

FOLDER = Path(__file__).parent
DASHBOARDS: Mapping[str, Dashboard] = {
    "overview": OVERVIEW,
    "routing": ROUTING,
    "upstreams": UPSTREAMS,
    "control": CONTROL,
}
_WRITTEN = "# Written by grafana/build.py from grafana/rules: change them there, then `make dashboards`.\n"


def files() -> dict[str, str]:
    """Return everything that is written here, by its path in this folder."""
    made = {
        f"dashboards/{name}.json": json.dumps(render(one), indent=1, ensure_ascii=False) + "\n"
        for name, one in DASHBOARDS.items()
    }
    return {**made, "prometheusrule.yaml": _rule()}


def _rule() -> str:
    """The rules as the Prometheus operator takes them."""
    groups = [
        group
        for path in sorted((FOLDER / "rules").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    ]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "smallfirst"},
        "spec": {"groups": groups},
    }
    return _WRITTEN + yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    for written, text in files().items():
        (FOLDER / written).write_text(text, "utf-8")
