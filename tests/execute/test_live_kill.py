"""Is nothing sent twice and nothing lost from the ledger, wherever the program is killed?"""

import asyncio
import os
import random
import secrets
import sys
from pathlib import Path

import msgspec
import pytest
from tests.execute.arena import EXECUTED, LAST_BLOCK, Arena, hop, route
from tests.execute.live_child import Orders
from tests.execute.live_desk import funded

from tidemill.execute.account.signer import KeySigner
from tidemill.execute.ledger import TOPIC, open_ledger
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route_codec import encode
from tidemill.schema.events import ExecutionMode

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
KILLS = int(os.environ.get("LIVE_KILLS", "3"))
TRADES_A_LIFE = 3
KILLED = -9


async def _live(orders: Orders, lives_s: float | None) -> int | None:
    """Return how a child ended; with a time to live it is killed then."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.execute.live_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["src", ".", *filter(None, sys.path)])},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(msgspec.json.encode(orders))
    child.stdin.close()
    await child.stdout.readline()
    if lives_s is not None:
        await asyncio.sleep(lives_s)  # the moment is what is tried, not waited for
        if child.returncode is None:
            child.kill()
    async with asyncio.timeout(120):
        await child.stdout.read()
        return await child.wait()


def _moment(chance: random.Random, number: int, orders: Orders) -> tuple[Orders, float | None]:
    """Return when the next child ends: between signing and sending, after sending, or at any time."""
    at = chance.randint(1, TRADES_A_LIFE)
    match number % 3:
        case 0:
            return msgspec.structs.replace(orders, dies_before=at), None
        case 1:
            return msgspec.structs.replace(orders, dies_after=at), None
        case _:
            return orders, chance.uniform(0.0, 0.4)


async def test_killed_anywhere_everything_is_carried_out_once_and_told(arena: Arena, tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    key = secrets.token_hex(32)
    signer = await funded(arena, KeySigner(key))
    account = "0x" + signer.address.hex()
    usdc, weth = arena.token("USDC"), arena.token("WETH")
    cheap, dear = (arena.pool(dex, "uniswap_v2", ("WETH", "USDC")) for dex in ("uniswap", "sushiswap"))
    await arena.widen(cheap, arena.world.weth, 2_000 * 10**18)
    hops = [hop(cheap, usdc, weth), hop(dear, weth, usdc)]
    plan = encode(route(arena.loan(LoanSource.MORPHO, 10**8), hops, min_profit=1, last_block=LAST_BLOCK))
    orders = Orders(arena.world.http_url, str(tmp_path), key, arena.executor, arena.owner, plan.hex(), 0)
    first = int(await arena.rpc.call("eth_blockNumber"), 16)
    for number in range(KILLS):
        orders.trades += TRADES_A_LIFE
        dying, lives_s = _moment(chance, number, orders)
        assert await _live(dying, lives_s) in (0, KILLED), f"seed {seed}"
    assert await _live(orders, None) == 0, f"seed {seed}"

    nonces = int(await arena.rpc.call("eth_getTransactionCount", account, "latest"), 16)
    asked = {"fromBlock": hex(first), "address": arena.executor, "topics": [EXECUTED]}
    carried_out = {log["transactionHash"] for log in await arena.rpc.call("eth_getLogs", asked)}
    async with open_ledger(tmp_path, ExecutionMode.LIVE) as ledger:
        assert not ledger.unsettled
        assert await ledger.bus.state(b"outgoing/") == []
        entries = await ledger.bus.read(TOPIC, 0, batches_max=100_000)
    rows = [row for entry in entries for row in entry.batch.to_pylist()]
    final = {"0x" + row["tx_hash"].hex(): row for row in rows if row["state"] == "final"}
    ended = [row["execution_id"] for row in rows if row["state"] in ("final", "failed")]
    assert set(final) == carried_out, f"seed {seed}"
    assert sorted(row["nonce"] for row in final.values()) == list(range(nonces)), f"seed {seed}"
    assert len(ended) == len(set(ended)) == orders.trades, f"seed {seed}"
    assert len({row["execution_id"] for row in final.values()}) == len(final), f"seed {seed}"
