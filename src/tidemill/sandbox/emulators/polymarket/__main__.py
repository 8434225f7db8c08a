"""The local Polymarket by itself: `python -m tidemill.sandbox.emulators.polymarket`."""

import argparse
import asyncio
import contextlib
import gc
import signal

from tidemill.sandbox.emulators.polymarket.server import EmulatorOptions, PolymarketEmulator, addresses


def main() -> None:
    """Run until SIGINT or SIGTERM; the settings that read it are printed first."""
    defaults = EmulatorOptions()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=defaults.market_count, help="two tokens each")
    parser.add_argument("--moves-per-s", type=float, default=defaults.moves_per_s)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--ws-port", type=int, default=0, help="0 for any")
    parser.add_argument("--http-port", type=int, default=0, help="0 for any")
    given = parser.parse_args()
    options = EmulatorOptions(
        market_count=given.markets,
        moves_per_s=given.moves_per_s,
        seed=given.seed,
        ws_port=given.ws_port,
        http_port=given.http_port,
    )
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_serve(options))


async def _serve(options: EmulatorOptions) -> None:
    task = asyncio.current_task()
    assert task is not None
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    async with PolymarketEmulator(options) as emulator:
        print("\n".join(addresses(emulator)), flush=True)
        gc.freeze()  # the markets stay: looked through again and again, they held up what is told
        await emulator.run()


main()
