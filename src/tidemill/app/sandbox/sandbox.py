"""`tidemill sandbox`: run a local chain with real pools and traders, and say where everything is."""

import msgspec

from tidemill.app.running import run
from tidemill.sandbox.emulated import check_emulated
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.node import NodeOptions
from tidemill.sandbox.run import SandboxOptions, run_sandbox
from tidemill.sandbox.traders import TraderOptions


def read_scenario(text: str | None) -> Scenario | None:
    """Return the faults that the user wants; None: no misbehaving endpoint.

    Raises: Refused where `text` is no scenario.
    """
    return None if text is None else Scenario.parse(text)


def options(*, seconds: float, chain_id: int, traders: TraderOptions, venues: list[str]) -> SandboxOptions:
    """Return what the command line says; 0 seconds run for ever.

    Raises: Refused, where a venue is not emulated.
    """
    return SandboxOptions(
        seconds=seconds or None,
        node=NodeOptions(chain_id=chain_id),
        traders=traders,
        venues=check_emulated(venues),
        faults_seed=traders.seed,
    )


def main(options: SandboxOptions, faults: Scenario | None, *, is_json: bool) -> int:
    """Run until the time is over or a signal comes; return the exit code."""
    options = msgspec.structs.replace(options, faults=faults, as_json=is_json)
    run(run_sandbox(options, lambda text: print(text, flush=True)))
    return 0
