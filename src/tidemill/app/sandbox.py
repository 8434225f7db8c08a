"""`tidemill sandbox`: run a local chain with real pools and traders, and say where everything is."""

from tidemill.app.running import run
from tidemill.sandbox.run import SandboxOptions, run_sandbox
from tidemill.sandbox.traders import TraderOptions


def main(*, seconds: float, swaps_per_s: float, block_ms: int, seed: int, is_json: bool) -> int:
    """Run until the time is over or a signal comes; return the exit code."""
    options = SandboxOptions(
        seconds=seconds or None,
        as_json=is_json,
        traders=TraderOptions(swaps_per_s=swaps_per_s, block_ms=block_ms, seed=seed),
    )
    run(run_sandbox(options, lambda text: print(text, flush=True)))
    return 0
