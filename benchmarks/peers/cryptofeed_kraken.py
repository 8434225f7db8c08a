"""Keep Kraken's books with cryptofeed, run by its own interpreter: JSON in, JSON out.

In:  {"frames": [..], "pairs": [..], "rounds"}: the recorded session's messages.
Out: {"version", "per_s", "per_s_checked", "books"}: messages a second of processor time, without its checksum
     check and with it, and the callbacks of one round.
"""

import asyncio
import importlib.metadata
import json
import sys
import time
from typing import Any

from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import Kraken
from cryptofeed.symbols import Symbols


def feed_of(pairs: list[str], called: list[int], *, is_checked: bool) -> Any:
    """Return the feed with the pairs known, as its own start would have it."""

    async def told(book: Any, timestamp: float) -> None:
        called[0] += 1

    Symbols.set(Kraken.id, {pair: pair for pair in pairs}, {"tick_size": {}, "instrument_type": {}})
    return Kraken(subscription={L2_BOOK: pairs}, callbacks={L2_BOOK: told}, checksum_validation=is_checked)


def measure(work: dict[str, Any], *, is_checked: bool) -> tuple[float, int]:
    """Return messages a second of the best round, and the callbacks of one round."""
    pairs = [pair.replace("/", "-") for pair in work["pairs"]]
    best, called = 0.0, [0]
    for _ in range(work["rounds"]):
        called[0] = 0
        feed = feed_of(pairs, called, is_checked=is_checked)
        feed.exchange_symbol_to_std_symbol = lambda pair: pair.replace("/", "-")

        async def play(feed: Any = feed) -> float:
            started = time.process_time()
            for frame in work["frames"]:
                await feed.message_handler(frame, None, 1.0)
            return time.process_time() - started

        best = max(best, len(work["frames"]) / asyncio.run(play()))
    return best, called[0]


def main() -> None:
    """Do the work of standard input."""
    work = json.load(sys.stdin)
    per_s, books = measure(work, is_checked=False)
    per_s_checked, _ = measure(work, is_checked=True)
    answer = {
        "version": importlib.metadata.version("cryptofeed"),
        "per_s": per_s,
        "per_s_checked": per_s_checked,
        "books": books,
    }
    json.dump(answer, sys.stdout)


main()
