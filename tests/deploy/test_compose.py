"""compose.yaml and what it mounts agree with each other, with the image and with the code."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from router import keys
from router.policy import load
from router.settings import Settings
from tests.deploy.manifests import DEPLOY, ROOT, documents, last, words
from tests.servers import needs

COMPOSE = documents(ROOT / "compose.yaml")[0]
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = SERVICES["smallfirst"]
FOLDER = DEPLOY / "compose" / "policy"


def binds(service: dict[str, Any]) -> dict[str, str]:
    """From a path beside compose.yaml to where the container sees it."""
    mounted = (mount.split(":") for mount in service.get("volumes", ()))
    return {source: target for source, target, *_ in mounted if source.startswith(".")}


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def test_everything_that_is_mounted_is_there() -> None:
    sources = [source for service in SERVICES.values() for source in binds(service)]
    named = {volume.split(":")[0] for s in SERVICES.values() for volume in s.get("volumes", ()) if volume[0] != "."}

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert named == set(COMPOSE["volumes"])
    assert all(mount.endswith(":ro") for s in SERVICES.values() for mount in s["volumes"] if mount.startswith("."))


def test_nothing_listens_to_strangers() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert "ports" not in SERVICES["redis"]


def test_containers_may_do_as_little_as_they_need() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]


def test_images_are_pinned() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]

    assert [image for image in images if not re.search(r":v?\d+\.\d+", image)] == []


def test_folders_and_ports_are_the_image_s() -> None:
    port = Settings().port

    assert binds(OURS) == {"./deploy/compose/policy": words("CMD")[words("CMD").index("--policy") + 1]}
    assert f"state:{last('WORKDIR')}" in OURS["volumes"]
    assert OURS["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert seconds(OURS["stop_grace_period"]) > Settings().drain


def test_the_policy_gets_every_variable_that_it_reads() -> None:
    read = set(re.findall(r"\$\{([A-Z_]+)", (FOLDER / "policy.yaml").read_text("utf-8")))
    known = set(re.findall(r"`(SMALLFIRST_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text("utf-8")))

    assert read - set(OURS["environment"]) == set()
    assert {name for name in OURS["environment"] if name.startswith("SMALLFIRST_")} <= known


def test_the_policy_is_good(tmp_path: Path) -> None:
    (secret,) = OURS["secrets"]
    folder = tmp_path / "policy"
    shutil.copytree(FOLDER, folder)
    text = (folder / "policy.yaml").read_text("utf-8")
    assert secret["target"] in text
    (folder / "policy.yaml").write_text(text.replace(secret["target"], str(tmp_path / "keys.yaml")))
    keys.add(tmp_path / "keys.yaml", "ann", "sf-ann", labels={}, now=0)

    assert str(load(folder, {}).state.path) == last("WORKDIR")


def test_everybody_is_called_by_the_name_they_have_here() -> None:
    (scrape,) = documents(DEPLOY / "compose" / "prometheus.yaml")[0]["scrape_configs"]
    cache = documents(FOLDER / "cache.yaml")[0]["cache"]["url"]
    grafana = SERVICES["grafana"]["environment"]["PROMETHEUS_URL"]

    assert scrape["static_configs"] == [{"targets": [f"smallfirst:{Settings().port}"]}]
    assert scrape.get("metrics_path", "/metrics") == "/metrics"
    control = documents(FOLDER / "control.yaml")[0]["prometheus"]
    assert control["match"] == {"job": scrape["job_name"]}
    for url, port in ((cache, 6379), (grafana, 9090), (control["url"], 9090)):
        name, _, told = url.partition("://")[2].split("/")[0].partition(":")
        assert name in SERVICES
        assert told == str(port)
    assert {name for service in SERVICES.values() for name in service.get("depends_on", ())} <= set(SERVICES)


def test_grafana_finds_its_provisioning() -> None:
    grafana, folder = SERVICES["grafana"], ROOT / "grafana" / "provisioning"
    (source,) = documents(folder / "datasources" / "prometheus.yaml")[0]["datasources"]
    (provider,) = documents(folder / "dashboards" / "smallfirst.yaml")[0]["providers"]

    assert source["url"] == "$PROMETHEUS_URL"
    assert provider["options"]["path"] == binds(grafana)["./grafana/dashboards"]
    assert binds(grafana)["./grafana/provisioning"] == "/etc/grafana/provisioning"


@pytest.mark.prometheus
def test_prometheus_reads_its_configuration_and_the_rules(tmp_path: Path) -> None:
    promtool = needs("promtool")
    config = documents(DEPLOY / "compose" / "prometheus.yaml")[0]
    (pattern,) = config["rule_files"]
    mounted = binds(SERVICES["prometheus"])
    assert pattern == f"{mounted['./grafana/rules']}/*.yaml"
    assert f"--config.file={mounted['./deploy/compose/prometheus.yaml']}" in SERVICES["prometheus"]["command"]

    config["rule_files"] = [str(ROOT / "grafana" / "rules" / "*.yaml")]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
    command = [promtool, "check", "config", str(tmp_path / "prometheus.yaml")]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_grafana_opens_on_a_dashboard_that_there_is() -> None:
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    inside = binds(SERVICES["grafana"])["./grafana/dashboards"]

    assert home.startswith(f"{inside}/")
    assert (ROOT / "grafana" / "dashboards" / home.removeprefix(f"{inside}/")).exists()
