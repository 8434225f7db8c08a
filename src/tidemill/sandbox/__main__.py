"""The sandbox by itself: `python -m tidemill.sandbox`."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from tidemill.sandbox.run import SandboxOptions, run_sandbox
from tidemill.sandbox.traders import TraderOptions
from tidemill.schema.faults import Fault


def main() -> int:
    """Run the sandbox as the command line says, until it ends or SIGINT or SIGTERM comes."""
    defaults = TraderOptions()
    parser = argparse.ArgumentParser(prog="tidemill.sandbox", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long to trade; without it until Ctrl-C")
    parser.add_argument("--swaps-per-s", type=float, default=defaults.swaps_per_s)
    parser.add_argument(
        "--further-percent",
        type=int,
        default=defaults.further_percent,
        help="swaps in pools of further kinds, beside the others and relative to them",
    )
    parser.add_argument("--block-ms", type=int, default=defaults.block_ms)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--json", action="store_true", help="JSON lines instead of text")
    parser.add_argument("--world-file", type=Path, help="where to write the world as JSON")
    given = parser.parse_args()
    options = SandboxOptions(
        seconds=given.seconds,
        as_json=given.json,
        world_file=given.world_file,
        traders=TraderOptions(
            swaps_per_s=given.swaps_per_s,
            further_percent=given.further_percent,
            block_ms=given.block_ms,
            seed=given.seed,
        ),
    )
    try:
        asyncio.run(_until_signal(options))
    except Fault as fault:
        sys.stderr.write(f"sandbox: {fault}\n")
        return 1
    return 0


async def _until_signal(options: SandboxOptions) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await run_sandbox(options, lambda text: print(text, flush=True))


if __name__ == "__main__":
    sys.exit(main())
