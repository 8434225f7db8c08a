"""Do Curve's and Balancer's pools, followed on a real node, answer what their contracts answer?"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from itertools import chain as joined
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill._rust import CoinsPool, PoolError
from tidemill.app.chains.chain import kept_state, make_book, make_follower
from tidemill.app.chains.in_memory import Followed, followed
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.recording.digest import Digest
from tidemill.app.recording.pacing import steps_at_once
from tidemill.bus import Bus, open_bus
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.chains.evm.replay import begin
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import SystemClock
from tidemill.core.recording import Recorder, read_recording
from tidemill.process.pools import Batches
from tidemill.process.token_natures import TokenNatures
from tidemill.sandbox.fill import units
from tidemill.sandbox.rpc import Rpc
from tidemill.schema.events import TokenNature, TokenTrial
from tidemill.schema.faults import Fault

venues = pytest.importorskip("tidemill.sandbox.venues", reason="the sandbox has no further pools yet")

ROUNDS = 6


def is_of_coins(pool: Any) -> bool:
    return pool.protocol.startswith(("curve", "balancer"))


def config_of(world: Any, pools: list[Any]) -> EvmConfig:
    vaults = {pool.vault: pool.dex for pool in pools if pool.vault is not None}
    return EvmConfig(
        source="sandbox",
        chain_id=world.chain_id,
        ws_url=world.ws_url,
        http_url=world.http_url,
        multicall=world.multicall,
        factories=tuple(
            FactoryConfig(
                address=vault, protocol="balancer_v3" if dex == "balancer_v3" else "balancer_v2", dex=dex
            )
            for vault, dex in vaults.items()
        ),
        pools=tuple(pool.address for pool in pools),
    )


def kept(chain: Followed, pool: Any) -> CoinsPool | None:
    found = chain.book.pools.get(bytes.fromhex(pool.address[2:]))
    assert found is None or isinstance(found, CoinsPool)
    return found


async def settled(chain: Followed, rpc: Rpc, pools: list[Any]) -> None:
    """Wait until the newest block is followed and every pool is known after it."""
    newest = int(await rpc.call("eth_blockNumber"), 16)
    async with asyncio.timeout(30):
        while True:
            await chain.reached(newest)
            found = [kept(chain, pool) for pool in pools]
            if all(pool is not None and pool.is_complete for pool in found):
                return
            await asyncio.sleep(0.01)


async def begun(chain: Followed, rpc: Rpc, pools: list[Any]) -> None:
    """Mine until a new block is followed: the one that a follower starts after it does not tell."""
    async with asyncio.timeout(60):
        while True:
            await rpc.call("evm_mine")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    return await settled(chain, rpc, pools)


async def told(rpc: Rpc, pool: Any, leg: Any) -> int | None:
    venue = venues.VENUES[pool.protocol]
    call = {"to": pool.quoter, "data": venue.ask_out(pool, leg)}
    try:
        answer = await rpc.call("eth_call", call, "latest")
    except Fault:
        return None
    return venue.read_out(bytes.fromhex(answer[2:]), leg)


def computed(ours: CoinsPool, leg: Any) -> int | None:
    try:
        return ours.coin_out(leg.token_in, leg.token_out, leg.size)
    except PoolError:
        return None


async def unequal(chain: Followed, rpc: Rpc, pools: list[Any], dice: random.Random) -> list[object]:
    """Return where pool and contract differ, over all ordered pairs of coins."""
    found: list[object] = []
    for pool in pools:
        ours = kept(chain, pool)
        assert ours is not None
        assert ours.coins == [bytes.fromhex(token[2:]) for token in pool.tokens]
        places = range(len(pool.tokens))
        for coin_in, coin_out in [(i, j) for i in places for j in places if i != j]:
            leg = venues.Leg(coin_in, coin_out, int(ours.balances[coin_in] * 10 ** dice.uniform(-6, -1)))
            theirs = await told(rpc, pool, leg)
            if theirs != computed(ours, leg) or theirs is None:
                found.append((pool.protocol, leg, theirs, computed(ours, leg)))
    return found


async def trade(rpc: Rpc, world: Any, pools: list[Any], dice: random.Random) -> None:
    """Mine one block with a swap or a change of liquidity in each of `pools`."""
    trader, provider = world.accounts.traders[0], world.accounts.provider
    described = {token.address: token for token in world.tokens}
    for pool in pools:
        venue = venues.VENUES[pool.protocol]
        if dice.random() < 0.3:
            tokens = tuple(described[token] for token in pool.tokens)
            change = venues.Change(adds=dice.random() < 0.5, share=0.001, tokens=tokens, provider=provider)
            sender, to, data = provider, pool.manager, venue.change_liquidity(pool, change)
        else:
            coin_in, coin_out = dice.sample(range(len(pool.tokens)), 2)
            size = units(described[pool.tokens[coin_in]], Fraction(pool.depth_usd, 10_000))
            leg = venues.Leg(coin_in, coin_out, size)
            sender, to, data = trader, pool.router, venue.swap(pool, leg, trader)
        call = {"from": sender, "to": to, "data": data, "gas": hex(5_000_000)}
        await rpc.call("eth_sendTransaction", call)
    await rpc.call("evm_mine")
    receipts = await rpc.call("eth_getBlockReceipts", "latest")
    assert [receipt["status"] for receipt in receipts] == ["0x1"] * len(pools)


@asynccontextmanager
async def running(config: EvmConfig, bus: Bus, **of_shell: Any) -> AsyncIterator[tuple[Followed, Digest]]:
    """Follow the chain from where `bus` has it, until the context ends at once, as a kill does."""
    state, clock, digest = await kept_state(bus, config.source), SystemClock(), Digest()
    pipeline = ChainPipeline(make_book(config, state.items()), bus, clock, digest=digest)
    shell = Shell(make_follower(config, state, "run"), pipeline.take, clock, **of_shell)
    task = asyncio.create_task(shell.run("run", state))
    try:
        yield Followed(pipeline, task), digest
    finally:
        task.cancel()
        await asyncio.wait([task])


async def replayed(file: Path) -> tuple[str, list[tuple[bytes, bytes]]]:
    """Return what a replay of `file` makes: the digest of the events, and the pools in the end."""
    chunks = read_recording(file, lambda fault: pytest.fail(str(fault)))
    first = next(chunks)
    start, follower = begin(first[0])
    async with open_bus("memory://") as bus:
        digest, book = Digest(), make_book(start.config, start.state_items())
        pipeline = ChainPipeline(book, bus, SystemClock(), digest=digest)
        async for step in steps_at_once(follower, joined([first], chunks)):
            await pipeline.take(step)
        return digest.hex(), book.pools.records()


@pytest.mark.timeout(120)
async def test_pools_of_coins_answer_what_their_contracts_answer_after_each_block(fresh_world: Any) -> None:
    world, dice = fresh_world, random.Random(11)
    pools = [pool for pool in world.further_pools if is_of_coins(pool)]
    assert {pool.protocol for pool in pools} >= {"curve_stable", "curve_stable_ng", "balancer_v3_weighted"}
    topics: Counter[str] = Counter()

    def count(batches: Batches) -> None:
        topics.update({topic: batch.num_rows for topic, batch in batches})

    async with followed(config_of(world, pools), on_batches=count) as chain, Rpc(world.http_url) as rpc:
        await begun(chain, rpc, pools)
        moved = 0
        for _ in range(ROUNDS):
            chosen = dice.sample(pools, len(pools) // 2)
            moved += len(chosen)
            await trade(rpc, world, chosen, dice)
            await settled(chain, rpc, pools)
            assert await unequal(chain, rpc, pools, dice) == []
        # a pool is told again after each block that moved it, and after no other
        assert topics["pool_state"] == len(pools) + moved
        assert not [str(fault) for fault in chain.pipeline.faults]
    assert topics["pool"] == len(pools)


@pytest.mark.timeout(120)
async def test_a_reorg_takes_back_what_was_read_of_pools_of_coins(fresh_world: Any) -> None:
    world, dice = fresh_world, random.Random(12)
    pools = [pool for pool in world.further_pools if is_of_coins(pool)]
    async with followed(config_of(world, pools)) as chain, Rpc(world.http_url) as rpc:
        await begun(chain, rpc, pools)
        for _ in range(3):
            before = {pool.address: kept(chain, pool) for pool in pools}
            await trade(rpc, world, pools, dice)
            await settled(chain, rpc, pools)
            await world.reorg(1)
            await rpc.call("evm_mine")
            await settled(chain, rpc, pools)
            assert await unequal(chain, rpc, pools, dice) == []
            assert {pool.address: kept(chain, pool) for pool in pools} == before


@pytest.mark.timeout(120)
async def test_a_restart_and_a_replay_know_pools_of_coins_as_the_first_run_did(
    fresh_world: Any, tmp_path: Path
) -> None:
    world, dice = fresh_world, random.Random(13)
    pools = [pool for pool in world.further_pools if is_of_coins(pool)]
    config, file = config_of(world, pools), tmp_path / "recording"
    async with open_bus("memory://") as bus, Rpc(world.http_url) as rpc:
        async with Recorder(file) as recorder, running(config, bus, recorder=recorder) as (chain, digest):
            await begun(chain, rpc, pools)
            for _ in range(3):
                await trade(rpc, world, pools, dice)
                await settled(chain, rpc, pools)
            await trade(rpc, world, pools, dice)
            first = digest.hex(), chain.book.pools.records()
        assert await replayed(file) == first
        await trade(rpc, world, pools, dice)
        async with running(config, bus) as (chain, _):
            await settled(chain, rpc, pools)
            assert await unequal(chain, rpc, pools, dice) == []
            assert chain.pipeline.ledger.gaps() == ()


@pytest.mark.timeout(120)
async def test_listed_pools_are_followed_from_before_they_were_made_and_their_tokens_described(
    fresh_world: Any,
) -> None:
    world, dice = fresh_world, random.Random(14)
    pools = [pool for pool in world.further_pools if pool.protocol.startswith("curve")]
    config = msgspec.structs.replace(config_of(world, pools), start_block=world.deploy_block)
    symbols: dict[bytes, str | None] = {}

    def keep(batches: Batches) -> None:
        for topic, batch in batches:
            if topic == "token":
                symbols.update((row["token"], row["symbol"]) for row in batch.to_pylist())

    async with followed(config, on_batches=keep) as chain, Rpc(world.http_url) as rpc:
        await settled(chain, rpc, pools)
        assert await unequal(chain, rpc, pools, dice) == []
        await rpc.call("evm_mine")
        await settled(chain, rpc, pools)
        assert not [str(fault) for fault in chain.pipeline.faults]
    expected = {bytes.fromhex(token.address[2:]): token.symbol for token in world.tokens}
    assert symbols == {coin: expected[coin] for coin in symbols}
    assert set(symbols.values()) == {"USDC", "USDT", "DAI"}


@pytest.mark.timeout(120)
async def test_every_coin_of_a_pool_is_tried_and_an_odd_one_keeps_the_pool_out(world: Any) -> None:
    pools = [pool for pool in world.further_pools if is_of_coins(pool)]
    [of_three, *_] = [pool for pool in pools if pool.protocol == "curve_stable_ng"]
    addresses = [bytes.fromhex(pool.address[2:]) for pool in pools]
    tokens = TokenNatures("sandbox")
    config = msgspec.structs.replace(config_of(world, pools), start_block=world.ready_block)
    async with followed(config) as chain, Rpc(world.http_url) as rpc:
        await settled(chain, rpc, pools)
        assert tokens.sift(chain.book.pools, addresses) == ([], {})
        wanted = tokens.take_wanted()
        assert set(wanted) == {bytes.fromhex(token[2:]) for pool in pools for token in pool.tokens}
        odd = bytes.fromhex(of_three.tokens[2][2:])
        for token in wanted:
            nature = TokenNature.REBASING if token == odd else TokenNature.ORDINARY
            tokens.tell(tried(token, nature))
        searched, left_out = tokens.sift(chain.book.pools, [])
        with_it = {bytes.fromhex(pool.address[2:]) for pool in pools if of_three.tokens[2] in pool.tokens}
        assert set(left_out) == with_it
        assert set(searched) == set(addresses) - with_it
        assert "rebasing" in left_out[bytes.fromhex(of_three.address[2:])]


def tried(token: bytes, nature: TokenNature) -> TokenTrial:
    """Return the event that tells a token's nature."""
    return TokenTrial(
        event_ns=0,
        recv_ns=0,
        source="sandbox",
        chain_id=31337,
        token=token,
        holder=bytes(20),
        block_number=1,
        nature=nature,
    )
