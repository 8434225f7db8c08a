"""`tidemill explain`: print one opportunity: its hops, costs and state, and what became of it."""

import asyncio
import json
import re
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

from tidemill.app.inspecting.inspecting_solana_live import is_signature
from tidemill.app.operating.sql import exact, printable, readable
from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.core.clock import NS_PER_S
from tidemill.process.autopsy_case import path_of
from tidemill.schema.faults import Refused, Unknown
from tidemill.store.coverage import Readable

_ID = re.compile("0x[0-9a-f]{8,64}")
_HASH = re.compile("0x[0-9a-fA-F]{64}")
_EXACT = Context(prec=100)
_AMOUNTS = ("amount_in", "gross_profit", "flash_premium", "net_profit")
_WEI = ("gas_price_wei", "fee_wei", "net_profit_wei", "break_even_gas_price_wei")
_CAUSES = {
    "taken": "taken",
    "closed_by_trade": "closed by a trade that is no arbitrage",
    "closed_by_liquidity": "closed by a change of liquidity",
    "closed_by_book": "closed by a change of an order book",
    "costs": "its costs rose above its profit",
    "reorged": "the block that it was found after was reverted",
    "outlived": "it still paid, and is not followed any longer",
    "unknown": "not known: a pool could not be asked or was read anew, or a block was missed",
}
_LATER = ("right away", "1 block later", "2 blocks later")
_STATE = ("reserve0", "reserve1", "sqrt_price_x96", "liquidity", "tick")


def prefix_of(text: str) -> str:
    """Return an opportunity's id, or what it begins with. Raises: ValueError."""
    if not _ID.fullmatch(text.lower()):
        raise ValueError(f"expected an id: 0x and 8 to 64 of its hex digits, found {printable(text)!r}")
    return text.lower()


def is_tx(text: str) -> bool:
    """Tell whether `text` can be a transaction: a hash, which an id is too, or a Solana signature."""
    return bool(_HASH.fullmatch(text) or is_signature(text))


def is_stored(environment: Environment, prefix: str) -> bool:
    """Say whether an opportunity begins with `prefix`; False also where nothing was stored yet."""
    try:
        asyncio.run(_read(environment, prefix))
    except (Unknown, Refused):
        return False
    return True


def main(environment: Environment, prefix: str, *, is_json: bool) -> int:
    """Print the opportunity whose id begins with `prefix`.

    Raises: Unknown, where there is none; Refused, where there are several, or nothing was stored yet.
    """
    found = asyncio.run(_read(environment, prefix))
    if is_json:
        hops = [_exact(hop) for hop in found["hops"]]
        autopsy = None if found["autopsy"] is None else _exact(found["autopsy"])
        print(json.dumps({**_exact(found), "hops": hops, "autopsy": autopsy}, indent=2))
    else:
        print("\n".join(_lines(found)))
    return 0


async def _read(environment: Environment, prefix: str) -> dict[str, Any]:
    async with reading(environment, "explain") as store:
        found = await _rows(store, "opportunity", f"startsWith(opportunity_hex, '{prefix}') LIMIT 2")
        if not found:
            raise Unknown(f"explain: expected an opportunity that begins with {prefix}, found none")
        if len(found) > 1:
            raise Refused(f"explain: {prefix}: expected more digits of the id, found several that begin so")
        told = found[0]
        same = f"chain_id = {told['chain_id']} AND opportunity_hex = '{told['opportunity']}'"
        told["is_canonical"] = bool(await _rows(store, "opportunity_canonical", same))
        told["hops"] = await _rows(store, "opportunity_hop", f"{same} ORDER BY hop")
        told["autopsy"] = autopsy = await _autopsy(store, told)
        tokens = {told["token"], *(hop[side] for hop in told["hops"] for side in ("token_in", "token_out"))}
        tokens.update(token for _, token in _route(told))
        if autopsy is not None and autopsy["taken_token"] is not None:
            tokens.add(autopsy["taken_token"])
        listed = ", ".join(f"'{token}'" for token in sorted(tokens))
        known = await _rows(store, "token", f"chain_id = {told['chain_id']} AND token_hex IN ({listed})")
        told["tokens"] = {
            row["token"]: {"symbol": row["symbol"], "decimals": row["decimals"]} for row in known
        }
        return told


async def _autopsy(store: Readable, told: dict[str, Any]) -> dict[str, Any] | None:
    """Return what became of it, where that is told; it may be a later finding of what was followed."""
    hops = [(_bytes(hop["pool"]), _bytes(hop["token_in"]), _bytes(hop["token_out"])) for hop in told["hops"]]
    block, chain_id = told["block_number"], told["chain_id"]
    during = (
        f"chain_id = {chain_id} AND path_hex = '0x{path_of(tuple(hops)).hex()}' AND cause != 'reorged'"
        f" AND born_block_number <= {block} AND block_number >= {block}"
        f" AND (died_block_number IS NULL OR died_block_number > {block})"
        " ORDER BY born_block_number DESC LIMIT 1"
    )
    own = f"chain_id = {chain_id} AND opportunity_hex = '{told['opportunity']}' ORDER BY recv_ns DESC LIMIT 1"
    found = await _rows(store, "opportunity_autopsy_canonical", during) if told["is_canonical"] else []
    found = found or await _rows(store, "opportunity_autopsy", own)
    return found[0] if found else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


async def _rows(store: Readable, table: str, where: str) -> list[dict[str, Any]]:
    statement = f"SELECT * FROM {table} WHERE {where}"  # noqa: S608 names of ours, and a checked id
    return readable(await store.query(statement))


def _exact(row: dict[str, Any]) -> dict[str, Any]:
    return {name: exact(value) for name, value in row.items()}


def _lines(told: dict[str, Any]) -> Iterator[str]:
    where = f"block {told['block_number']} of {told['source']}"
    yield f"{told['opportunity']}: {told['kind']} of {told['hop_count']} hops, rank {told['rank']} of {where}"
    if not told["is_canonical"]:
        yield "  its block left the canonical chain"
    for hop in told["hops"]:
        place = f"pool {hop['pool']}" if hop["instrument"] is None else printable(hop["instrument"])
        yield f"  hop {hop['hop']}  {hop['protocol']} of {hop['dex']}, {place}"
        yield f"    in     {_amount(told, hop['token_in'], hop['amount_in'])}"
        yield f"    out    {_amount(told, hop['token_out'], hop['amount_out'])}"
        if hop["instrument"] is not None:
            yield f"    levels {hop['levels']}, best first, as price@size of whole tokens"
            fee, lot = hop["taker_fee_ppm"], hop["lot_size"]
            yield f"    terms  a taker's fee of {fee} ppm of what is received, lots of {lot}"
            continue
        state = [f"{name} {hop[name]}" for name in _STATE if hop[name] is not None]
        yield f"    state  {', '.join(state)}; {hop['ticks_crossed']} ticks crossed"
    for name in _AMOUNTS:
        yield f"  {name:<24} {_amount(told, told['token'], told[name])}"
    yield f"  {'gas':<24} {_known(told['gas'])}"
    for name in _WEI:
        yield f"  {name:<24} {_known(told[name])}"
    yield f"  {'net_profit_usd':<24} {_known(told['net_profit_usd'])}"
    yield from _price(told)
    yield from _fate(told)


def _fate(told: dict[str, Any]) -> Iterator[str]:
    """Yield what became of it."""
    autopsy = told["autopsy"]
    if autopsy is None:
        yield "  what became of it is not told yet, or it was not followed"
        return
    yield f"  what became of it: {_CAUSES[autopsy['cause']]}"
    if autopsy["opportunity"] != told["opportunity"]:
        yield f"    first found after block {autopsy['born_block_number']} as {autopsy['opportunity']}"
    seconds = autopsy["followed_ns"] / NS_PER_S
    if autopsy["died_block_number"] is not None:
        yield f"    died   in block {autopsy['died_block_number']}, {_after(autopsy)}, {seconds:g} s"
    else:
        yield f"    paid   for {autopsy['followed_blocks']} blocks, {seconds:g} s, as far as is known"
    if autopsy["taker_tx_hash"] is not None:
        place = f"number {autopsy['taker_tx_index']} of its block"
        yield f"    by     transaction {autopsy['taker_tx_hash']}, {place}"
        if autopsy["taker_tx_count"] != 1:
            yield f"           and {autopsy['taker_tx_count'] - 1} more of its recipient"
        yield f"    sender {_known(autopsy['taker_sender'])}, recipient {_known(autopsy['taker_recipient'])}"
    if autopsy["taken"] is not None:
        yield f"    took   {_amount(told, autopsy['taken_token'], autopsy['taken'])}"
    for later in range(len(_LATER)):
        yield f"    {_LATER[later]}, after costs (before them)"
        for way, called in (("sent", "as it was found"), ("best", "at the best size")):
            net, gross = (
                _amount(told, told["token"], autopsy[f"{way}_{of}_{later}"]) for of in ("net", "gross")
            )
            yield f"      {called:<16} {net} ({gross})"


def _after(autopsy: dict[str, Any]) -> str:
    blocks = autopsy["followed_blocks"]
    return "1 block after it was found" if blocks == 1 else f"{blocks} blocks after it was found"


def _price(told: dict[str, Any]) -> Iterator[str]:
    """Yield how the value in dollars came about: the price, then the pools that it comes from."""
    token = told["token"]
    if told["usd_per_unit"] is None:
        yield f"    no pool leads from {_called(told, token)} to a stable token within two steps"
        return
    yield f"    price  {_whole_price(told, token)}"
    for pool, other in _route(told):
        yield f"    pool   {pool} says what {_called(told, token)} is worth in {_called(told, other)}"
        token = other
    yield f"    {_called(told, token)} is taken for a dollar"


def _route(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pool and the other token of each step from the token to a stable one."""
    steps = [(told[f"usd_pool_{step}"], told[f"usd_token_{step}"]) for step in (1, 2)]
    return [(pool, token) for pool, token in steps if pool is not None]


def _whole_price(told: dict[str, Any], token: str) -> str:
    """Return the price of a raw unit, and of a whole token where its decimals are known."""
    per_unit = told["usd_per_unit"]
    decimals = told["tokens"].get(token, {}).get("decimals")
    if decimals is None:
        return f"{per_unit} USD for a raw unit of {token}"
    whole = _EXACT.scaleb(Decimal(repr(per_unit)), decimals)
    return f"{per_unit} USD for a raw unit, {whole:f} for one {_called(told, token)}"


def _called(told: dict[str, Any], token: str) -> str:
    return printable(told["tokens"].get(token, {}).get("symbol") or token)


def _amount(told: dict[str, Any], token: str, amount: int | None) -> str:
    """Return raw units, and in the token's own unit where that is known."""
    if amount is None:
        return _known(None)
    known = told["tokens"].get(token, {})
    if known.get("decimals") is None:
        return f"{amount} of {token}"
    human = _EXACT.scaleb(Decimal(amount), -known["decimals"])
    return f"{amount} = {human:f} {_called(told, token)}"


def _known(value: float | None) -> str:
    return "not known" if value is None else str(value)
