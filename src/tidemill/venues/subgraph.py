"""Pools and swaps as subgraphs index them. Docs: https://thegraph.com/docs/en/subgraphs/querying/graphql-api/.

Limits: 1,000 rows a page, about 30 queries a second a key; no subscriptions on the network's gateways.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tidemill.core.clock import NS_PER_S
from tidemill.core.graphql import data_of
from tidemill.schema.events import SubgraphBalance, SubgraphPool, SubgraphSwap, SubgraphSwapKind
from tidemill.schema.faults import Fault, Malformed, Unknown
from tidemill.venues.base import Mapped, Origin, Venue
from tidemill.venues.subgraph_dialects import DIALECTS, Dialect, Direction, FeeUnit, PoolFields
from tidemill.venues.subgraph_values import (
    at,
    binary,
    decimals_of,
    fraction_e18,
    integer,
    pool_address,
    raw_units,
    rows,
    text,
)

_META = "_meta%s { block { number hash timestamp } hasIndexingErrors }"
_WHOLE_PPM = 1_000_000


class Head(NamedTuple):
    """A block, as an indexer has it."""

    number: int
    block_hash: bytes
    timestamp_s: int
    has_indexing_errors: bool


class Window(NamedTuple):
    """What to read of a subgraph as it was at one block."""

    block_hash: bytes
    from_s: int
    to_s: int
    """The last second, which it includes."""


# --- what we say


def head_query() -> str:
    """Return the query for the indexer's newest block."""
    return f"{{ {_META % ''} }}"


def swaps_query(
    dialect: Dialect, window: Window, *, after: str, page_rows: int, pools: tuple[str, ...] = ()
) -> str:
    """Return the query for a page of swaps, by id; `pools` are ids, none stands for all."""
    fields = dialect.swap
    where = [f"{fields.time}_gte: {window.from_s}", f"{fields.time}_lte: {window.to_s}"]
    where += [f"id_gt: {_quoted(after)}"] if after else []
    where += [f"{fields.pool_filter}_in: {_quoted(pools)}"] if pools else []
    paths = ["id", fields.time, fields.tx_hash, fields.pool, fields.sender]
    paths += filter(None, (fields.recipient, fields.block_number, fields.log_index))
    paths += [path for leg in fields.legs for path in (leg.token, *leg.amounts)]
    paths += fields.decimals or ()
    paths += [f"{fields.token_list}.{name}" for name in ("address", "decimals")] if fields.token_list else []
    return _page(fields.entity, window.block_hash, page_rows, where, paths)


def pools_query(dialect: Dialect, block_hash: bytes, pools: tuple[str, ...]) -> str:
    """Return the query for pools by their ids, as they were at a block."""
    fields = dialect.pool
    paths = ["id", *filter(None, (fields.kind, fields.sqrt_price_x96, fields.liquidity, fields.tick))]
    if fields.fee:
        is_list = fields.fee_unit is FeeUnit.PERCENT_LIST
        paths += [f"{fields.fee}.feePercentage", f"{fields.fee}.feeType"] if is_list else [fields.fee]
    paths += [f"{tokens}.{name}" for tokens in fields.tokens for name in (fields.token, "symbol", "decimals")]
    paths += _balance_paths(fields)
    return _page(fields.entity, block_hash, len(pools), [f"id_in: {_quoted(pools)}"], paths)


def bell_query(dialect: Dialect, pools: tuple[str, ...]) -> str:
    """Return the subscription that says when there is a new swap; what it is, a query tells."""
    fields = dialect.swap
    where = f", where: {{{fields.pool_filter}_in: {_quoted(pools)}}}" if pools else ""
    newest = f"first: 1, orderBy: {fields.time}, orderDirection: desc{where}"
    return f"subscription {{ {fields.entity}({newest}) {{ id }} }}"


def _page(entity: str, block_hash: bytes, page_rows: int, where: list[str], paths: list[str]) -> str:
    block = f'block: {{hash: "0x{block_hash.hex()}"}}'
    chosen = f"first: {page_rows}, orderBy: id, {block}, where: {{{', '.join(where)}}}"
    return f"{{ {_META % f'({block})'} {entity}({chosen}) {{ {_selection(paths)} }} }}"


def _selection(paths: list[str]) -> str:
    inner: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        inner.setdefault(name, []).extend([rest] if rest else [])
    return " ".join(f"{name} {{ {_selection(rest)} }}" if rest else name for name, rest in inner.items())


def _balance_paths(fields: PoolFields) -> list[str]:
    if len(fields.tokens) > 1:
        return list(fields.balances)
    balance = "".join(fields.balances)
    return [balance.removeprefix("/")] if balance.startswith("/") else [f"{''.join(fields.tokens)}.{balance}"]


def _quoted(value: str | tuple[str, ...]) -> str:
    return msgspec.json.encode(value).decode()  # a JSON text is a GraphQL text


# --- what we hear


def read_head(frame: bytes, where: str = "subgraph") -> Head:
    """Return the block that a frame is of. Raises: Malformed; what the server answers instead."""
    return _head(_read(data_of(frame, where), where), where)


def map_frame(channel: str, frame: bytes, origin: Origin, recv_ns: int) -> Mapped:
    """Map one page; a channel is `dialect.swaps` or `dialect.pools`.

    Rows that are Malformed, or of tokens that are Unknown, are faults of their own. Raises: Malformed; what
    the server answers instead.
    """
    name, _, kind = channel.partition(".")
    dialect = DIALECTS[name]
    entity = dialect.swap.entity if kind == "swaps" else dialect.pool.entity
    where = f"{origin.source} {channel}"
    data = _read(data_of(frame, where), where)
    head = _head(data, where)
    mapped = Mapped(block_hash=head.block_hash)
    try:
        found = rows(at(data, entity), entity)
        ids = [text(at(row, "id"), "id") for row in found]
    except Malformed as fault:
        raise Malformed(f"{where}: {fault}") from fault
    mapped.row_count, mapped.last_id = len(found), ids[-1] if ids else ""
    for row in found:
        try:
            if kind == "swaps":
                mapped.events.append(_swap(dialect, row, head, origin, recv_ns))
            else:
                mapped.events.extend(_pool(dialect, row, head, origin, recv_ns))
        except Fault as fault:
            mapped.faults.append(type(fault)(f"{where}: {row['id'][:140]}: {fault}"))
    return mapped


def pools_of(dialect: Dialect, frame: bytes) -> dict[str, str]:
    """Return the id of each swap's pool in a page of swaps that `map_frame` could read, by the swap's id."""
    found: dict[str, str] = {}
    for row in at(_read(data_of(frame, ""), ""), dialect.swap.entity):
        try:
            found[row["id"]] = text(at(row, dialect.swap.pool), dialect.swap.pool)
        except Malformed:
            continue  # the row is told as a fault where it is mapped
    return found


def _read(data: msgspec.Raw, where: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{where}: expected a GraphQL result ({error})") from error


def _head(data: dict[str, Any], where: str) -> Head:
    try:
        return Head(
            integer(at(data, "_meta.block.number"), "_meta.block.number", bits=63),
            binary(at(data, "_meta.block.hash"), 32, "_meta.block.hash"),
            integer(at(data, "_meta.block.timestamp"), "_meta.block.timestamp", bits=33),
            at(data, "_meta.hasIndexingErrors") is not False,
        )
    except Malformed as fault:
        raise Malformed(f"{where}: {fault}") from fault


def _swap(dialect: Dialect, row: Any, head: Head, origin: Origin, recv_ns: int) -> SubgraphSwap:
    fields = dialect.swap
    tokens = [binary(at(row, leg.token), 20, leg.token) for leg in fields.legs]
    decimals = _leg_decimals(dialect, row, tokens, origin)
    amounts = [
        [_amount(at(row, path), places, path, is_raw=dialect.is_raw) for path in leg.amounts]
        for leg, places in zip(fields.legs, decimals, strict=True)
    ]
    into, amount_in, amount_out = _directed(fields.direction, amounts)
    return SubgraphSwap(
        event_ns=integer(at(row, fields.time), fields.time, bits=33) * NS_PER_S,
        recv_ns=recv_ns,
        source=origin.source,
        chain_id=origin.chain_id,
        dex=origin.dex,
        swap_id=text(at(row, "id"), "id"),
        kind=SubgraphSwapKind.TOLD,
        as_of_block=head.number,
        block_number=_optional_integer(row, fields.block_number, 63),
        tx_hash=binary(at(row, fields.tx_hash), 32, fields.tx_hash),
        log_index=_optional_integer(row, fields.log_index, 32),
        pool=pool_address(at(row, fields.pool)),
        sender=_optional_address(row, fields.sender),
        recipient=_optional_address(row, fields.recipient),
        token_in=tokens[into],
        token_out=tokens[1 - into],
        amount_in=amount_in,
        amount_out=amount_out,
    )


def _amount(value: Any, decimals: int, what: str, *, is_raw: bool) -> int:
    return integer(value, what, bits=256) if is_raw else raw_units(value, decimals, what)


def _leg_decimals(dialect: Dialect, row: Any, tokens: list[bytes], origin: Origin) -> list[int]:
    """Return each token's decimals. Raises: Malformed; Unknown, where the registry has none."""
    fields = dialect.swap
    if dialect.is_raw:
        return [0, 0]
    if fields.decimals:
        return [decimals_of(at(row, path), path) for path in fields.decimals]
    known = origin.decimals
    if fields.token_list:
        listed = rows(at(row, fields.token_list), fields.token_list)
        known = {
            binary(at(token, "address"), 20, "address"): decimals_of(at(token, "decimals"), "decimals")
            for token in listed
        }
    missing = [token.hex() for token in tokens if token not in known]
    if missing and fields.token_list:
        raise Malformed(f"expected the pool to have token 0x{missing[0]}, found others")
    if missing:
        raise Unknown(f"expected token 0x{missing[0]} with its decimals, found none")
    return [known[token] for token in tokens]


def _directed(direction: Direction, amounts: list[list[int]]) -> tuple[int, int, int]:
    """Return which token came in, how much, and how much of the other went out. Raises: Malformed."""
    if direction is Direction.DIRECTED:
        into, amount_in, amount_out = 0, amounts[0][0], amounts[1][0]
    else:
        net = [sum(sides[:1]) - sum(sides[1:]) for sides in amounts]
        into = 0 if net[0] > 0 or (net[0] == 0 and net[1] < 0) else 1
        amount_in, amount_out = net[into], -net[1 - into]
    if amount_in < 0 or amount_out < 0:
        raise Malformed(f"expected one token in and one out, found amounts {amounts}")
    return into, amount_in, amount_out


def _pool(
    dialect: Dialect, row: Any, head: Head, origin: Origin, recv_ns: int
) -> Iterator[SubgraphPool | SubgraphBalance]:
    """Yield a pool, then its balances: all, or none where one is not good."""
    fields = dialect.pool
    of_pool: dict[str, Any] = {
        "event_ns": head.timestamp_s * NS_PER_S,
        "recv_ns": recv_ns,
        "source": origin.source,
        "chain_id": origin.chain_id,
        "dex": origin.dex,
        "block_number": head.number,
        "block_hash": head.block_hash,
        "pool_id": text(at(row, "id"), "id"),
        "pool": pool_address(at(row, "id")),
    }
    balances = [
        SubgraphBalance(**of_pool, token_index=index, **_balance(token, fields, value, is_raw=dialect.is_raw))
        for index, (token, value) in enumerate(_tokens(fields, row))
    ]
    kind = None if fields.kind is None else at(row, fields.kind)
    yield SubgraphPool(
        **of_pool,
        kind=None if kind is None else text(kind, "kind"),
        fee_e18=_fee_e18(fields, row),
        sqrt_price_x96=_optional_integer(row, fields.sqrt_price_x96, 160),
        liquidity=_optional_integer(row, fields.liquidity, 128),
        tick=_optional_integer(row, fields.tick, 32, is_signed=True),
        token_count=len(balances),
    )
    yield from balances


def _tokens(fields: PoolFields, row: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each token of a pool with its balance, as the indexer has them. Raises: Malformed."""
    if len(fields.tokens) > 1:
        for token, balance in zip(fields.tokens, fields.balances, strict=True):
            yield at(row, token), at(row, balance)
        return
    path, balance = "".join(fields.tokens), "".join(fields.balances)  # one of each
    listed = rows(at(row, path), path)
    if not balance.startswith("/"):
        yield from ((token, at(token, balance)) for token in listed)
        return
    beside = rows(at(row, balance[1:]), balance[1:])
    if len(beside) != len(listed):
        raise Malformed(f"expected {len(listed)} balances, found {len(beside)}")
    yield from zip(listed, beside, strict=True)


def _balance(token: Any, fields: PoolFields, value: Any, *, is_raw: bool) -> dict[str, Any]:
    decimals = decimals_of(at(token, "decimals"), "decimals")
    balance = _amount(value, decimals, "balance", is_raw=is_raw)
    if balance < 0:
        raise Malformed(f"expected a balance, found {value!r}")
    symbol = at(token, "symbol")
    return {
        "token": binary(at(token, fields.token), 20, "token"),
        "symbol": symbol if isinstance(symbol, str) else None,
        "decimals": decimals,
        "balance": balance,
    }


def _fee_e18(fields: PoolFields, row: Any) -> int | None:
    value = None if fields.fee is None else at(row, fields.fee)
    if fields.fee is None or value is None:
        return None
    match fields.fee_unit:
        case FeeUnit.PPM:
            return integer(value, fields.fee, bits=32) * (10**18 // _WHOLE_PPM)
        case FeeUnit.FRACTION:
            return fraction_e18(value, 1, fields.fee)
        case FeeUnit.PERCENT_LIST:
            for fee in rows(value, fields.fee):
                if text(at(fee, "feeType"), "feeType").endswith("TRADING_FEE"):
                    percent = at(fee, "feePercentage")
                    return None if percent is None else fraction_e18(percent, 100, "feePercentage")
            return None


def _optional_integer(row: Any, path: str | None, bits: int, *, is_signed: bool = False) -> int | None:
    value = None if path is None else at(row, path)
    return None if value is None else integer(value, path or "", bits=bits, is_signed=is_signed)


def _optional_address(row: Any, path: str | None) -> bytes | None:
    value = None if path is None else at(row, path)
    return None if value is None else binary(value, 20, path or "")


VENUE = Venue(
    name="subgraph",
    docs=(
        "https://thegraph.com/docs/en/subgraphs/querying/graphql-api/",
        "https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md",
        "https://github.com/apollographql/subscriptions-transport-ws/blob/master/PROTOCOL.md",
    ),
    limits="1,000 rows a page; 30 queries a second and 100,000 free ones a month a key; no subscriptions on"
    " the network's gateways. Servers of one's own set their own.",
    channels=tuple(f"{name}.{kind}" for name in DIALECTS for kind in ("swaps", "pools")),
    map_frame=map_frame,
)
