"""deploy/ holds against Kubernetes' own schemas, and agrees with the image and the code about every name and number."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from router import keys
from router.meters import METRICS
from router.policy import load
from router.server.app import App
from router.server.service import Service
from router.settings import Settings
from tests.deploy.manifests import DEPLOY, ROOT, documents, kustomizations, last, manifest, manifests, schemas, words
from tests.plans import TWO_TIERS

VERSIONS = ("1.30", "1.37")
OPERATORS = {"ServiceMonitor", "PrometheusRule"}  # of the Prometheus operator, whose schemas Kubernetes does not have
FOLDERS = {"base": ("base",), "example": ("base", "components/redis", "components/monitoring", "overlays/example")}


def faults(document: dict[str, Any], version: str) -> list[str]:
    known = schemas(version)
    kind = f"{document['apiVersion']}/{document['kind']}"
    assert kind in known["kinds"], f"no schema for {kind}: add it to tools/kubernetes-schemas"
    schema = {"$defs": known["$defs"], "$ref": f"#/$defs/{known['kinds'][kind]}"}
    checker = jsonschema_rs.validator_for(schema)
    return [f"{'/'.join(map(str, fault.instance_path))}: {fault.message}" for fault in checker.iter_errors(document)]


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = manifest("Deployment")["spec"]["template"]["spec"]
    return spec


def container() -> dict[str, Any]:
    (only,) = pod()["containers"]
    return dict(only)


def mounts() -> dict[str, str]:
    return {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}


def mounted(folder: Path, parts: tuple[str, ...]) -> None:
    """Lay out a policy's files as a ConfigMap is mounted: links through a link to a folder named for the time."""
    data = folder / "..2026_11_22"
    data.mkdir()
    (folder / "..data").symlink_to(data.name)
    for part in parts:
        for generator in documents(DEPLOY / part / "kustomization.yaml")[0]["configMapGenerator"]:
            for name in generator["files"]:
                content = (DEPLOY / part / name).read_text("utf-8")
                path = data / Path(name).name
                path.write_text(content.replace(f"{mounts()['keys']}/", f"{folder.parent}/"))
                if not (folder / path.name).exists():
                    (folder / path.name).symlink_to(f"..data/{path.name}")
    keys.add(folder.parent / "keys.yaml", "ann", "sf-ann", labels={}, now=0)


# -------------------------------------------------------------------------------------------------------------- schemas


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one_that_kubernetes_knows(version: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {fault}"
        for path, document in manifests()
        if document["kind"] not in OPERATORS
        for fault in faults(document, version)
    ]

    assert found == []


def test_a_misspelt_field_would_be_found() -> None:
    broken = manifest("Deployment") | {"spec": manifest("Deployment")["spec"] | {"replica": 2}}

    assert "'replica' was unexpected" in " ".join(faults(broken, VERSIONS[-1]))


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("version", VERSIONS)
def test_what_kustomize_makes_of_the_example_is_valid_too(version: str) -> None:
    command = ["kubectl", "kustomize", str(DEPLOY / "overlays" / "example")]
    made = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    objects = list(yaml.safe_load_all(made))

    assert [fault for each in objects if each["kind"] not in OPERATORS for fault in faults(each, version)] == []
    assert "replicas" not in next(each["spec"] for each in objects if each["kind"] == "Deployment")
    (policy,) = [
        each for each in objects if each["kind"] == "ConfigMap" and each["metadata"]["name"].endswith("policy")
    ]
    assert set(policy["data"]) >= {"policy.yaml", "cache.yaml", "support.md"}


def test_kustomize_finds_every_file_it_names() -> None:
    missing = [
        f"{folder.relative_to(ROOT)}: {name}"
        for folder, one in kustomizations()
        for name in [
            *one.get("resources", ()),
            *one.get("components", ()),
            *(file for generator in one.get("configMapGenerator", ()) for file in generator["files"]),
        ]
        if not (folder / name.rpartition("=")[2]).exists()
    ]

    assert missing == []


# ------------------------------------------------------------------------------------------------------------ hardening


def test_a_pod_may_do_as_little_as_it_needs() -> None:
    for kind, name in (("Deployment", "smallfirst"), ("StatefulSet", "smallfirst-redis")):
        spec = manifest(kind, name)["spec"]["template"]["spec"]
        (only,) = spec["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"]["readOnlyRootFilesystem"] is True
        assert only["securityContext"]["allowPrivilegeEscalation"] is False
        assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= set(only["resources"])
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(only)


def test_replicas_are_never_all_gone_at_once() -> None:
    scaler = manifest("HorizontalPodAutoscaler")["spec"]
    rolling = manifest("Deployment")["spec"]["strategy"]["rollingUpdate"]

    assert manifest("Deployment")["spec"]["replicas"] >= 2
    assert scaler["minReplicas"] >= 2
    assert manifest("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert rolling["maxUnavailable"] == 0


# ---------------------------------------------------------------------------------------------------------------- drift


def test_the_pod_runs_as_the_user_of_the_image() -> None:
    assert f"{pod()['securityContext']['runAsUser']}:{pod()['securityContext']['runAsGroup']}" == last("USER")


def test_the_command_is_the_image_s_own_with_its_port() -> None:
    assert container()["args"] == [*words("CMD"), "--port", str(Settings().port)]
    assert [port["containerPort"] for port in container()["ports"]] == [Settings().port]


def test_folders_are_where_image_and_policy_expect_them() -> None:
    policy = documents(DEPLOY / "base" / "policy" / "policy.yaml")[0]

    assert mounts()["policy"] == words("CMD")[words("CMD").index("--policy") + 1]
    assert mounts()["state"] == policy["state"]["path"] == last("WORKDIR")
    assert policy["auth"]["keys"] == f"{mounts()['keys']}/keys.yaml"
    assert {volume["name"] for volume in pod()["volumes"]} == set(mounts())


def test_every_path_that_is_asked_exists(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(TWO_TIERS)
    app = App(Service(tmp_path / "policy.yaml", Settings(environment=os.environ)))
    served = {getattr(route, "path", "") for route in app._rest.routes}
    probes = [container()[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    (scrape,) = manifest("ServiceMonitor")["spec"]["endpoints"]

    assert {probe["path"] for probe in probes} | {scrape["path"]} <= served
    assert {probe["port"] for probe in probes} == {container()["ports"][0]["name"]}
    assert scrape["port"] in {port["name"] for port in manifest("Service")["spec"]["ports"]}


def test_stopping_leaves_streams_their_time() -> None:
    sleep = container()["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pod()["terminationGracePeriodSeconds"] >= sleep + Settings().drain


def test_the_autoscaler_follows_a_gauge_that_there_is() -> None:
    names = [m["pods"]["metric"]["name"] for m in manifest("HorizontalPodAutoscaler")["spec"]["metrics"] if "pods" in m]
    (rule,) = documents(DEPLOY / "components" / "autoscaling" / "prometheus-adapter.yaml")[0]["rules"]["custom"]

    assert names == [rule["name"]["as"]]
    assert {metric.name: metric.kind for metric in METRICS}[names[0]] == "gauge"
    assert rule["seriesQuery"].startswith(f"{names[0]}{{")


def test_selectors_select() -> None:
    labels = {
        "app.kubernetes.io/name": "smallfirst",
        **manifest("Deployment")["spec"]["template"]["metadata"]["labels"],
    }
    selectors = [
        manifest("Service")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        manifest("NetworkPolicy", "smallfirst-redis")["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"],
        {**manifest("Service")["metadata"]["labels"], "app.kubernetes.io/name": "smallfirst"},
    ]

    assert [selector for selector in selectors if not selector.items() <= labels.items()] == []
    monitored = manifest("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert monitored.items() <= selectors[-1].items()


def test_redis_is_where_the_policy_looks_for_it() -> None:
    service = manifest("Service", "smallfirst-redis")
    cache = documents(DEPLOY / "components" / "redis" / "cache.yaml")[0]["cache"]

    assert cache["url"] == f"redis://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/0"


@pytest.mark.parametrize("parts", FOLDERS.values(), ids=FOLDERS)
def test_the_policy_of_the_config_map_is_good(tmp_path: Path, parts: tuple[str, ...]) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    mounted(folder, parts)
    assert set(load(folder, {}).routes) == {"auto"}


def test_the_environment_is_told_where_the_secrets_are_made() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    named = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "base" / "policy" / "policy.yaml").read_text("utf-8")))

    assert [name for name in sorted(named) if name not in page] == []
    for secret in ("smallfirst-env", "smallfirst-keys"):
        assert f"create secret generic {secret}" in page
    assert container()["envFrom"] == [{"secretRef": {"name": "smallfirst-env"}}]
    assert {"name": "keys", "secret": {"secretName": "smallfirst-keys", "defaultMode": 0o440}} in pod()["volumes"]
