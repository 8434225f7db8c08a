"""`tidemill kill`: stop all sending of trades at once, or, after a person has looked, allow it again."""

import getpass

from tidemill.app.settings import Environment
from tidemill.core.clock import SystemClock
from tidemill.execute.live.kill_switch import Engaged, KillSwitch


def show(environment: Environment) -> int:
    """Print whether it is engaged, and why; return 1 where it is."""
    engaged = _switch(environment).engaged
    print("released" if engaged is None else f"engaged by {engaged.by}: {engaged.reason}")
    return 0 if engaged is None else 1


def engage(environment: Environment, reason: str) -> int:
    """Engage it; return the exit code. Raises: Unreachable where the disk takes nothing."""
    switch = _switch(environment)
    by = f"command of {getpass.getuser()}"
    switch.engage(Engaged(reason=reason, by=by, event_ns=SystemClock().now_ns()))
    print(f"engaged: nothing is sent until `tidemill kill --release`\n{switch.file}")
    return 0


def release(environment: Environment, *, is_sure: bool) -> int:
    """Release it where a person says so; return the exit code. Raises: Unreachable."""
    switch = _switch(environment)
    engaged = switch.engaged
    if engaged is None:
        print("released already")
        return 0
    print(f"engaged by {engaged.by}: {engaged.reason}")
    if not is_sure and not _says_yes():
        print("still engaged")
        return 1
    switch.release()
    print("released")
    return 0


def _switch(environment: Environment) -> KillSwitch:
    environment.paths.data.mkdir(parents=True, exist_ok=True)  # where nothing ran yet, it is released
    return KillSwitch(environment.paths.data)


def _says_yes() -> bool:
    try:
        return input("Send trades again? Type yes: ").strip() == "yes"
    except EOFError:
        return False  # nobody is there
