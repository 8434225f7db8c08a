"""Which route does a signal stand for?"""

from collections.abc import Mapping, Sequence

from tidemill.execute.plan.extras import hop_of
from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.plan.route import Address, Loan, Route
from tidemill.execute.signal import Signal
from tidemill.schema.faults import Refused

_PAIR_FEE_PPM = 3_000
"""What a pair of Uniswap V2 keeps of what it lends."""


def route_of(
    signal: Signal,
    pools: Sequence[Address],
    lenders: Mapping[LoanSource, Address],
    *,
    min_profit: int,
    last_block: int,
) -> Route:
    """Return the route of a signal through `pools`, one for each hop.

    Each hop takes what comes: the least profit bounds what the whole may lose. Where no pair of Uniswap V2 is
    known to lend, one that is the first hop lends what it gives.

    Raises: Refused, where nobody is known to lend; Malformed, where `extras` do not suit their hops.
    """
    source = signal.flash_source
    lender = signal.lender or lenders.get(source)
    if lender is None and (source, signal.protocols[0]) == (LoanSource.UNISWAP_V2, HopKind.UNISWAP_V2):
        lender = pools[0]
    if lender is None:
        raise Refused(
            f"signal: expected a lender of flashSource {int(source)} ({source.name}) for chain"
            f" {signal.chain_id}, none is known; name one as `lender`, or in the chain's settings"
        )
    fee_ppm = _PAIR_FEE_PPM if source == LoanSource.UNISWAP_V2 else 0
    loan = Loan(source=source, lender=lender, token=signal.token, amount=signal.amount, fee_ppm=fee_ppm)
    hops = tuple(
        hop_of(kind, pool, token_out, extra, min_out=0)
        for kind, pool, token_out, extra in zip(
            signal.protocols, pools, signal.path, signal.extras, strict=True
        )
    )
    return Route(loan=loan, hops=hops, min_profit=min_profit, last_block=last_block)
