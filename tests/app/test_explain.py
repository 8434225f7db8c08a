"""`tidemill explain` says how an opportunity's value in dollars came about, from what is stored of it."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.store.samples import START_NS

from tidemill.schema import derive
from tidemill.schema.events import Opportunity, OpportunityHop, OpportunityKind, Token
from tidemill.store import open_store

WETH, LINK, USDC = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
POOL, OTHER = b"\xaa" * 20, b"\xbb" * 20
WHERE: dict[str, Any] = {"event_ns": START_NS, "recv_ns": START_NS, "source": "sandbox", "chain_id": 1}
FOUND: dict[str, Any] = {"block_number": 7, "block_hash": b"\x07" * 32, "opportunity": b"\x0f" * 32}


def opportunity(**priced: Any) -> Opportunity:
    return Opportunity(
        **WHERE,
        **FOUND,
        kind=OpportunityKind.CYCLE,
        token=LINK,
        hop_count=2,
        rank=1,
        amount_in=10**18,
        gross_profit=4 * 10**18,
        flash_premium=0,
        net_profit=3 * 10**18,
        **priced,
    )


def hop(place: int, sold: bytes, bought: bytes) -> OpportunityHop:
    return OpportunityHop(
        **WHERE,
        **FOUND,
        hop=place,
        pool=POOL,
        protocol="uniswap_v2",
        dex="uniswap",
        token_in=sold,
        token_out=bought,
        amount_in=1,
        amount_out=2,
        ticks_crossed=0,
    )


def hop_at_book(place: int, sold: bytes, bought: bytes) -> OpportunityHop:
    return structs.replace(
        hop(place, sold, bought),
        protocol="order_book",
        dex="made",
        instrument="LINK-WETH",
        levels="0.005@10 0.0051@3",
        taker_fee_ppm=1_000,
        lot_size="0.01",
    )


def token(address: bytes, symbol: str, decimals: int) -> Token:
    return Token(**WHERE, block_number=1, token=address, symbol=symbol, decimals=decimals)


async def store(folder: Path, found: Opportunity, *hops: OpportunityHop) -> None:
    known = [token(WETH, "WETH", 18), token(LINK, "LINK", 18), token(USDC, "USDC", 6)]
    rows = {
        "opportunity": [found],
        "opportunity_hop": list(hops) or [hop(0, LINK, WETH), hop(1, WETH, LINK)],
        "token": known,
    }
    async with open_store(f"chdb://{folder}/data/store") as opened:
        await opened.migrate()
        for topic, events in rows.items():
            await opened.insert(topic, [derive.to_batch(events)], "a")


def explained(cli) -> list[str]:
    ended = cli("explain", "0x" + "0f" * 32)
    assert ended.returncode == 0, ended.stderr
    lines = [line.strip() for line in ended.stdout.splitlines()]
    assert lines.pop() == "what became of it is not told yet, or it was not followed"
    return lines


async def test_each_pool_on_the_way_to_a_dollar_is_named(cli, tmp_path):
    route = {"usd_pool_1": POOL, "usd_token_1": WETH, "usd_pool_2": OTHER, "usd_token_2": USDC}
    await store(tmp_path, opportunity(net_profit_usd=45.0, usd_per_unit=1.5e-17, **route))
    assert explained(cli)[-5:] == [
        f"{'net_profit_usd':<24} 45.0",
        "price  1.5e-17 USD for a raw unit, 15 for one LINK",
        f"pool   0x{POOL.hex()} says what LINK is worth in WETH",
        f"pool   0x{OTHER.hex()} says what WETH is worth in USDC",
        "USDC is taken for a dollar",
    ]


@pytest.mark.parametrize(
    ("priced", "last"),
    [
        ({}, "no pool leads from LINK to a stable token within two steps"),
        ({"net_profit_usd": 3.0, "usd_per_unit": 1e-18}, "LINK is taken for a dollar"),
    ],
)
async def test_a_value_without_a_way_says_why(cli, tmp_path, priced, last):
    await store(tmp_path, opportunity(**priced))
    assert explained(cli)[-1] == last


async def test_a_hop_at_an_order_book_has_its_levels_and_terms(cli, tmp_path):
    found = structs.replace(opportunity(), kind=OpportunityKind.PAIR_GAP)
    await store(tmp_path, found, hop(0, LINK, WETH), hop_at_book(1, WETH, LINK))
    lines = explained(cli)
    assert ": pair_gap of 2 hops" in lines[0]
    at = lines.index("hop 1  order_book of made, LINK-WETH")
    assert lines[at + 3 : at + 5] == [
        "levels 0.005@10 0.0051@3, best first, as price@size of whole tokens",
        "terms  a taker's fee of 1000 ppm of what is received, lots of 0.01",
    ]
