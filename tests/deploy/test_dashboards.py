"""Every question of dashboards and alerts, asked of a real Prometheus that scrapes a running tidemill."""

import json

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard
from tests.app.conftest import ROOT, chain_toml
from tests.app.crowd import TradingCrowd
from tests.app.test_api import addresses, get
from tests.app.test_kill_autopsy import search_toml
from tests.app.until import until
from tests.prometheus import need_prometheus, prometheus
from tests.system.program import up

from tidemill.app.operating.dashboards.build import files
from tidemill.app.operating.dashboards.declared import DASHBOARDS

from .test_alerts import RULES

PANELS = [(board.title, panel) for board in DASHBOARDS for panel in board.panels]
_ALSO_HERE = {"Alerts that fire", "Opportunities followed"}
"""Panels that need more than a chain, which this test's program has."""


def test_grafana_has_six_dashboards_of_its_own_schema():
    made = dict(files(ROOT))
    assert len(made) == len(DASHBOARDS) == 6
    for board, text in zip(DASHBOARDS, made.values(), strict=True):
        read = Dashboard.from_json(json.loads(text))
        assert read.title == board.title
        assert read.panels is not None
        assert [panel.title for panel in read.panels] == [panel.title for panel in board.panels]  # pyright: ignore


def test_no_two_panels_lie_on_each_other():
    for path, text in files(ROOT):
        taken = set()
        for panel in json.loads(text)["panels"]:
            at = panel["gridPos"]
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not taken & cells, (path.name, panel["title"])
            assert at["x"] + at["w"] <= 24
            taken |= cells


@pytest.mark.timeout(180)
async def test_every_panel_of_a_chain_has_data_and_every_rule_is_evaluated(fresh_world, tmp_path):
    binary = need_prometheus()
    (tmp_path / "tidemill.toml").write_text(chain_toml(fresh_world) + search_toml(fresh_world))
    async with up(tmp_path):
        api, metrics = await addresses(tmp_path)
        rules = ROOT / "deploy/prometheus/alerts.yml"
        async with (
            prometheus(binary, tmp_path, metrics, rules) as query,
            TradingCrowd(fresh_world, swaps_per_s=30, block_ms=150),
        ):
            lacking = {
                (board, panel.title): panel.expression.replace("$__rate_interval", "10s")
                for board, panel in PANELS
                if panel.needs is None or panel.title in _ALSO_HERE
            }

            async def have_data() -> bool:
                await get(f"{api}/stats")
                for name, expression in list(lacking.items()):
                    if await query(expression):
                        del lacking[name]
                return not lacking

            try:
                await until(have_data, 60)
            except TimeoutError:
                pytest.fail(f"no data: {lacking}")
            for _, panel in PANELS:
                await query(panel.expression.replace("$__rate_interval", "10s"))
            for rule in RULES:
                await query(rule["expr"])
            (watchdog,) = await query('ALERTS{alertname="Watchdog", alertstate="firing"}')
            assert watchdog["value"][1] == "1"
