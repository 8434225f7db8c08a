"""Make records of arbitrages as a busy chain would give them: seeded, none like another, in order of time.

A block comes every 12 s and has 30 arbitrages; 60 searchers take 2,000 routes over 400 pools, few of them
most of the time (Zipf). What tells of the chain is one value for a block, a walk that goes back to its mean;
what tells of a pool or a route is its own level times that walk and a noise of each row, for each swap
before moves it. Features have the digits that the engine tells. Extremes and quantiles of a window stay for
some 50 blocks, what is read of pools between blocks for a block. Counts are whole, shares and rates are
counts by counts. Windows are often empty, the shorter the more, then the feature is absent. Amounts have 15
to 20 digits, transactions random hashes.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from tidemill.schema import derive
from tidemill.schema.features import FEATURES
from tidemill.schema.features.declaration import Feature, Group

TAG = "arbitrage_transaction"
START_NS = 1_767_225_600_000_000_000
"""2026-01-01."""
BLOCK_NS = 12 * 10**9
ROWS_A_BLOCK = 30
_SEARCHERS, _ROUTES, _POOLS = 60, 2_000, 400
_COUNTS = {"swaps", "blocks", "transactions"}
_EXTREMES = ("range", "tail")
_BETWEEN_BLOCKS = ("depth", "pool_spread")
_RATIOS = ("share", "rate")
_PARTS = {"risk_parts": 4, "unexplained": 1}
_EMPTY_SHARE = {"5s": 0.85, "1m": 0.5, "5m": 0.15}
"""Blocks come every 12 s, and most pools are quiet for minutes."""


def batches(rows: int, rows_a_batch: int, seed: int = 6) -> Iterator[pa.RecordBatch]:
    """Yield `rows` records in batches of the event's schema."""
    made = _Chain(np.random.default_rng(seed))
    for first in range(0, rows, rows_a_batch):
        yield made.batch(first, min(rows_a_batch, rows - first))


class _Chain:
    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        weights = 1 / np.arange(1, _ROUTES + 1)
        self._popular = weights / weights.sum()
        pools = self._texts(_POOLS, 20)
        tokens = self._texts(_POOLS, 20)
        hops = rng.integers(2, 5, _ROUTES)
        chosen = [rng.integers(0, _POOLS, count) for count in hops]
        self._pools = pa.array([",".join(pools[one] for one in route) for route in chosen])
        self._tokens = pa.array([",".join(tokens[one // 4] for one in route) for route in chosen])
        self._token = pa.array([tokens[route[0] // 4] for route in chosen])
        self._protocols = pa.array([",".join(f"uniswap_v{2 + one % 2}" for one in route) for route in chosen])
        self._hops = hops
        self._searchers = pa.array(self._texts(_SEARCHERS, 20))
        self._walks = {feature.name: 0.0 for feature in FEATURES}
        self._levels = {feature.name: rng.lognormal(-3, 1, _ROUTES) for feature in FEATURES}

    def _texts(self, count: int, width: int) -> list[str]:
        return [f"0x{self._rng.bytes(width).hex()}" for _ in range(count)]

    def batch(self, first: int, count: int) -> pa.RecordBatch:
        rng, number = self._rng, np.arange(first, first + count)
        block = number // ROWS_A_BLOCK
        route = rng.choice(_ROUTES, count, p=self._popular)
        columns = {
            feature.name: self._feature(feature, block - block[0], number, route) for feature in FEATURES
        }
        columns |= self._facts(number, block, route)
        fields = derive.arrow_schema(TAG)
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(count, field.type) for field in fields
        ]
        return pa.RecordBatch.from_arrays(
            [
                array if array.type == field.type else array.cast(field.type)
                for array, field in zip(arrays, fields, strict=True)
            ],
            schema=fields,
        )

    def _facts(self, number: np.ndarray, block: np.ndarray, route: np.ndarray) -> dict[str, pa.Array]:
        rng, count = self._rng, len(number)
        time_ns = START_NS + block * BLOCK_NS
        amount_in, profit = rng.lognormal(41, 1.5, count), rng.lognormal(36, 1.5, count)
        gas, price = np.floor(rng.normal(300_000, 60_000, count)), rng.lognormal(22, 0.4, count)
        lost = rng.random(count) < 0.2
        net = np.where(lost, -gas * price, profit - gas * price)
        hashes = np.frombuffer(rng.bytes(32 * count), np.uint8).reshape(count, 32)
        searcher = self._searchers.take(pa.array(route % _SEARCHERS))
        kinds = pa.array(["arbitrage", "losing_circle", "failed_arbitrage"])
        wide = {
            "amount_in": amount_in,
            "amount_out": amount_in + profit,
            "profit": profit,
            "gas_price_wei": price,
            "priority_fee_wei": price / 10,
            "gas_cost_wei": gas * price,
            "profit_native_wei": profit,
            "net_profit_native_wei": net,
        }
        return {name: _wide(rng, value) for name, value in wide.items()} | {
            "event_ns": _times(time_ns),
            "recv_ns": _times(time_ns + 900_000_000 + rng.integers(0, 10**9, count)),
            "source": _repeated("mainnet", count),
            "base_fee_wei": _wide(rng, price[::ROWS_A_BLOCK] * 0.9).take(pa.array(block - block[0])),
            "chain_id": pa.array(np.ones(count, np.uint64)),
            "block_number": pa.array((24_000_000 + block).astype(np.uint64)),
            "block_hash": _block_hashes(block),
            "tx_hash": _hex_texts(hashes),
            "tx_index": pa.array((number % ROWS_A_BLOCK * 5).astype(np.uint32)),
            "kind": kinds.take(pa.array(np.where(lost, rng.integers(1, 3, count), 0))),
            "shape": _repeated("chain", count),
            "sender": searcher,
            "contract": searcher,
            "account": searcher,
            "circle_count": pa.array(np.ones(count, np.uint32)),
            "hop_count": pa.array(self._hops[route].astype(np.uint32)),
            "protocols": self._protocols.take(pa.array(route)),
            "pools": self._pools.take(pa.array(route)),
            "tokens": self._tokens.take(pa.array(route)),
            "token": self._token.take(pa.array(route)),
            "gas_used": pa.array(gas.astype(np.uint64)),
            "profit_usd": pa.array(profit * 3e-15),
            "net_profit_usd": pa.array(net * 3e-15),
            "confidence": pa.array(np.where(lost, 0.5, 1.0)),
        }

    def _feature(
        self, feature: Feature, block: np.ndarray, number: np.ndarray, route: np.ndarray
    ) -> pa.Array:
        rng, count = self._rng, len(number)
        if feature.name == "block_position":
            return pa.array((number % ROWS_A_BLOCK * 5).astype(np.float64))
        steps = rng.normal(0, 0.05, int(block[-1]) + 1)
        walk = 0.9 * self._walks[feature.name] + np.cumsum(steps)
        walk -= np.linspace(0, 0.9, len(walk)) * walk
        self._walks[feature.name] = float(walk[-1])
        value = np.exp(walk)[block]
        if feature.name in _PARTS:
            return pa.array(rng.integers(0, _PARTS[feature.name] + 1, count) / 1.0)
        if feature.group is not Group.NETWORK or feature.name.startswith(("gas_price", "priority_fee")):
            value = value * self._levels[feature.name][route] * self._noise(feature, block, route)
        if feature.unit in _COUNTS:
            value = np.floor(value * 40)
        elif any(word in feature.name for word in _RATIOS):
            among = rng.poisson(400 if feature.name.endswith("24h") else 12, count) + 1
            value = np.floor(np.minimum(value, 1) * among) / among
        if feature.most is not None:
            value = np.minimum(value * feature.most / 2, feature.most)
        value = _told(value)
        empty = next((share for end, share in _EMPTY_SHARE.items() if feature.name.endswith(end)), 0.0)
        return pa.array(value, mask=rng.random(count) < empty) if empty else pa.array(value)

    def _noise(self, feature: Feature, block: np.ndarray, route: np.ndarray) -> np.ndarray:
        if any(word in feature.name for word in _EXTREMES):
            block = block // 50
        elif not any(word in feature.name for word in _BETWEEN_BLOCKS):
            return self._rng.lognormal(0, 0.1, len(block))
        return self._rng.lognormal(0, 0.1, _ROUTES * (int(block[-1]) + 1))[block * _ROUTES + route]


def _told(value: np.ndarray) -> np.ndarray:
    """Return features to the 37 binary digits that are told of them."""
    bits = value.astype(np.float64).view(np.uint64)
    return ((bits + np.uint64(1 << 15)) & ~np.uint64((1 << 16) - 1)).view(np.float64)


def _repeated(text: str, count: int) -> pa.Array:
    return pa.array([text]).take(pa.array(np.zeros(count, np.int32)))


def _times(ns: np.ndarray) -> pa.Array:
    return pa.array(ns.astype(np.int64)).cast(pa.timestamp("ns", tz="UTC"))


def _wide(rng: np.random.Generator, value: np.ndarray) -> pa.Array:
    """Return integers of 256 bits in two's complement: the float's, random below its digits."""
    out = np.zeros((len(value), 4), np.int64)
    high = np.floor(value / 2**32).astype(np.int64)
    low = rng.integers(0, 2**32, len(value))
    out[:, 0] = (high & 0xFFFFFFFF) << 32 | low
    out[:, 1] = high >> 32
    out[:, 2] = out[:, 3] = high >> 63
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(value), [None, pa.py_buffer(out)])


def _block_hashes(block: np.ndarray) -> pa.Array:
    made = [np.random.default_rng(int(one)).bytes(32) for one in range(block[0], block[-1] + 1)]
    return pa.array(made, pa.binary(32)).take(pa.array(block - block[0]))


def _hex_texts(hashes: np.ndarray) -> pa.Array:
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.empty((len(hashes), 66), np.uint8)
    text[:, 0], text[:, 1] = ord("0"), ord("x")
    text[:, 2::2], text[:, 3::2] = digits[hashes >> 4], digits[hashes & 15]
    offsets = np.arange(0, 66 * len(hashes) + 1, 66, dtype=np.int32)
    return pa.StringArray.from_buffers(len(hashes), pa.py_buffer(offsets), pa.py_buffer(text))
