"""Does LIVE start only where everything that it needs is there, and is what it should be?"""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.execute.arena import Arena
from tests.execute.live_desk import CLOCK, funded

from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.nonces import AccountLease
from tidemill.execute.account.signer import KeySigner
from tidemill.execute.chain_settings import ChainSettings, Endpoint, chains_of
from tidemill.execute.config import ExecutionChainConfig, ExecutionLimits, ExecutionSettings
from tidemill.execute.ledger import open_ledger
from tidemill.execute.live.kill_switch import KillSwitch
from tidemill.execute.live.live import LiveTools, check_confirmed, open_live, open_tools
from tidemill.execute.live.live_config import LiveChainConfig, LiveSettings, StopSettings, Way
from tidemill.execute.sending.live_terms import final_blocks_of
from tidemill.schema.events import ExecutionMode
from tidemill.schema.faults import Malformed, Refused

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
_NEEDED = ["open_max", "trades_a_day_max", "fee_a_day_max_wei", "gas_price_max_wei"]
LIMITS = ExecutionLimits(
    open_max=4, trades_a_day_max=1_000, fee_a_day_max_wei=10**18, gas_price_max_wei=500 * 10**9
)


def _chain(arena: Arena, **changes: Any) -> ChainSettings:
    config = ExecutionChainConfig(source="sandbox", chain_id=31_337, http_url=arena.world.http_url)
    settings = ExecutionSettings(executor_address=arena.executor, limits=LIMITS, chains={"sandbox": config})
    [chain] = chains_of(settings, {}).values()
    return structs.replace(chain, **changes)


def _settings(signer: KeySigner, **changes: Any) -> LiveSettings:
    settings = LiveSettings(confirm="0x" + signer.address.hex(), stop=StopSettings(daily_loss_max_wei=10**18))
    return structs.replace(settings, **changes)


async def _start(chain: ChainSettings, settings: LiveSettings, signer: KeySigner, data: Path) -> str:
    async with HttpEndpoint(chain.http_urls[0], CLOCK) as http:
        async with open_ledger(data, ExecutionMode.LIVE) as ledger:
            tools = LiveTools(settings, signer, ledger, KillSwitch(data), CLOCK)
            async with open_live(chain, http, tools) as live:
                await live.take_up([])
                return "open"


async def test_it_starts_where_everything_is_there(arena: Arena, tmp_path: Path) -> None:
    signer = await funded(arena)
    assert await _start(_chain(arena), _settings(signer), signer, tmp_path) == "open"
    capitals = _settings(signer, confirm="0x" + signer.address.hex().upper())
    assert await _start(_chain(arena), capitals, signer, tmp_path) == "open"


@pytest.mark.parametrize("confirm", [None, "0x" + "11" * 20])
async def test_it_does_not_start_unless_the_account_itself_was_confirmed(
    arena: Arena, tmp_path: Path, confirm: str | None
) -> None:
    signer = await funded(arena)
    with pytest.raises(Refused, match="EXECUTION_CONFIRM with the account's own address"):
        await _start(_chain(arena), _settings(signer, confirm=confirm), signer, tmp_path)


@pytest.mark.parametrize(
    "missing", ["open_max", "trades_a_day_max", "fee_a_day_max_wei", "gas_price_max_wei"]
)
async def test_it_does_not_start_without_each_limit(arena: Arena, tmp_path: Path, missing: str) -> None:
    signer = await funded(arena)
    chain = _chain(arena)
    open_ended = structs.replace(chain, limits=structs.replace(chain.limits, **{missing: None}))
    with pytest.raises(Refused, match=f"execution.limits to have {missing}"):
        await _start(open_ended, _settings(signer), signer, tmp_path)
    with pytest.raises(Refused, match="daily_loss_max_wei"):
        await _start(chain, _settings(signer, stop=StopSettings()), signer, tmp_path)


async def test_it_does_not_start_on_another_chain_or_with_another_executor(
    arena: Arena, tmp_path: Path
) -> None:
    signer = await funded(arena)
    chain = _chain(arena)
    wrong = structs.replace(chain, facts=structs.replace(chain.facts, chain_id=1))
    with pytest.raises(Refused, match="expected chain 1, found one that says '0x7a69'"):
        await _start(wrong, _settings(signer), signer, tmp_path)
    with pytest.raises(Refused, match="EXECUTOR_ADDRESS"):
        await _start(_chain(arena, executor=None), _settings(signer), signer, tmp_path)
    other = _chain(arena, executor=arena.token("USDC"))
    with pytest.raises(Refused, match="expected code of hash"):
        await _start(other, _settings(signer), signer, tmp_path)
    stranger = KeySigner.made()
    with pytest.raises(Refused, match="to be its operator, it is not"):
        await _start(chain, _settings(stranger), stranger, tmp_path)
    retired = structs.replace(chain, facts=structs.replace(chain.facts, retired="it is gone"))
    with pytest.raises(Refused, match="it is gone"):
        await _start(retired, _settings(signer), signer, tmp_path)


async def test_it_does_not_start_beside_another_that_sends_from_the_account(
    arena: Arena, tmp_path: Path
) -> None:
    signer = await funded(arena)
    with AccountLease(31_337, signer.address), pytest.raises(Refused, match="another process"):
        await _start(_chain(arena), _settings(signer), signer, tmp_path)


async def test_a_relay_without_an_address_does_not_start(arena: Arena, tmp_path: Path) -> None:
    signer = await funded(arena)
    chain = _chain(arena, live=LiveChainConfig(way=Way.FLASHBOTS))
    with pytest.raises(Refused, match="flashbots: expected the address of the relay"):
        await _start(chain, _settings(signer), signer, tmp_path)


async def test_what_is_settled_is_known_of_every_chain() -> None:
    assert (final_blocks_of(12_000), final_blocks_of(250), final_blocks_of(10**9)) == (64, 3_072, 1)
    check_confirmed(LiveSettings(confirm="0x" + "aB" * 20), bytes.fromhex("ab" * 20))


async def test_every_endpoints_chain_is_its_own() -> None:
    chains = chains_of(ExecutionSettings(), {1: Endpoint("ethereum", 1, ("http://127.0.0.1:1/",))})
    assert chains[1].live == LiveChainConfig()


async def test_what_is_opened_shows_no_key_and_takes_nothing_else_for_one(tmp_path: Path) -> None:
    key, identity = "11" * 32, "22" * 32
    settings = LiveSettings(confirm=f"0x{KeySigner(key).address.hex()}")
    async with open_ledger(tmp_path, ExecutionMode.LIVE) as ledger:
        told: Any = {"ledger": ledger, "switch": KillSwitch(tmp_path), "clock": CLOCK}
        environ = {"PRIVATE_KEY": key, "RELAY_IDENTITY_KEY": identity}
        async with open_tools(settings, environ, None, **told) as tools:
            assert key not in repr(tools)
            assert identity not in repr(tools)
        with pytest.raises(Malformed, match="private key"):
            async with open_tools(settings, environ | {"RELAY_IDENTITY_KEY": "no key"}, None, **told):
                pass
