"""Is a token that takes fees or rebases told from an ordinary one, and nothing where it cannot be told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import vyper
from aiohttp import web
from tests.servers.loopback import loopback

from tidemill._rust import TokenTrial
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.chains.evm.token_trials import TokenTrials, holders
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World
from tidemill.schema.events import TokenNature

from .test_anvil import config_of
from .test_pool_query import bytes_of, querying

ODD = {
    "fee_on_transfer": TokenNature.FEE_ON_TRANSFER,
    "rebasing": TokenNature.REBASING,
    "lying_decimals": TokenNature.ORDINARY,
    "reverting_views": TokenNature.UNMOVABLE,
}


def held(world: World) -> dict[bytes, bytes]:
    """Return every token of a world, each with a pool that has some of it."""
    wanted = {}
    for pool in world.pools:
        for token in (pool.token0, pool.token1):
            wanted[bytes_of(token)] = bytes_of(pool.address)
    return wanted | {bytes_of(odd.address): bytes_of(odd.pair) for odd in world.odd_tokens}


async def test_each_token_of_the_sandbox_is_told_for_what_it_is(world: World) -> None:
    async with querying(config_of(world), world.http_url) as query:
        trials = TokenTrials(query)
        assert await trials.learn(held(world)) is not None
        assert await trials.learn(held(world)) is None, "each is tried once"
    odd = {bytes_of(one.address): ODD[one.oddity] for one in world.odd_tokens}
    assert len(odd) == len(ODD)
    ordinary = {bytes_of(token.address): TokenNature.ORDINARY for token in world.tokens}
    assert trials.natures == ordinary | odd


async def test_tokens_that_a_vault_keeps_for_a_pool_are_tried_with_the_vault(world: World) -> None:
    pools = [pool for pool in world.further_pools if pool.protocol.startswith("balancer")]
    async with querying(config_of(world), world.http_url) as query:
        states = await query.read([PoolWanted(bytes_of(pool.address)) for pool in pools])
        wanted = holders([state for state in states if isinstance(state, PoolState)])
        # two vaults keep some of these tokens
        assert wanted
        assert set(wanted.values()) <= {bytes_of(pool.vault) for pool in pools if pool.vault is not None}
        trials = TokenTrials(query)
        await trials.learn(wanted)
    assert trials.natures == dict.fromkeys(wanted, TokenNature.ORDINARY)


async def test_a_trial_changes_nothing(world: World) -> None:
    wanted = held(world)
    async with Rpc(world.http_url) as rpc, querying(config_of(world), world.http_url) as query:
        before = await balances(rpc, wanted)
        await TokenTrials(query).learn(wanted)
        assert await balances(rpc, wanted) == before


async def balances(rpc: Rpc, wanted: dict[bytes, bytes]) -> list[str]:
    found = []
    for token, holder in wanted.items():
        asked = {"to": f"0x{token.hex()}", "data": abi.flat_call("balanceOf(address)", f"0x{holder.hex()}")}
        try:
            found.append(await rpc.call("eth_call", asked, "latest"))
        except Exception as refused:  # the token whose views revert
            found.append(type(refused).__name__)
    return found


async def test_where_the_holder_has_none_nothing_is_told(world: World) -> None:
    weth, nobody = bytes_of(world.weth), b"\x13" * 20
    async with querying(config_of(world), world.http_url) as query:
        trials = TokenTrials(query)
        await trials.learn({weth: nobody})
        assert trials.natures == {}
        await trials.learn({weth: held(world)[weth]})
        assert trials.natures == {weth: TokenNature.ORDINARY}


class Limited:
    """A node in front of another, which lacks a part of what a trial asks for."""

    def __init__(self, url: str, lacks: str) -> None:
        self._url, self._lacks = url, lacks

    async def answer(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read())
        for call in asked:
            if call["method"] == "eth_call" and self._lacks == "overrides":
                call["params"] = call["params"][:2]  # as a node does that passes over what it does not know
            if call["method"] == "eth_createAccessList" and self._lacks == "access lists":
                call["method"] = "eth_createNothing"
        async with HttpEndpoint(self._url, SystemClock()) as http:
            answer = await http.post(msgspec.json.encode(asked))
        return web.Response(body=answer.body, content_type="application/json")  # type: ignore[union-attr]


@asynccontextmanager
async def limited(world: World, lacks: str) -> AsyncIterator[PoolQuery]:
    app = web.Application()
    app.router.add_post("/", Limited(world.http_url, lacks).answer)
    async with loopback(app) as place, querying(config_of(world), f"http://{place}") as query:
        yield query


async def test_a_node_without_state_overrides_leaves_every_token_untold(world: World) -> None:
    async with limited(world, "overrides") as query:
        trials = TokenTrials(query)
        assert await trials.learn(held(world)) is not None
    assert trials.natures == {}


async def test_a_node_without_access_lists_tells_fees_and_does_not_guess_the_rest(world: World) -> None:
    async with limited(world, "access lists") as query:
        trials = TokenTrials(query)
        await trials.learn(held(world))
    assert set(trials.natures.values()) == {TokenNature.FEE_ON_TRANSFER, TokenNature.UNMOVABLE}


async def test_an_endpoint_that_is_down_leaves_every_token_untold(world: World) -> None:
    async with querying(config_of(world), "http://127.0.0.1:9") as query:
        trials = TokenTrials(query)
        assert await trials.learn(held(world)) is None
    assert trials.natures == {}


def test_the_probe_is_what_the_compiler_makes_of_its_source() -> None:
    folder = Path(__file__).resolve().parents[2] / "crates/tidemill-pools/src/token_trial"
    source = (folder / "probe.vy").read_text()
    compiled = vyper.compile_code(source, output_formats=["bytecode_runtime"])["bytecode_runtime"]
    assert compiled == "0x" + (folder / "probe.hex").read_text().strip()


def test_a_trial_takes_an_answer_to_each_question() -> None:
    trial = TokenTrial(b"\x01" * 20, b"\x02" * 20, 7)
    with pytest.raises(ValueError, match="results: expected 1, found 2"):
        trial.answer([None, None])
    trial.answer([None])
    assert (trial.is_over, trial.nature, trial.questions()) == (True, None, [])
