"""What happens at the local Polymarket: makers quote, takers and whales trade, one market after the other."""

import hashlib
import random
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

TICKS = 100
"""Prices are so many parts of 1."""
SIZE_UNITS = 100
"""Sizes are numbers of hundredths."""
_LEVELS = 12
_WALLETS = 40
_WHALES = 4
_TRADES_KEPT = 5_000


class Change(NamedTuple):
    """A level of the first token's book has another size; the second token's book mirrors it."""

    is_bid: bool
    tick: int
    size: int
    """Hundredths; 0: there is no such level any more."""


class Fill(NamedTuple):
    """A wallet took of the first or the second token."""

    market: int
    outcome: int
    is_buy: bool
    tick: int
    """Of the first token's price."""
    size: int
    wallet: str
    tx_hash: str
    event_ms: int


class Moved(NamedTuple):
    """What one move did to a market."""

    market: int
    event_ms: int
    changes: list[Change]
    fills: list[Fill]


@dataclass
class Market:
    """Two tokens, of which one is paid out; the second's book is the first's, seen from the other side."""

    index: int
    condition: str
    tokens: tuple[str, str]
    bids: dict[int, int] = field(default_factory=dict)
    """Size by tick, of the first token."""
    asks: dict[int, int] = field(default_factory=dict)
    changed_ms: int = 0
    last_tick: int = TICKS // 2

    @property
    def best(self) -> tuple[int | None, int | None]:
        """The highest bid and the lowest ask, of the first token."""
        return max(self.bids, default=None), min(self.asks, default=None)


class Exchange:
    """All markets, and the people in them; the same seed makes the same moves."""

    def __init__(self, market_count: int, seed: int, now_ms: int) -> None:
        self.markets = [_market(index, now_ms) for index in range(market_count)]
        self.fills: deque[Fill] = deque(maxlen=_TRADES_KEPT)
        """The newest last."""
        self._dice = random.Random(seed)  # noqa: S311
        self.wallets = [_digest(f"wallet {index}")[:40] for index in range(_WALLETS)]
        self.whales = self.wallets[:_WHALES]
        for market in self.markets:
            middle = self._dice.randint(20, 80)
            for step in range(1, _LEVELS + 1):
                market.bids[middle - step] = self._size()
                market.asks[middle + step] = self._size()

    def move(self, now_ms: int) -> Moved:
        """Have somebody do something."""
        market = self._dice.choice(self.markets)
        market.changed_ms = max(now_ms, market.changed_ms)
        chance = self._dice.random()
        if chance < 0.9:
            return self._quote(market)
        return self._take(market, whale=chance > 0.995)

    def whale_trade(self, market_index: int, now_ms: int) -> Moved:
        """Have a whale take several levels of a market."""
        market = self.markets[market_index]
        market.changed_ms = max(now_ms, market.changed_ms)
        return self._take(market, whale=True)

    def _size(self) -> int:
        return self._dice.randint(1, 50_000)

    def _quote(self, market: Market) -> Moved:
        best_bid, best_ask = market.best
        highest = (TICKS if best_ask is None else best_ask) - 1
        lowest = (0 if best_bid is None else best_bid) + 1
        # a side without room between the end of the scale and the other side is not quoted
        is_bid = lowest > TICKS - 1 or (highest >= 1 and self._dice.random() < 0.5)
        step = self._dice.randint(0, _LEVELS)
        tick = max(1, highest - step) if is_bid else min(TICKS - 1, lowest + step)
        levels = market.bids if is_bid else market.asks
        is_leaving = tick in levels and self._dice.random() < 0.3 and len(levels) > 3
        change = Change(is_bid, tick, 0 if is_leaving else self._size())
        _apply(market, change)
        return Moved(market.index, market.changed_ms, [change], [])

    def _take(self, market: Market, *, whale: bool) -> Moved:
        is_buy = self._dice.random() < 0.5
        levels = market.asks if is_buy else market.bids
        wallet = self._dice.choice(self.whales if whale else self.wallets[_WHALES:])
        tx_hash = "0x" + _digest(f"{market.index} {market.changed_ms} {self._dice.random()}")
        changes: list[Change] = []
        fills: list[Fill] = []
        for tick in sorted(levels, reverse=not is_buy)[: 4 if whale else 1]:
            size = levels[tick] if whale else min(levels[tick], self._size())
            change = Change(not is_buy, tick, levels[tick] - size)
            _apply(market, change)
            changes.append(change)
            fills.append(Fill(market.index, 0, is_buy, tick, size, f"0x{wallet}", tx_hash, market.changed_ms))
            market.last_tick = tick
        self.fills.extend(fills)
        return Moved(market.index, market.changed_ms, changes, fills)


def _apply(market: Market, change: Change) -> None:
    levels = market.bids if change.is_bid else market.asks
    if change.size:
        levels[change.tick] = change.size
    else:
        levels.pop(change.tick, None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _market(index: int, now_ms: int) -> Market:
    condition = "0x" + _digest(f"market {index}")
    numbers = [int(_digest(f"market {index} token {outcome}"), 16) for outcome in (0, 1)]
    return Market(index, condition, (str(numbers[0]), str(numbers[1])), changed_ms=now_ms)
