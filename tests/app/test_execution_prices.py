"""Is a profit told in dollars by the newest price, and in none where that is old or unknown?"""

import asyncio
from types import SimpleNamespace

import pyarrow as pa
import pytest
from msgspec import structs
from tests.execute.signals import USDC, WETH

from tidemill.app.execution.price_feed import follow_prices
from tidemill.bus import open_bus
from tidemill.core.clock import NS_PER_S
from tidemill.execute.chain_settings import Endpoint, chains_of
from tidemill.execute.config import ExecutionChainConfig, ExecutionSettings, TokenConfig
from tidemill.execute.prices import TokenPrices

TOKEN, OTHER = bytes.fromhex(WETH[2:]), bytes.fromhex("ee" * 20)


def _clock(now_s: list[int]) -> SimpleNamespace:
    return SimpleNamespace(now_ns=lambda: now_s[0] * NS_PER_S)


def test_the_newest_price_counts_for_ten_minutes() -> None:
    now_s = [1_000]
    prices = TokenPrices(_clock(now_s))
    prices.tell(TOKEN, 2e-15, 1_000 * NS_PER_S)
    prices.tell(TOKEN, 9e-15, 999 * NS_PER_S)
    assert prices.usd(TOKEN, 10**18) == pytest.approx(2_000)
    assert prices.usd(OTHER, 1) is None
    now_s[0] += 601
    assert prices.usd(TOKEN, 10**18) is None


def test_what_is_taken_for_a_dollar_is_one_whatever_a_price_says() -> None:
    usdc = TokenConfig(address=USDC, decimals=6, is_dollar=True)
    config = ExecutionChainConfig(source="polygon", tokens=(usdc,))
    settings = ExecutionSettings(chains={"polygon": config})
    chain = chains_of(settings, {137: Endpoint("polygon", 137, ("http://x",))})[137]
    assert chain.usd(TOKEN, 1) is None
    prices = TokenPrices(_clock([0]))
    for token in (bytes.fromhex(USDC[2:]), TOKEN):
        prices.tell(token, 2e-6, 0)
    priced = structs.replace(chain, prices=prices)
    assert (priced.usd(bytes.fromhex(USDC[2:]), 10**6), priced.usd(TOKEN, 10**6)) == (1.0, 2.0)
    assert priced.usd(TOKEN, None) is None


async def test_prices_are_those_of_opportunities_that_come() -> None:
    prices = {chain_id: TokenPrices(_clock([5])) for chain_id in (1, 137)}

    def told(chain_id: int, usd_per_unit: float | None) -> tuple[str, pa.RecordBatch]:
        columns = {"chain_id": [chain_id], "token": [TOKEN], "usd_per_unit": [usd_per_unit]}
        return "opportunity", pa.RecordBatch.from_pydict(columns | {"event_ns": [5 * NS_PER_S]})

    async with open_bus("memory://") as bus:
        await bus.commit([told(1, 7.0)])
        following = asyncio.ensure_future(follow_prices(bus, prices))
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            while prices[137].usd(TOKEN, 1) is None:
                await bus.commit([told(56, 1.0), told(137, None), told(137, 2.5)])
                await asyncio.sleep(0.01)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert prices[137].usd(TOKEN, 2) == 5.0
    assert prices[1].usd(TOKEN, 1) is None, "what came before is not read"
