"""Send trades as real transactions of one account on one chain, and follow each to its end."""

import asyncio
import logging
from collections.abc import Sequence

from tidemill.core.clock import Clock
from tidemill.execute.account.chain_view import View, look, pending_count
from tidemill.execute.account.l2_fees import Priced, data_costs
from tidemill.execute.account.nonces import reconcile
from tidemill.execute.account.outgoing import Outgoing
from tidemill.execute.account.signer import Signer
from tidemill.execute.account.transaction import Signed, Transaction
from tidemill.execute.ledger import Ledger
from tidemill.execute.live.kill_switch import Engaged, KillSwitch
from tidemill.execute.live.stopping import Seen, reason_to_stop
from tidemill.execute.plan.route_codec import call_data
from tidemill.execute.sending.attending import Due, Standing, due
from tidemill.execute.sending.base import Sending, Sent
from tidemill.execute.sending.handing import Handing
from tidemill.execute.sending.live_terms import LiveTerms, Ways
from tidemill.execute.sending.tracked import Tracked
from tidemill.execute.trade import Trade, after
from tidemill.schema.events import Execution, ExecutionState
from tidemill.schema.faults import Fault, Refused, Unreachable

_log = logging.getLogger("tidemill.execute")
_ENDED = "the program ended before it was signed"
_ENDED_SIGNED = "the program ended after it was signed: perhaps it was sent"


class LiveSending(Sending):
    """One account's transactions on one chain; call `take_up` before anything else."""

    def __init__(
        self,
        terms: LiveTerms,
        ways: Ways,
        *,
        signer: Signer,
        ledger: Ledger,
        switch: KillSwitch,
        clock: Clock,
    ) -> None:
        """The caller has the account's lease, and is the only writer of the ledger."""
        self._terms = terms
        self._node = ways.node
        self._is_private = ways.trading.is_private
        self._signer = signer
        self._ledger = ledger
        self._switch = switch
        self._clock = clock
        self._tracked = Tracked(terms, ledger, clock)
        self._handing = Handing(terms, ways, tracked=self._tracked, signer=signer, switch=switch, clock=clock)
        self._view: View | None = None
        self._turn = asyncio.Lock()

    async def send(self, trade: Trade) -> Sent:
        """Sign `trade`, have the ledger keep it, hand it over. Raises: as `Sending.send` says."""
        # Whoever waits for it may go away; what was begun is brought to an end.
        return await asyncio.shield(asyncio.ensure_future(self._send(trade)))

    async def _send(self, trade: Trade) -> Sent:
        async with self._turn:
            view = self._ready()
            transaction = await self._transaction_of(trade, view)
            try:
                signed = await self._signer.sign(transaction)
                one = self._begun(trade, transaction, signed, view)
                await self._tracked.keep(one, *([one.told] if one.told else []))
            except Fault:
                self._handing.nonces.give_back(transaction.nonce)
                raise
            try:
                one = await self._handing.hand_over(one, view)
            except Fault as fault:  # of disk or signer: it is kept, and followed from now on
                _log.warning("live on %s: nonce %d: %s", self._terms.name, signed.nonce, fault)
        assert one.told is not None
        return Sent(told=one.told)

    def _ready(self) -> View:
        """Return where the chain is. Raises: Unsafe, Unreachable where nothing may be sent now."""
        if self._view is None:
            raise Unreachable(f"{self._terms.name}: expected to have seen a block before anything is sent")
        self._stop_where_due()
        self._switch.check()
        if self._tracked.unknown_since_ns is not None:
            raise Unreachable(f"{self._terms.name}: an outcome is unknown, and holds up what comes after it")
        return self._view

    async def _transaction_of(self, trade: Trade, view: View) -> Transaction:
        """Return the transaction of `trade`, with the next nonce. Raises: Refused, Unreachable, Malformed."""
        terms, data = self._terms, call_data(trade.plan)
        gas = terms.gas_limit(trade.simulated.simulation.gas_used)
        priced = Priced(self._signer.address, terms.site.executor, data, gas)
        [cost] = await data_costs(self._node, terms.rule, [priced])
        gas = min(gas + cost.gas, terms.gas_max)
        fees = self._handing.offer(view, trade.received.signal.priority_fee_wei)
        terms.check_price(fees, trade.gas_price_max_wei)
        needed_wei = gas * fees.max_fee_wei + cost.fee_wei
        if view.balance_wei < needed_wei:
            raise Refused(
                f"{terms.name}: expected {needed_wei} wei for gas in 0x{self._signer.address.hex()}, "
                f"found {view.balance_wei}"
            )
        return Transaction(
            chain_id=terms.chain_id,
            nonce=self._handing.nonces.take(),
            to=terms.site.executor,
            data=data,
            gas_limit=gas,
            fees=fees,
        )

    def _begun(self, trade: Trade, transaction: Transaction, signed: Signed, view: View) -> Outgoing:
        fields = {"tx_hash": signed.digest, "nonce": signed.nonce}
        return Outgoing(
            transaction=transaction,
            signed=(signed,),
            handed_block=view.head_number,
            last_block=trade.route.last_block,
            fee_max_wei=trade.gas_price_max_wei,
            execution_id=trade.received.execution_id,
            told=after(trade.told, ExecutionState.SIGNED, self._clock.now_ns(), **fields),
        )

    async def take_up(self, unsettled: Sequence[Execution]) -> None:
        """Find what a process before this one signed, and go on with it.

        Raises: Refused where others send from the account; Unreachable, Malformed where nobody tells of it.
        """
        async with self._turn:
            await self._tracked.load({one.execution_id: one for one in unsettled})
            view = await self._look()
            await self._mend(view, is_start=True)
            for one in self._tracked.waiting:
                if one.told is not None and one.told.state == ExecutionState.SIGNED:
                    await self._tracked.tell(one, ExecutionState.UNKNOWN, _ENDED_SIGNED)
            lost = [one for one in unsettled if one.nonce is None]
            now_ns = self._clock.now_ns()
            await self._ledger.tell(
                *(after(one, ExecutionState.FAILED, now_ns, reason=_ENDED) for one in lost)
            )
        await self.look_once()

    async def finish(self) -> None:
        """Wait until what is being sent is sent: to be called before node and ledger are closed."""
        async with self._turn:
            pass

    async def run(self) -> None:
        """Look at the chain again and again until cancelled."""
        is_heard = True
        while True:
            await asyncio.sleep(self._terms.poll_ms / 1_000)
            try:
                await self.look_once()
                is_heard = True
            except Fault as fault:
                if is_heard:
                    _log.warning("live on %s: %s", self._terms.name, fault)
                is_heard = False
                # What is not heard of grows old, which stops all sending by itself.
                self._stop_where_due()

    async def look_once(self) -> None:
        """Ask what became of everything, tell the ledger, and do what is due.

        Raises: Unreachable, Refused, Gap, Malformed where the node, the signer or the disk does not answer.
        """
        async with self._turn:
            view = await self._look()
            for one in self._tracked.waiting:
                await self._attend(one, view)
            self._tracked.note_unknown()
            if self._tracked.unknown_since_ns is not None:
                await self._mend(view)
            self._stop_where_due()

    async def _look(self) -> View:
        """Ask where everything is, and tell what changed."""
        percentile = self._terms.policy.tip_percentile
        digests = self._tracked.digests_due(0 if self._view is None else self._view.head_number)
        view, seen = await look(self._node, self._signer.address, digests, percentile)
        self._view = view
        if self._terms.forecast is not None:
            self._terms.forecast.tell_block(view.base_fee_wei, view.gas_used, view.gas_limit, view.head_ns)
        self._handing.nonces.skip_to(view.nonce_count)
        await self._tracked.take(seen)
        return view

    async def _attend(self, one: Outgoing, view: View) -> None:
        """Do what is due for what is not included."""
        is_known = not self._tracked.known.isdisjoint(one.watched.digests)
        if is_known:
            one = await self._tracked.tell(one, ExecutionState.SENT)
        is_stopped = self._switch.engaged is not None
        standing = Standing(
            head_number=view.head_number,
            is_known=is_known,
            is_private=self._is_private,
            is_stopped=is_stopped,
            is_last=self._handing.nonces.is_last(one.transaction.nonce),
            replace_after_blocks=self._terms.replace_after_blocks,
        )
        try:
            match due(one, standing):
                case Due.WAIT:
                    pass
                case Due.HAND_OVER:
                    await self._handing.hand_over(one, view)
                case Due.REPLACE:
                    await self._handing.replace(one, view, is_cancelling=one.is_cancelled)
                case Due.CANCEL:
                    await self._handing.replace(one, view, is_cancelling=True)
                case Due.DROP:
                    why = "the kill switch is engaged" if is_stopped else "no block took it in time"
                    await self._handing.drop(one, why)
        except Refused as refused:  # it costs more than the limits allow: it waits for a cheaper block
            _log.info("live on %s: nonce %d waits: %s", self._terms.name, one.transaction.nonce, refused)

    async def _mend(self, view: View, *, is_start: bool = False) -> None:
        """Fill nonces that nothing holds: nothing after them is included before."""
        pending = await pending_count(self._node, self._signer.address)
        standing = reconcile(self._tracked.by_nonce.keys(), view.nonce_count, pending)
        if is_start and standing.foreign_pending:
            raise Refused(
                f"{self._terms.name}: expected to be alone with 0x{self._signer.address.hex()}, the ledger "
                f"does not know {standing.foreign_pending} of its transactions that wait"
            )
        self._handing.nonces.skip_to(standing.next_nonce)
        for nonce in standing.gaps:
            await self._handing.fill(nonce, view)

    def _stop_where_due(self) -> None:
        """Engage the kill switch where a limit says so."""
        now_ns = self._clock.now_ns()
        seen = Seen(
            lost_today_wei=self._tracked.lost_today_wei,
            head_ns=None if self._view is None else self._view.head_ns,
            unknown_since_ns=self._tracked.unknown_since_ns,
        )
        reason = reason_to_stop(seen, self._terms.stop, now_ns)
        if reason is not None and self._switch.engaged is None:
            engaged = Engaged(reason=f"{self._terms.name}: {reason}", by="limits", event_ns=now_ns)
            self._switch.engage(engaged)
