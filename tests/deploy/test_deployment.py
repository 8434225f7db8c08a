"""What deploys tidemill, against its own command line and settings, and by the linters that can be had."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import typer.main
import yaml
from tests.servers.programs import SERVICES

from tidemill.app.cli import app
from tidemill.app.settings import ALIASES, FILE_VARIABLE, read_settings
from tidemill.serve import routes
from tidemill.serve.ports import is_loopback
from tidemill.serve.route import discover

from .test_alerts import DEPLOY

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = [
    (file.name, manifest)
    for file in sorted((DEPLOY / "k8s").glob("*.yaml"))
    if file.name != "kustomization.yaml"
    for manifest in yaml.safe_load_all(file.read_text())
]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNIT = (DEPLOY / "tidemill.service").read_text()
_SECRET = "thirty-two-bytes-or-even-some-more"
_FILLED = {"ETHEREUM_WS_URL": "wss://node.example/1", "ETHEREUM_HTTP_URL": "https://node.example/1"}


def _of_kind(kind: str) -> list[dict[str, Any]]:
    return [manifest for _, manifest in MANIFESTS if manifest["kind"] == kind]


def _ours() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in COMPOSE["services"].items() if one["image"].startswith("tidemill:")}


def _pods() -> list[dict[str, Any]]:
    workloads = _of_kind("StatefulSet") + _of_kind("Deployment")
    return [one["spec"]["template"]["spec"] for one in workloads]


def commands() -> list[list[str]]:
    """Every command line of ours that is started somewhere, without `tidemill`."""
    image = re.search(r'^CMD \["(\w+)"\]$', DOCKERFILE, re.MULTILINE)
    health = re.search(r'CMD \["tidemill", "(\w+)"\]', DOCKERFILE)
    unit = re.search(r"^ExecStart=\S+/tidemill (.+)$", UNIT, re.MULTILINE)
    assert image is not None
    assert health is not None
    assert unit is not None
    found = [[image[1]], [health[1]], unit[1].split()]
    found += [one["command"] for one in _ours().values()]
    found += [container["args"] for pod in _pods() for container in pod["containers"]]
    return found


def environments() -> dict[str, dict[str, str]]:
    """What each way of running it sets."""
    unit = dict(line.split("=", 1) for line in re.findall(r"^Environment=(.+)$", UNIT, re.MULTILINE))
    assignments = re.findall(r"^ENV (.+?)(?<!\\)$", DOCKERFILE, re.MULTILINE | re.DOTALL)[-1]
    image = dict(part.split("=", 1) for part in assignments.replace("\\\n", " ").split())
    (settings,) = _of_kind("ConfigMap")
    kubernetes = {name: value for name, value in settings["data"].items() if "." not in name}
    composed = {name: _substituted(one["environment"]) for name, one in _ours().items()}
    return {"systemd": unit, "image": image, "kubernetes": kubernetes, **composed}


def _substituted(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: re.sub(r"\$\{(\w+):\?\}", lambda found: _FILLED.get(found[1], _SECRET), value)
        for name, value in environment.items()
    }


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_is_one_that_tidemill_has(command):
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    name, *arguments = command
    assert group.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("way", environments())
def test_every_variable_sets_something_and_has_a_value_that_is_taken(way, tmp_path):
    environment = environments()[way]
    known = {*ALIASES, *_FILLED, FILE_VARIABLE, "PATH", "PYTHONUNBUFFERED"}
    assert {name for name in environment if not name.startswith("TIDEMILL_")} <= known
    settings = {name: value for name, value in environment.items() if name != FILE_VARIABLE}
    read = read_settings(_settings_file(way, tmp_path), None, {**_FILLED, **settings})
    assert read.settings.chains["ethereum"].ws_url == _FILLED["ETHEREUM_WS_URL"]
    api, metrics, pools = read.settings.api, read.settings.metrics, read.settings.pool_server
    assert is_loopback(api.host) or api.auth.is_on or way == "kubernetes"  # its Secret has JWT_SECRET
    assert is_loopback(metrics.host) or metrics.open_to_all
    assert is_loopback(pools.host) or pools.open_to_all
    if way in _ours():
        assert read.bus_url == "kafka://kafka:9092"
        assert read.store_url == f"clickhouse://tidemill:{_SECRET}@clickhouse:8123/tidemill"


def _settings_file(way: str, folder: Path) -> Path:
    """Return the settings that are read there."""
    if way != "kubernetes":
        return DEPLOY / "tidemill.toml"
    (settings,) = _of_kind("ConfigMap")
    file = folder / "tidemill.toml"
    file.write_text(settings["data"]["tidemill.toml"])
    return file


def test_the_image_is_built_in_stages_runs_as_nobody_and_is_to_the_linters_liking():
    program = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run([program, DEPLOY / "Dockerfile"], capture_output=True, text=True, timeout=100)
    assert (ended.returncode, ended.stdout) == (0, "")
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last
    assert "cargo" not in last


def test_what_the_image_is_built_of_is_there_and_not_left_out():
    allowed = [
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().split() if line[0] == "!"
    ]
    for path in allowed:
        assert (DEPLOY.parent / path).exists(), path
    assert {"requirements", "pyproject.toml", "Cargo.lock", "crates", "src"} <= set(allowed)


def test_the_image_is_given_all_that_its_steps_read(tmp_path):
    """No engine builds it here: what its steps are given is looked at; their commands are tried elsewhere."""
    root, given = DEPLOY.parent, tmp_path / "source"
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    left_out = shutil.ignore_patterns("node_modules", "__pycache__", "*.so", "fuzz")
    for path in (rule[1:] for rule in rules if rule[0] == "!"):
        target = given / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (root / path).is_dir():
            shutil.copytree(root / path, target, ignore=left_out)
        else:
            shutil.copy(root / path, target)
    for source in re.findall(r"^COPY (?!--from)(\S+) \S+$", DOCKERFILE, re.MULTILINE):
        assert (given / source).exists(), source
    stages = re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"--from=(\w+)", DOCKERFILE)) <= set(stages)
    for step in re.findall(r"^RUN ((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE):
        read = subprocess.run(["bash", "-n", "-c", step], capture_output=True, text=True, timeout=20)
        assert read.returncode == 0, (step, read.stderr)
    asked = ["cargo", "metadata", "--locked", "--offline", "--format-version=1"]
    crates = subprocess.run(asked, cwd=given, capture_output=True, text=True, timeout=100)
    assert crates.returncode == 0, crates.stderr
    project = tomllib.loads((given / "pyproject.toml").read_text())["project"]
    named = [project["readme"], *project["license-files"], "requirements/run.lock", "web/package-lock.json"]
    assert all((given / name).exists() for name in named)
    (maturin,) = re.findall(r"^maturin==[0-9.]+", (given / "requirements/dev.lock").read_text(), re.MULTILINE)
    assert project["scripts"] == {"tidemill": "tidemill.app.cli:main"}
    assert maturin in (given / "pyproject.toml").read_text()


def test_compose_is_of_its_schema_and_lets_nobody_in_from_outside():
    schema = SERVICES / "dclint/node_modules/dclint/schemas/compose.schema.json"
    if not schema.exists():
        pytest.skip("needs the schema of compose files; `make services` fetches it")
    jsonschema.Draft7Validator(yaml.safe_load(schema.read_text())).validate(COMPOSE)
    for name, service in COMPOSE["services"].items():
        assert ":latest" not in service["image"] or name in _ours()
        assert "mem_limit" in service, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            is_named = re.fullmatch(r"\w+", source)
            assert (
                source in COMPOSE["volumes"] if is_named else source[0] in "/$" or (DEPLOY / source).exists()
            )
    for service in _ours().values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_every_secret_of_compose_is_in_the_example_and_none_has_a_value():
    wanted = set(re.findall(r"\$\{(\w+):\?\}", (DEPLOY / "compose.yaml").read_text()))
    told = re.findall(r"^(\w+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE)
    assert {name for name, _ in told} == wanted
    assert not any(value for _, value in told)


@pytest.mark.parametrize(
    ("file", "manifest"), MANIFESTS, ids=lambda value: value if isinstance(value, str) else value["kind"]
)
def test_a_manifest_is_of_kubernetes_schema(file, manifest):
    kubernetes_validate.validate(manifest, "1.37", strict=True)
    assert manifest.get("metadata", {}).get("namespace", "tidemill") == "tidemill", file


def test_kubernetes_renders_every_file():
    listed = yaml.safe_load((DEPLOY / "k8s/kustomization.yaml").read_text())["resources"]
    assert {*listed, "kustomization.yaml"} == {file.name for file in (DEPLOY / "k8s").iterdir()}
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("needs kubectl to render them")
    ended = subprocess.run(
        [program, "kustomize", DEPLOY / "k8s"], capture_output=True, text=True, timeout=100
    )
    assert ended.returncode == 0, ended.stderr
    rendered = [one["kind"] for one in yaml.safe_load_all(ended.stdout)]
    assert sorted(rendered) == sorted(manifest["kind"] for _, manifest in MANIFESTS)


def test_pods_are_bounded_and_may_do_nothing():
    for pod in _pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"limits", "requests"} <= container["resources"].keys()
    (reader,) = _of_kind("StatefulSet")
    (container,) = reader["spec"]["template"]["spec"]["containers"]
    asked = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
    assert asked == {
        "startupProbe": {"path": "/live", "port": "api"},
        "livenessProbe": {"path": "/live", "port": "api"},
        "readinessProbe": {"path": "/ready", "port": "api"},
    }
    (health,) = re.findall(r"127\.0\.0\.1:8080(/\w+)", str(_ours()["tidemill"]["healthcheck"]))
    open_to_all = {route.path for route in discover(routes) if route.role is None}
    assert {health, *(one["path"] for one in asked.values())} <= open_to_all
    assert reader["spec"]["replicas"] == 1  # the bus lets one write


def test_no_more_processors_are_started_than_there_are_partitions(tmp_path):
    (scaler,) = _of_kind("HorizontalPodAutoscaler")
    read = read_settings(_settings_file("kubernetes", tmp_path), None, _FILLED)
    assert scaler["spec"]["maxReplicas"] == read.settings.kafka.topics["swap"].partitions
    (metric,) = scaler["spec"]["metrics"]
    group = f"{read.settings.kafka.consumer.group_id}.pool_activity"
    assert metric["external"]["metric"]["selector"]["matchLabels"] == {"consumergroup": group}


def test_systemd_takes_the_unit_and_finds_it_well_confined(tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / "tidemill.service"
    unit.write_text(re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", UNIT, flags=re.MULTILINE))
    ended = subprocess.run([program, "verify", unit], capture_output=True, text=True, timeout=100)
    assert (ended.returncode, ended.stderr) == (0, "")
    judged = subprocess.run(
        [program, "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert judged.returncode == 0, judged.stdout[-500:]


def test_grafana_finds_its_dashboards_and_its_source():
    mounted = COMPOSE["services"]["grafana"]["volumes"]
    (provider,) = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/tidemill.yml").read_text())[
        "providers"
    ]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounted
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
