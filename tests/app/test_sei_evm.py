"""Is Sei's EVM a chain like any other: its id, its exchanges, the settings that the guide shows."""

import re
from pathlib import Path

import pytest
from tests.services import need_node

from tidemill.app.engine import Engine
from tidemill.app.settings import read_settings
from tidemill.chains.evm.config import check_config
from tidemill.chains.evm.forks import factories_of
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.node import NodeOptions
from tidemill.venues.sei.config import check_sei
from tidemill.venues.sei.mapping import load_mapping, read_mapping

from .conftest import chain_toml
from .crowd import TradingCrowd
from .test_sei import running
from .until import until

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "sei.md"


@pytest.mark.parametrize("chain_id", [1329, 1328])
async def test_pools_are_followed_on_a_chain_that_bears_seis_id(tmp_path, chain_id):
    need_node()
    async with open_world(None, NodeOptions(chain_id=chain_id)) as world:
        file = tmp_path / "tidemill.toml"
        toml = chain_toml(world).replace("chains.sandbox", "chains.sei")
        file.write_text(re.sub('dex = "uniswap"', 'dex = "dragonswap_v1"', toml))
        async with TradingCrowd(world, swaps_per_s=100, block_ms=100):
            async with running(tmp_path, file) as engine:
                await until(lambda: _has_swaps(engine))
                rows = await engine.query("SELECT DISTINCT chain_id FROM swap")
                assert rows.to_pylist() == [{"chain_id": chain_id}]


async def _has_swaps(engine: Engine) -> bool:
    return await engine.bus.head("swap") > 0 and (await engine.rows())["swap"] >= 20


def test_the_guides_settings_and_mapping_are_good(tmp_path):
    blocks = re.findall(r"```(toml)?\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    mapping = next(text for _, text in blocks if text.startswith("about"))
    assert read_mapping(mapping, "guide").event
    file = tmp_path / "tidemill.toml"
    file.write_text("\n".join(text for kind, text in blocks if kind == "toml"))
    settings = read_settings(file, None, {}).settings
    for chain in settings.chains.values():
        assert factories_of(check_config(chain))
    sei = settings.venues.sei
    assert check_sei(sei, load_mapping(sei.mapping)).endpoints[1].attributes == "plain"
