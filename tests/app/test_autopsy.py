"""`tidemill autopsy` sums up what is stored of opportunities, and `explain` says what became of one."""

import json
from pathlib import Path
from typing import Any

from tests.store.samples import START_NS

from tidemill.core.clock import NS_PER_S
from tidemill.process.autopsy_case import path_of
from tidemill.schema import derive
from tidemill.schema.events import (
    AutopsyCause,
    Block,
    Opportunity,
    OpportunityAutopsy,
    OpportunityHop,
    OpportunityKind,
    Reorg,
    ReorgKind,
    Token,
)
from tidemill.store import open_store

WETH, USDC = b"\x01" * 20, b"\x02" * 20
PAIR, POOL, OTHER = b"\xaa" * 20, b"\xbb" * 20, b"\xcc" * 20
PATH = ((PAIR, WETH, USDC), (POOL, USDC, WETH))
FURTHER = ((PAIR, WETH, USDC), (OTHER, USDC, WETH))
TIP = 60
BLOCK_S = 2


def at(number: int) -> dict[str, Any]:
    event_ns = START_NS + number * BLOCK_S * NS_PER_S
    where = {"source": "sandbox", "chain_id": 1, "recv_ns": event_ns}
    return {**where, "event_ns": event_ns, "block_number": number, "block_hash": number.to_bytes(32, "big")}


def block(number: int) -> Block:
    parent = (number - 1).to_bytes(32, "big")
    return Block(**at(number), parent_hash=parent, gas_used=1, gas_limit=2, log_count=0)


def token(address: bytes, symbol: str, decimals: int) -> Token:
    told = {name: value for name, value in at(1).items() if name != "block_hash"}
    return Token(**told, token=address, symbol=symbol, decimals=decimals)


def found(name: int, number: int, path=PATH) -> tuple[Opportunity, list[OpportunityHop]]:
    told = at(number) | {"opportunity": name.to_bytes(32, "big")}
    opportunity = Opportunity(
        **told,
        kind=OpportunityKind.CYCLE,
        token=WETH,
        hop_count=2,
        rank=1,
        amount_in=100,
        gross_profit=9,
        flash_premium=0,
    )
    hops = [
        OpportunityHop(
            **told,
            hop=place,
            pool=pool,
            protocol="uniswap_v2" if pool == PAIR else "uniswap_v3",
            dex="uniswap",
            token_in=paid,
            token_out=got,
            amount_in=1,
            amount_out=2,
            ticks_crossed=0,
        )
        for place, (pool, paid, got) in enumerate(path)
    ]
    return opportunity, hops


def ended(
    name: int, born: int, cause: AutopsyCause, blocks: int, path=PATH, **told: Any
) -> OpportunityAutopsy:
    is_dead = cause not in {AutopsyCause.REORGED, AutopsyCause.OUTLIVED, AutopsyCause.UNKNOWN}
    where = at(max(born + blocks, born + 2))
    return OpportunityAutopsy(
        **where,
        sequence=0,
        opportunity=name.to_bytes(32, "big"),
        path=path_of(path),
        token=WETH,
        hop_count=2,
        cause=cause,
        born_block_number=born,
        born_block_hash=born.to_bytes(32, "big"),
        born_ns=at(born)["event_ns"],
        followed_blocks=blocks,
        followed_ns=blocks * BLOCK_S * NS_PER_S,
        died_block_number=born + blocks if is_dead else None,
        **told,
    )


TAKER: dict[str, Any] = {
    "taker_tx_hash": b"\x77" * 32,
    "taker_tx_index": 3,
    "taker_tx_count": 2,
    "taker_sender": b"\x88" * 20,
    "taker_recipient": b"\x99" * 20,
    "taken_token": WETH,
    "taken": 25 * 10**17,
    "sent_net_0": 8,
    "best_net_1": 0,
}


async def store(folder: Path) -> None:
    """Six that ended, one of them in a block that was reverted, and two that still pay."""
    findings = [found(name, born, path) for name, born, path in (
        (1, 10, PATH), (2, 11, PATH), (3, 20, PATH), (4, 30, FURTHER), (5, 40, PATH), (6, 45, PATH),
        (7, 55, PATH), (8, 58, PATH), (9, 56, FURTHER),
    )]  # fmt: skip
    autopsies = [
        ended(1, 10, AutopsyCause.TAKEN, 2, **TAKER),
        ended(3, 20, AutopsyCause.CLOSED_BY_TRADE, 1),
        ended(4, 30, AutopsyCause.UNKNOWN, 4, FURTHER),
        ended(5, 40, AutopsyCause.TAKEN, 3),
        ended(6, 45, AutopsyCause.COSTS, 8),
        ended(7, 55, AutopsyCause.TAKEN, 2),
    ]
    gone = Reorg(**at(47) | {"block_hash": (53).to_bytes(32, "big")}, kind=ReorgKind.REVERTED, sequence=1)
    rows: dict[str, Any] = {
        "block": [block(number) for number in range(1, TIP + 1)],
        "opportunity": [one for one, _ in findings],
        "opportunity_hop": [hop for _, hops in findings for hop in hops],
        "opportunity_autopsy": autopsies,
        "reorg": [gone],
        "token": [token(WETH, "WETH", 18), token(USDC, "USDC", 6)],
    }
    async with open_store(f"chdb://{folder}/data/store") as opened:
        await opened.migrate()
        for topic, events in rows.items():
            await opened.insert(topic, [derive.to_batch(events)], "a")


def summed(cli, *arguments: str) -> list[dict[str, Any]]:
    asked = cli("autopsy", "--json", *arguments)
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)["groups"]


async def test_half_lives_and_shares_are_told_of_canonical_opportunities_and_of_those_that_still_pay(
    cli, tmp_path
):
    await store(tmp_path)
    [chain] = summed(cli, "--by", "chain")
    counts = {name: chain[name]["count"] for name in ("taken", "expired", "alive", "unknown")}
    assert (chain["count"], counts) == (7, {"taken": 3, "expired": 1, "alive": 2, "unknown": 1})
    assert chain["half_life_blocks"]["value"] == 3
    assert chain["half_life_s"]["value"] == 3 * BLOCK_S
    assert chain["taken"]["low"] < 3 / 7 == chain["taken"]["share"] < chain["taken"]["high"]
    [pair] = summed(cli, "--by", "pair")
    assert (pair["symbols"], pair["count"]) == (["WETH", "USDC"], 7)
    [hops] = summed(cli, "--by", "hops", "--chain", "sandbox")
    assert (hops["protocols"], hops["count"]) == (["uniswap_v2", "uniswap_v3"], 7)
    # 8 still pays: it was found after 7 was taken; 9 is the first of its path since 4 was lost from sight
    [late] = summed(cli, "--by", "chain", "--start", "2023-11-14T22:15:06Z")
    assert (late["count"], late["alive"]["count"], late["taken"]["count"]) == (3, 2, 1)
    [early] = summed(cli, "--by", "chain", "--end", "2023-11-14T22:13:50")
    assert (early["count"], early["taken"]["count"]) == (1, 1)
    text = cli("autopsy").stdout
    assert "WETH / USDC" in text
    assert "uniswap_v2 + uniswap_v3" in text
    assert "3 (1 or more)" in text


async def test_a_chain_that_is_not_there_is_refused_and_an_empty_range_is_a_usage_error(cli, tmp_path):
    await store(tmp_path)
    refused = cli("autopsy", "--chain", "nowhere")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "expected a chain with blocks (sandbox), found 'nowhere'" in refused.stderr
    assert cli("autopsy", "--start", "2024-01-02", "--end", "2024-01-01").returncode == 2
    nothing = cli("autopsy", "--end", "2020-01-01")
    assert (nothing.returncode, nothing.stdout) == (0, "no opportunity was followed\n")


def explained(cli, name: int) -> list[str]:
    ended = cli("explain", f"0x{name:064x}")
    assert ended.returncode == 0, ended.stderr
    lines = [line.strip() for line in ended.stdout.splitlines()]
    return lines[[line.startswith("what became of it") for line in lines].index(True) :]


async def test_explain_says_who_took_it_and_what_it_would_have_paid_later(cli, tmp_path):
    await store(tmp_path)
    assert explained(cli, 1)[:8] == [
        "what became of it: taken",
        "died   in block 12, 2 blocks after it was found, 4 s",
        f"by     transaction 0x{'77' * 32}, number 3 of its block",
        "and 1 more of its recipient",
        f"sender 0x{'88' * 20}, recipient 0x{'99' * 20}",
        "took   2500000000000000000 = 2.500000000000000000 WETH",
        "right away, after costs (before them)",
        "as it was found  8 = 0.000000000000000008 WETH (not known)",
    ]
    assert explained(cli, 4)[1] == "paid   for 4 blocks, 8 s, as far as is known"
    assert json.loads(cli("explain", "--json", f"0x{1:064x}").stdout)["autopsy"]["taken"] == str(25 * 10**17)


async def test_explain_finds_the_fate_of_a_later_finding_and_says_where_there_is_none(cli, tmp_path):
    await store(tmp_path)
    later = explained(cli, 2)
    assert later[0] == "what became of it: taken"
    assert later[1] == f"first found after block 10 as 0x{1:064x}"
    assert explained(cli, 8) == ["what became of it is not told yet, or it was not followed"]
