"""Hand signed transactions over, once more, with higher fees, or replaced by what does nothing."""

from msgspec import structs

from tidemill.core.clock import Clock
from tidemill.execute.account.chain_view import View
from tidemill.execute.account.fees import offer, replacement
from tidemill.execute.account.node_errors import Remedy
from tidemill.execute.account.nonces import Nonces
from tidemill.execute.account.outgoing import Outgoing
from tidemill.execute.account.signer import Signer
from tidemill.execute.account.transaction import Fees, Transaction, cancelling
from tidemill.execute.live.kill_switch import KillSwitch
from tidemill.execute.sending.live_terms import LiveTerms, Ways
from tidemill.execute.sending.submitting import Blocks, NotTaken, Taken
from tidemill.execute.sending.tracked import Tracked
from tidemill.execute.trade import after
from tidemill.schema.events import ExecutionState
from tidemill.schema.faults import Refused

_NEVER = 1 << 62
"""The last block of what is good for ever."""


class Handing:
    """Hands one account's transactions over, each of which is kept before."""

    def __init__(
        self,
        terms: LiveTerms,
        ways: Ways,
        *,
        tracked: Tracked,
        signer: Signer,
        switch: KillSwitch,
        clock: Clock,
    ) -> None:
        self._terms = terms
        self._ways = ways
        self._tracked = tracked
        self._signer = signer
        self._switch = switch
        self._clock = clock
        self.nonces = Nonces(0)

    def offer(self, view: View, tip_wei: int | None = None) -> Fees:
        """Return what a transaction offers for the next block; None: the tip that others paid.

        Raises: Refused above the limit.
        """
        terms, policy = self._terms, self._terms.policy
        if tip_wei is not None and tip_wei > policy.tip_max_wei:
            most = policy.tip_max_wei
            raise Refused(f"{terms.name}: expected priorityFeeWei of {most} at most, found {tip_wei}")
        tip_wei = view.tip_wei if tip_wei is None else tip_wei
        high_wei = None if terms.forecast is None else terms.forecast.high_wei()
        return offer(view.next_base_fee_wei, tip_wei, policy, terms.rule, high_wei)

    async def hand_over(self, one: Outgoing, view: View) -> Outgoing:
        """Hand the newest transaction over, and tell what came of it."""
        if not one.is_cancelled and self._switch.engaged is not None:
            return await self._not_taken(one, "the kill switch is engaged")
        way = self._ways.cancelling if one.is_cancelled else self._ways.trading
        answer = await way.submit(one.newest, Blocks(view.head_number + 1, one.last_block))
        one = structs.replace(one, handed_block=view.head_number)
        match answer:
            case Taken():
                one = self._out(one)
                return await self._tracked.tell(one, ExecutionState.SENT)
            case NotTaken(remedy=Remedy.RAISE_FEES, reason=reason):
                return await self._raise(one, view, reason)
            case NotTaken(remedy=Remedy.ASK_AGAIN):
                self._tracked.by_nonce[one.transaction.nonce] = one
                return one
            case NotTaken(remedy=Remedy.GIVE_UP | Remedy.FUND, reason=reason):
                return await self._not_taken(one, reason)
            case NotTaken(remedy=Remedy.OUTBID, reason=reason) if len(one.signed) > 1:
                return await self._not_taken(one, reason)
            case NotTaken(reason=reason):
                one = self._out(one)
                return await self._tracked.tell(one, ExecutionState.UNKNOWN, reason)

    async def replace(self, one: Outgoing, view: View, *, is_cancelling: bool) -> Outgoing:
        """Sign what replaces it, keep that, hand it over. Raises: Refused where it would cost too much."""
        terms = self._terms
        fees = replacement(one.transaction.fees, self.offer(view), terms.policy)
        if is_cancelling:
            transaction = self._cancelling(one.transaction.nonce, fees)
        else:
            terms.check_price(fees, one.fee_max_wei)
            transaction = one.transaction.with_fees(fees)
        signed = await self._signer.sign(transaction)
        one = one.replaced_by(transaction, signed, view.head_number, is_cancelling=is_cancelling)
        await self._tracked.keep(one)
        return await self.hand_over(one, view)

    async def fill(self, nonce: int, view: View) -> None:
        """Use up a nonce that nothing holds. Raises: Refused where that would cost too much."""
        transaction = self._cancelling(nonce, self.offer(view))
        one = Outgoing(
            transaction=transaction,
            signed=(await self._signer.sign(transaction),),
            handed_block=view.head_number,
            last_block=_NEVER,
            fee_max_wei=self._terms.policy.fee_max_wei,
            execution_id=None,
            cancels_from=0,
        )
        await self._tracked.keep(one)
        await self.hand_over(one, view)

    async def drop(self, one: Outgoing, reason: str) -> Outgoing:
        """Give a trade up that surely nobody has, and its nonce back."""
        assert one.told is not None, "what has no trade is never dropped"
        told = after(one.told, ExecutionState.DROPPED, self._clock.now_ns(), reason=reason)
        await self._tracked.forget(one, told)
        self.nonces.give_back(one.transaction.nonce)
        return one.with_told(told)

    def _out(self, one: Outgoing) -> Outgoing:
        """Note that somebody may have it, whatever the ledger is still to be told."""
        self._tracked.by_nonce[one.transaction.nonce] = one = structs.replace(one, is_out=True)
        return one

    def _cancelling(self, nonce: int, fees: Fees) -> Transaction:
        return cancelling(self._signer.address, self._terms.chain_id, nonce, fees)

    async def _not_taken(self, one: Outgoing, reason: str) -> Outgoing:
        """Give up what surely nobody has; what was handed over before waits on."""
        if one.told is not None and not one.is_out and self.nonces.is_last(one.transaction.nonce):
            return await self.drop(one, reason)
        self._tracked.by_nonce[one.transaction.nonce] = one
        return one

    async def _raise(self, one: Outgoing, view: View, reason: str) -> Outgoing:
        """Offer more, as often as the limits allow."""
        try:
            return await self.replace(one, view, is_cancelling=one.is_cancelled)
        except Refused as refused:
            return await self._not_taken(one, f"{reason}; {refused}")
