"""What holds for trades that are sent live on one chain, and by which ways they go."""

from msgspec import Struct

from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.fees import BaseFeeForecast, FeePolicy
from tidemill.execute.account.transaction import Fees
from tidemill.execute.chain_facts import FeeRule
from tidemill.execute.live.stopping import StopLimits
from tidemill.execute.plan.executor_site import ExecutorSite
from tidemill.execute.sending.following import Usd
from tidemill.execute.sending.submitting import Submitter
from tidemill.schema.faults import Refused

_GAS_NUMERATOR, _GAS_DENOMINATOR = 3, 2
"""Refunds are a fifth of what is used at most, and come afterwards: 5/4; the rest is for another state."""


class LiveTerms(Struct, frozen=True, kw_only=True):
    """What holds for one chain."""

    chain_id: int
    name: str
    site: ExecutorSite
    rule: FeeRule
    policy: FeePolicy
    stop: StopLimits
    final_blocks: int
    """A transaction counts as settled when so many blocks, its own with it, have it."""
    replace_after_blocks: int
    """What waits so long is offered with higher fees."""
    poll_ms: int
    gas_max: int
    """The most that one transaction may take: Ethereum's own limit is 2^24 (EIP-7825)."""
    usd: Usd
    forecast: BaseFeeForecast | None = None
    """None: what is offered follows from the fees of the last blocks alone."""

    def gas_limit(self, gas_used: int | None) -> int:
        """Return the gas to send a transaction with that took so much, refunds taken off, when simulated.

        Raises: Refused where that was not told.
        """
        if gas_used is None:
            raise Refused(f"{self.name}: expected a simulation that tells the gas, found one that does not")
        return min(gas_used * _GAS_NUMERATOR // _GAS_DENOMINATOR, self.gas_max)

    def check_price(self, fees: Fees, price_max_wei: int) -> None:
        """Raise Refused where a unit of gas may cost more than that."""
        if fees.max_fee_wei > price_max_wei:
            raise Refused(
                f"{self.name}: expected at most {price_max_wei} wei for a unit of gas, "
                f"the next blocks may take {fees.max_fee_wei}"
            )


def final_blocks_of(block_ms: int) -> int:
    """Return how many blocks make a transaction settled, where nothing else is set: those of 13 minutes.

    So long Ethereum takes for two epochs, after which it is final; chains that are final at once are only
    watched longer than they need be.
    """
    return max(_FINAL_MS // block_ms, 1)


_FINAL_MS = 64 * 12_000


class Ways(Struct, frozen=True, kw_only=True):
    """How a chain is reached."""

    node: HttpEndpoint
    """The chain's own, which is asked."""
    trading: Submitter
    """How trades go."""
    cancelling: Submitter
    """How what cancels them goes: in the open."""
