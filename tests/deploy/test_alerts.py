"""Alert rules: by Prometheus' and Alertmanager's own tools, and against what is declared."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.servers.programs import need_program

from tidemill.serve.declared import declared

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
NAMES = {rule["alert"] for rule in RULES}
_ROUTES = [("none", "dead-mans-switch"), ("page", "pages"), ("ticket", "tickets")]


def _checked(program: str | Path, *arguments: str | Path) -> str:
    ended = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_prometheus_takes_its_settings_and_every_rule():
    said = _checked(
        need_program("prometheus", "promtool"), "check", "config", DEPLOY / "prometheus/prometheus.yml"
    )
    assert f"{len(RULES)} rules found" in said


def test_at_its_limit_no_alert_fires_and_beyond_it_every_one_does():
    _checked(need_program("prometheus", "promtool"), "test", "rules", DEPLOY / "prometheus/alerts_test.yml")
    cases = yaml.safe_load((DEPLOY / "prometheus/alerts_test.yml").read_text())["tests"]
    firing = cases[1]["promql_expr_test"][0]["exp_samples"]
    assert {re.findall('"(.+)"', one["labels"])[0] for one in firing} == NAMES


@pytest.mark.parametrize(("severity", "receiver"), _ROUTES)
def test_alertmanager_tells_who_is_to_be_told(severity, receiver):
    tool, settings = (
        need_program("prometheus-alertmanager", "amtool"),
        DEPLOY / "alertmanager/alertmanager.yml",
    )
    assert "SUCCESS" in _checked(tool, "check-config", settings)
    for rule in RULES:
        if rule["labels"]["severity"] == severity:
            labels = (f"alertname={rule['alert']}", f"severity={severity}")
            said = _checked(tool, "config", "routes", "test", f"--config.file={settings}", *labels)
            assert said.strip() == receiver


def test_every_alert_has_a_section_of_the_runbook_and_every_section_an_alert():
    sections = re.findall(r"^## (\w+)\n(.+?)(?=^## |\Z)", (DEPLOY / "runbook.md").read_text(), re.M | re.S)
    assert {name for name, _ in sections} == NAMES
    assert all("Do: " in text or name == "Watchdog" for name, text in sections)
    for rule in RULES:
        assert rule["annotations"]["runbook_url"] == f"runbook.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in dict(_ROUTES)


def test_rules_ask_for_metrics_that_are_declared():
    known = {metric.name for metric in declared()}
    for rule in RULES:
        plain = re.sub(r"\{[^}]*\}", "", rule["expr"])  # labels are no metrics
        named = re.findall(r"\b(?:tidemill|websocket|whale|trade|api|active|database)_\w+", plain)
        assert {re.sub("_(bucket|sum|count)$", "", name) for name in named} <= known
