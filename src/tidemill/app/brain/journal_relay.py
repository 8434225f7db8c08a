"""Bring what the decision loop wrote down to the main bus, each decision once, while the loop runs beside."""

import asyncio
import logging
from pathlib import Path

from tidemill.app.brain.journal import TOPIC, folder_of
from tidemill.app.execution.ledger_relay import Commit, bring_topic
from tidemill.bus import Bus, open_bus
from tidemill.schema.faults import Fault

_log = logging.getLogger("tidemill.brain")
_LOOK_EVERY_S = 1.0


async def relay_journal(data: Path, main: Bus, commit: Commit) -> None:
    """Bring what comes, until cancelled; `main` keeps how far, in the commit of what was brought."""
    is_heard = True
    while True:
        if (folder_of(data) / "data.mdb").exists():
            try:
                async with open_bus(f"lmdb://{folder_of(data)}", is_reader=True) as journal:
                    key = f"relay/brain/{journal.identity}".encode()
                    while True:
                        await bring_topic(main, key, (journal, TOPIC), commit)
                        is_heard = True
            except Fault as fault:
                if is_heard:
                    _log.warning("the journal of decisions waits: %s", fault)
                is_heard = False
        await asyncio.sleep(_LOOK_EVERY_S)
