"""The emulated node by itself: `python -m tidemill.sandbox.emulators.solana FILE…`."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp.web

from tidemill.sandbox.emulators.solana.ledger import LedgerOptions, make_ledger
from tidemill.sandbox.emulators.solana.serving import SolanaFaults, SolanaNode

_MS = 1_000


def main() -> int:
    """Serve slot after slot until SIGINT or SIGTERM comes; one line of JSON says where it is."""
    parser = argparse.ArgumentParser(prog="tidemill.sandbox.emulators.solana", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="answers to getTransaction, as JSON")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--slot-ms", type=int, default=400)
    parser.add_argument("--txs-per-block", type=int, default=2)
    parser.add_argument("--no-subscription", action="store_true", help="refuse blockSubscribe, as most do")
    given = parser.parse_args()
    ledger = make_ledger(_txs(given.files), LedgerOptions(txs_per_block=given.txs_per_block))
    node = SolanaNode(ledger, SolanaFaults(is_subscription_refused=given.no_subscription))
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_serve(node, sorted(ledger), given))
    return 0


def _txs(files: list[Path]) -> Iterator[dict[str, Any]]:
    """Yield what the files hold, alone or in lists; what is no transaction is left out."""
    for file in files:
        read = json.loads(file.read_text())
        for tx in read if isinstance(read, list) else [read]:
            if isinstance(tx, dict) and "transaction" in tx:
                yield tx


async def _serve(node: SolanaNode, slots: list[int], given: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    runner = aiohttp.web.AppRunner(node.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", given.port).start()
        place = f"127.0.0.1:{runner.addresses[0][1]}/"
        said = {"ws_url": f"ws://{place}", "http_url": f"http://{place}", "last_slot": slots[-1]}
        print(json.dumps(said), flush=True)
        for slot in range(slots[0], slots[-1] + 1):
            await node.advance(slot)
            await asyncio.sleep(given.slot_ms / _MS)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
