"""Are the fifteen chains there, and do settings say otherwise where they should?"""

import pytest
from msgspec import structs
from tests.execute.signals import USDC, WETH

from tidemill.app.rpc_variables import CHAIN_IDS
from tidemill.execute.chain_facts import CHAINS
from tidemill.execute.chain_settings import Endpoint, chains_of
from tidemill.execute.config import ExecutionChainConfig, ExecutionSettings, TokenConfig
from tidemill.execute.plan.kinds import LoanSource
from tidemill.schema.faults import Refused

URL = "http://127.0.0.1:9"


def _endpoint(chain_id: int, name: str) -> dict[int, Endpoint]:
    return {chain_id: Endpoint(name, chain_id, (URL,))}


def test_fifteen_chains_live_and_the_retired_say_why() -> None:
    live = [facts for facts in CHAINS.values() if facts.retired is None]
    assert len(live) == 15
    assert all(CHAIN_IDS[facts.name] == facts.chain_id for facts in live), "RPC_<NAME> must find it"
    assert {facts.name for facts in CHAINS.values() if facts.retired} == {"fantom", "blast", "polygon_zkevm"}
    for facts in CHAINS.values():
        for lender in facts.lenders.values():
            assert len(bytes.fromhex(lender[2:])) == 20
            assert lender == lender.lower()


def test_a_chain_of_an_endpoint_needs_no_settings() -> None:
    found = chains_of(ExecutionSettings(), _endpoint(137, "polygon"))[137]
    assert (found.name, found.poll_ms, found.executor) == ("polygon", 500, None)
    assert found.lenders[LoanSource.BALANCER_V2].hex().startswith("ba1222")
    assert LoanSource.BALANCER_V3 not in found.lenders


def test_settings_say_otherwise() -> None:
    usdc = TokenConfig(address=USDC, decimals=6, is_dollar=True, amount_max="5")
    config = ExecutionChainConfig(
        source="polygon", aave_v3=WETH, executor_address=WETH, tokens=(usdc,), poll_ms=7, http_url="http://x"
    )
    settings = ExecutionSettings(chains={"polygon": config}, executor_address=USDC)
    found = chains_of(settings, {})[137]
    weth = bytes.fromhex(WETH[2:])
    assert (found.executor, found.lenders[LoanSource.AAVE_V3], found.poll_ms) == (weth, weth, 7)
    token = bytes.fromhex(USDC[2:])
    assert (found.usd(token, 1_500_000), found.usd(weth, 1), found.usd(token, None)) == (1.5, None, None)
    assert found.limits.tokens[token].amount_max == 5


def test_blocks_come_as_the_settings_say() -> None:
    config = ExecutionChainConfig(source="own", chain_id=31_337, block_ms=12_000, http_url=URL)
    found = chains_of(ExecutionSettings(chains={"own": config}), {})[31_337]
    assert (found.facts.block_ms, found.poll_ms) == (12_000, 3_000)


def test_every_endpoint_is_there_once_in_its_order() -> None:
    config = ExecutionChainConfig(source="polygon", fallback_urls=("http://b", URL))
    known = {137: Endpoint("polygon", 137, (URL, "http://a"))}
    found = chains_of(ExecutionSettings(chains={"polygon": config}), known)[137]
    assert found.http_urls == (URL, "http://a", "http://b")
    own = structs.replace(config, http_url="http://c")
    found = chains_of(ExecutionSettings(chains={"polygon": own}), known)[137]
    assert found.http_urls == ("http://c", "http://b", URL)


@pytest.mark.parametrize(
    ("chains", "says"),
    [
        ({"nowhere": ExecutionChainConfig(source="nowhere")}, "execution.chains.nowhere.chain_id"),
        (
            {name: ExecutionChainConfig(source=name, chain_id=137) for name in ("a", "b")},
            "one section for chain 137",
        ),
        (
            {
                "base": ExecutionChainConfig(
                    source="base", http_url=URL, tokens=(TokenConfig(address=USDC, is_dollar=True),)
                )
            },
            "expected decimals",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(
    chains: dict[str, ExecutionChainConfig], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        chains_of(ExecutionSettings(chains=chains), {})
