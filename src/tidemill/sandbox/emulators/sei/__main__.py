"""The emulated node by itself: `python -m tidemill.sandbox.emulators.sei`."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time

import aiohttp.web

from tidemill.sandbox.emulators.sei.chain import ChainOptions
from tidemill.sandbox.emulators.sei.contract import CONTRACT, MARKETS, Crowd
from tidemill.sandbox.emulators.sei.serving import SeiNode, read_faults
from tidemill.schema.faults import Refused

_NS_PER_S = 1_000_000_000


def main() -> int:
    """Run the node until SIGINT or SIGTERM comes; one line of JSON says where everything is."""
    parser = argparse.ArgumentParser(prog="tidemill.sandbox.emulators.sei", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--network", default="atlantic-2")
    parser.add_argument("--attributes", choices=("base64", "plain"), default="base64")
    parser.add_argument("--block-ms", type=int, default=400)
    parser.add_argument("--txs-per-block", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1, help="the same seed and genesis make the same chain")
    parser.add_argument("--genesis-s", type=int, help="when its block 0 would have been; without it: now")
    parser.add_argument("--faults", default="", help="what goes wrong, such as drop_percent=20,slow_ms=50")
    given = parser.parse_args()
    options = ChainOptions(
        network=given.network,
        genesis_ns=(given.genesis_s or int(time.time())) * _NS_PER_S,
        block_ms=given.block_ms,
        crowd=Crowd(txs_per_block=given.txs_per_block, seed=given.seed),
    )
    try:
        faults = read_faults(given.faults)
    except Refused as fault:
        parser.error(str(fault))
    node = SeiNode(options, is_base64=given.attributes == "base64", faults=faults)
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_serve(node, given.port))
    return 0


async def _serve(node: SeiNode, port: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    runner = aiohttp.web.AppRunner(node.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        bound = runner.addresses[0][1]
        said = {
            "ws_url": f"ws://127.0.0.1:{bound}/websocket",
            "http_url": f"http://127.0.0.1:{bound}/",
            "network": node.chain.options.network,
            "genesis_s": node.chain.options.genesis_ns // _NS_PER_S,
            "contract": CONTRACT,
            "markets": MARKETS,
        }
        print(json.dumps(said), flush=True)
        await node.run()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
