"""Keep what a view shows of the events that pass: names of tokens and pools, last swaps, health, counts."""

from collections import Counter, deque
from typing import Any, NamedTuple

import pyarrow as pa

from tidemill._rust import CoinsPool
from tidemill.process.pools import Batches
from tidemill.schema import derive

_SWAPS_SHOWN = 8
_BOOKS_SHOWN = 8


class PoolName(NamedTuple):
    """What a pool is, for people."""

    dex: str
    protocol: str
    token0: bytes
    token1: bytes
    fee_ppm: int | None


class TokenName(NamedTuple):
    """What a token is, for people; None where its contract does not say."""

    symbol: str | None
    decimals: int | None


class LiveState:
    """Takes every committed batch, and keeps the little that is shown; bounded by pools and tokens."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        """Events by table, since the start."""
        self.pools: dict[bytes, PoolName] = {}
        self.tokens: dict[bytes, TokenName] = {}
        self.health: dict[tuple[str, str], tuple[str, str]] = {}
        """State and detail by source and endpoint."""
        self.books: dict[tuple[str, str], None] = {}
        """Source and instrument of the first books that were told."""
        self._swaps: deque[pa.RecordBatch] = deque(maxlen=_SWAPS_SHOWN)

    def take(self, batches: Batches) -> None:
        """Note what is new; cheap for the topics that are many."""
        for topic, batch in batches:
            self.rows[topic] += batch.num_rows
            if topic == "swap":
                self._swaps.append(batch.slice(max(0, batch.num_rows - _SWAPS_SHOWN)))
            elif topic == "book_top" and len(self.books) < _BOOKS_SHOWN:
                names = zip(
                    *(batch.column(name).to_pylist() for name in ("source", "instrument")), strict=True
                )
                self.books |= dict.fromkeys(list(dict.fromkeys(names))[: _BOOKS_SHOWN - len(self.books)])
            elif topic in {"pool", "token", "health"}:
                for row in derive.to_rows(topic, batch):
                    self._note(topic, row)

    def _note(self, topic: str, row: dict[str, Any]) -> None:
        match topic:
            case "pool":
                names = PoolName(row["dex"], row["protocol"], row["token0"], row["token1"], row["fee_ppm"])
                self.pools[row["pool"]] = names
            case "token":
                self.tokens[row["token"]] = TokenName(row["symbol"], row["decimals"])
            case _:
                self.health[row["source"], row["endpoint"]] = (row["state"], row["detail"])

    def last_swaps(self) -> list[dict[str, Any]]:
        """Return the newest swaps, newest first."""
        rows = [row for batch in self._swaps for row in derive.to_rows("swap", batch)]
        return rows[::-1][:_SWAPS_SHOWN]

    def label(self, pool: bytes) -> str:
        """Return a pool's pair and fee, or its address where it is not known by more."""
        name = self.pools.get(pool)
        if name is None:
            return "0x" + pool.hex()
        fee = "" if name.fee_ppm is None else f" {name.fee_ppm / 10_000:g}%"
        return f"{self.symbol(name.token0)}/{self.symbol(name.token1)}{fee}"

    def symbol(self, token: bytes) -> str:
        """Return a token's symbol, or the start of its address."""
        known = self.tokens.get(token)
        return known.symbol if known and known.symbol else f"0x{token.hex()[:6]}…"

    def units(self, token: bytes, size: int) -> str:
        """Return `size` raw units as people count the token; raw where its decimals are not known."""
        known = self.tokens.get(token)
        if known is None or known.decimals is None:
            return f"{size} raw"
        return f"{size / 10**known.decimals:,.6g}"

    def price(self, pool: bytes, state: Any) -> float | None:
        """Return the price of token0 in token1, in whole tokens, for show; None where it cannot be known."""
        name = self.pools.get(pool)
        decimals = (
            [self.tokens[token].decimals for token in name[2:4] if token in self.tokens] if name else []
        )
        match decimals:
            case [int(decimals0), int(decimals1)]:
                scale = 10.0 ** (decimals0 - decimals1)
            case _:
                return None
        if isinstance(state, CoinsPool):
            return state.price() * scale if state.is_complete else None
        if hasattr(state, "sqrt_price_x96"):
            return (state.sqrt_price_x96 / 2**96) ** 2 * scale if state.sqrt_price_x96 else None
        return state.reserve1 / state.reserve0 * scale if state.reserve0 else None
