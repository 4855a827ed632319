"""The files that start smallfirst elsewhere, read as data."""

import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


def manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every Kubernetes object of deploy/, with its file; what kustomize itself reads is none."""
    for path in sorted(DEPLOY.rglob("*.yaml")):
        for document in documents(path):
            if "kind" in document and document["kind"] not in {"Kustomization", "Component"}:
                yield path, document


def manifest(kind: str, name: str = "smallfirst") -> dict[str, Any]:
    (found,) = [
        each for _, each in manifests() if each["kind"] == kind and each.get("metadata", {}).get("name") == name
    ]
    return found


def kustomizations() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(ROOT.glob("deploy/**/kustomization.yaml")):
        yield path.parent, documents(path)[0]


@cache
def schemas(version: str) -> dict[str, Any]:
    """Kubernetes' own schemas, as tools/kubernetes-schemas wrote them; strict: unknown fields are faults."""
    read: dict[str, Any] = orjson.loads((Path(__file__).parent / f"kubernetes-{version}.json").read_bytes())
    return read


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined, comments gone."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest) for word, _, rest in (line.partition(" ") for line in lines)]


def last(instruction: str) -> str:
    return [rest for word, rest in instructions() if word == instruction][-1]


def words(instruction: str) -> list[str]:
    """The words of an instruction's last use, in exec form or not."""
    rest = last(instruction)
    return list(orjson.loads(rest)) if rest.startswith("[") else shlex.split(rest)
