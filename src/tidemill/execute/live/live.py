"""May trades be sent live on a chain? Checked before anything is, and opened where they may."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct, structs

from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.fees import BaseFeeForecast, least_tip
from tidemill.execute.account.nonces import AccountLease
from tidemill.execute.account.signer import KeySigner, Signer
from tidemill.execute.account.wallet import open_wallet
from tidemill.execute.chain_settings import ChainSettings
from tidemill.execute.ledger import Ledger
from tidemill.execute.live.kill_switch import KillSwitch
from tidemill.execute.live.live_config import LiveSettings
from tidemill.execute.plan.executor_site import ExecutorSite, live_site
from tidemill.execute.plan.route import Address
from tidemill.execute.sending.live import LiveSending
from tidemill.execute.sending.live_terms import LiveTerms, Ways, final_blocks_of
from tidemill.execute.sending.mempool import Mempool
from tidemill.execute.sending.ways import IDENTITY_VARIABLE, open_way
from tidemill.execute.simulation.node import ask
from tidemill.schema.faults import Refused

_NEEDED_LIMITS = ("open_max", "trades_a_day_max", "fee_a_day_max_wei", "gas_price_max_wei")


class LiveTools(Struct, frozen=True):
    """What all chains' trades share."""

    settings: LiveSettings
    signer: Signer
    ledger: Ledger
    switch: KillSwitch
    clock: Clock
    identity: KeySigner | None = None
    """By which relays remember who asks; None: one is made for each run."""


@asynccontextmanager
async def open_tools(
    settings: LiveSettings,
    environ: Mapping[str, str],
    confirm: str | None,
    *,
    ledger: Ledger,
    switch: KillSwitch,
    clock: Clock,
) -> AsyncIterator[LiveTools]:
    """Open the account; `confirm`, where it is given, stands for the setting.

    Raises: Refused where there is no key, or more than one, or nobody confirmed the account; Malformed where
        it, or the relays' identity, is none.
    """
    settings = settings if confirm is None else structs.replace(settings, confirm=confirm)
    async with open_wallet(settings.wallet, environ, clock) as signer:
        check_confirmed(settings, signer.address)
        key = environ.get(IDENTITY_VARIABLE)
        yield LiveTools(settings, signer, ledger, switch, clock, KeySigner(key) if key else None)


def check_confirmed(settings: LiveSettings, address: Address) -> None:
    """Raise Refused, where nobody confirmed that this account's money is to be traded with."""
    confirmed = (settings.confirm or "").lower()
    if confirmed != f"0x{address.hex()}":
        found = f"0x{address.hex()} is the account, {settings.confirm or 'nothing'} was confirmed"
        raise Refused(
            f"LIVE: expected --confirm-live or EXECUTION_CONFIRM with the account's own address: {found}"
        )


def check_limits(chain: ChainSettings) -> None:
    """Raise Refused, where a limit that LIVE needs is not set."""
    missing = [name for name in _NEEDED_LIMITS if getattr(chain.limits, name) is None]
    if missing:
        raise Refused(f"LIVE: expected execution.limits to have {', '.join(missing)}, found none")


async def check_chain(http: HttpEndpoint, chain: ChainSettings) -> None:
    """Raise Refused, where nothing can be sent there, or the endpoint is of another chain.

    Raises: Unreachable, Malformed too, where it does not answer.
    """
    facts = chain.facts
    why = facts.retired or facts.unfit
    if why is not None:
        raise Refused(f"chain {facts.chain_id} ({facts.name}): nothing is executed there: {why}")
    [told] = await ask(http, [("eth_chainId", [])])
    if told != hex(facts.chain_id):
        raise Refused(f"{http.endpoint}: expected chain {facts.chain_id}, found one that says {told!r:.40}")


@asynccontextmanager
async def open_live(
    chain: ChainSettings, http: HttpEndpoint, tools: LiveTools, forecast: BaseFeeForecast | None = None
) -> AsyncIterator[LiveSending]:
    """Open the way in which a chain's trades are sent; `http` is its node.

    Raises: Refused where anything that LIVE needs is missing, or another than it should be: limits, the
        confirmation, the chain's id, the executor's code, its operator, the account's lease; Unreachable,
        Malformed where the node does not tell.
    """
    check_limits(chain)
    check_confirmed(tools.settings, tools.signer.address)
    await check_chain(http, chain)
    site = await live_site(http, chain.executor, tools.signer.address)
    with AccountLease(chain.facts.chain_id, tools.signer.address):
        async with open_way(chain.live, http, tools.clock, tools.identity) as trading:
            live = LiveSending(
                _terms(chain, site, tools.settings, forecast),
                Ways(node=http, trading=trading, cancelling=Mempool(http)),
                signer=tools.signer,
                ledger=tools.ledger,
                switch=tools.switch,
                clock=tools.clock,
            )
            try:
                yield live
            finally:
                await live.finish()


def _terms(
    chain: ChainSettings, site: ExecutorSite, settings: LiveSettings, forecast: BaseFeeForecast | None
) -> LiveTerms:
    return LiveTerms(
        chain_id=chain.facts.chain_id,
        name=chain.name,
        site=site,
        rule=chain.facts.fee_rule,
        policy=least_tip(settings.fees, chain.facts.chain_id),
        stop=settings.stop.limits,
        final_blocks=chain.live.final_blocks or final_blocks_of(chain.facts.block_ms),
        replace_after_blocks=chain.live.replace_after_blocks,
        poll_ms=chain.poll_ms,
        gas_max=chain.live.gas_max,
        usd=chain.usd,
        forecast=forecast,
    )
