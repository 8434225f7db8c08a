"""Ask a Solana node for what `tidemill inspect` is to tell."""

import json
import re
from typing import Any

from tidemill._rust import inspect_solana
from tidemill.chains.solana.config import SolanaConfig
from tidemill.chains.solana.reader import SolanaNode
from tidemill.core.clock import Clock
from tidemill.schema.faults import Refused, Unknown

_SIGNATURE = re.compile("[1-9A-HJ-NP-Za-km-z]{80,90}")


def is_signature(text: str) -> bool:
    """Tell whether `text` can name a transaction of Solana."""
    return bool(_SIGNATURE.fullmatch(text))


async def solana_live(config: SolanaConfig, target: str, clock: Clock) -> dict[str, Any]:
    """Return what a transaction, or the block of a slot or of the newest, had.

    Raises: Unknown, where there is none; Unreachable, Malformed; Refused, also where the target is neither.
    """
    async with SolanaNode(config, clock) as node:
        if is_signature(target):
            document = await node.transaction(target)
        elif target.isdecimal() or target == "latest":
            slot = await node.newest_slot() if target == "latest" else int(target)
            block = await node.block(slot)
            if block is None:
                raise Unknown(f"inspect: expected a block in slot {slot}, found that it was skipped")
            document = block.document
        else:
            raise Refused(f"inspect: expected a slot, `latest` or a signature, found {target!r}")
    return {"target": target} | json.loads(inspect_solana(document))
