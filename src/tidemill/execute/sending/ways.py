"""By which way does a chain's transaction reach a block: what settings say, made ready."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.signer import KeySigner
from tidemill.execute.live.live_config import LiveChainConfig, Way
from tidemill.execute.sending.flashbots import FlashbotsBundle
from tidemill.execute.sending.mempool import Mempool, ProtectedNode
from tidemill.execute.sending.mev_share import MevShare
from tidemill.execute.sending.protect import Protect
from tidemill.execute.sending.submitting import Submitter
from tidemill.schema.faults import Refused

IDENTITY_VARIABLE = "RELAY_IDENTITY_KEY"
"""A key by which relays remember who asks; without it one is made for each run."""
_RELAYS = {Way.FLASHBOTS: FlashbotsBundle, Way.PROTECT: Protect, Way.MEV_SHARE: MevShare}


@asynccontextmanager
async def open_way(
    config: LiveChainConfig, node: HttpEndpoint, clock: Clock, identity: KeySigner | None = None
) -> AsyncIterator[Submitter]:
    """Open the way that `config` names; `node` is the chain's own.

    Raises: Refused where a relay has no address.
    """
    if config.way == Way.MEMPOOL:
        yield Mempool(node)
        return
    if config.url is None:
        raise Refused(f"{config.way}: expected the address of the relay in url, found none")
    async with HttpEndpoint(config.url, clock) as http:
        if config.way == Way.PROTECTED_NODE:
            yield ProtectedNode(http)
        else:
            yield _RELAYS[config.way](http, identity or KeySigner.made())
