"""What follows from a block whose logs are all here, and from a block that is no longer canonical."""

from collections.abc import Mapping

from tidemill._rust import Head, Logs
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.coin_pools import COIN_PROTOCOLS
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.discovery import creations
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.line import Pending
from tidemill.chains.evm.reports import Reports
from tidemill.chains.evm.steps import Restored, Reverted, Sealed
from tidemill.chains.evm.tokens import Tokens
from tidemill.chains.evm.window import Window
from tidemill.chains.evm.witness import Witness
from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import Reorg, ReorgKind
from tidemill.schema.faults import Malformed


class Sealing:
    """Moves the tip, and says what that means."""

    def __init__(
        self, calls: Calls, window: Window, config: EvmConfig, factories: Mapping[bytes, Factory], run_id: str
    ) -> None:
        self.witness = Witness(window)
        self.reports = Reports(calls, config, run_id)
        self.cause = ""
        """How blocks are read, in words."""
        self._calls = calls
        self._window = window
        self._config = config
        self._factories = factories

    def seal_range(self, heads: tuple[Head, ...], logs: Logs, tokens: Tokens) -> None:
        """Seal blocks that were read as a range; they follow the tip."""
        if any(self._window.was_sealed(head.hash) for head in heads):
            for head in heads:
                pending = Pending(head, self._calls.now_ns, logs.of_block(head.hash), self._calls.now_ns)
                self.seal_block(pending, tokens)
            return
        now_ns = self._calls.now_ns
        times = (now_ns,) * len(heads)
        self._calls.step.blocks.append(Sealed(heads, logs, times, times))
        for head in heads:
            self.witness.forget(head.hash)
        self._moved(heads, logs, tokens, "eth_getLogs over a range")

    def seal_block(self, pending: Pending, tokens: Tokens) -> None:
        """Seal the block after the tip, or restore it where it was sealed before."""
        head, logs = pending.head, pending.logs
        assert logs is not None
        cause = self.cause
        if self._window.was_sealed(head.hash):
            known = self._window.held_by(head.hash)
            new = () if known is None else tuple(logs.log_indexes() - known)
            sequence = self._changed(head, ReorgKind.RESTORED, pending.recv_ns)
            self._calls.step.blocks.append(Restored(head, logs, pending.recv_ns, sequence, new))
            if new:
                cause = f"{cause}, after {len(new)} logs were missing"
        else:
            self._calls.step.blocks.append(
                Sealed((head,), logs, (pending.recv_ns,), (pending.first_seen_ns,))
            )
            new = ()
        self.witness.forget(head.hash)
        self._moved((head,), logs, tokens, cause, repaired=bool(new))

    def revert(self) -> Head:
        """Take the newest block off the canonical chain and return it."""
        head = self._window.pop()
        sequence = self._changed(head, ReorgKind.REVERTED, self._calls.now_ns)
        self._calls.step.blocks.append(Reverted(head, self._calls.now_ns, sequence))
        return head

    def leave(self, head: Head) -> None:
        """Say that the block that the chain began after is no longer canonical: nothing is told to undo."""
        self._changed(head, ReorgKind.REVERTED, self._calls.now_ns)

    def _moved(
        self, heads: tuple[Head, ...], logs: Logs, tokens: Tokens, cause: str, *, repaired: bool = False
    ) -> None:
        self._window.push(heads, logs)
        self.reports.covered(
            heads[0].number,
            heads[-1].number,
            len(logs),
            event_ns=heads[-1].timestamp_s * NS_PER_S,
            cause=cause,
            repaired=repaired,
        )
        try:
            created = creations(logs, self._factories)
        except Malformed as fault:
            self._calls.step.faults.append(fault)
            return
        tokens.want(token for creation in created for token in (creation.token0, creation.token1))
        for creation in created:
            if creation.factory.protocol in COIN_PROTOCOLS:
                self._window.set_coin_pool(creation.pool, creation.factory.protocol)

    def _changed(self, head: Head, kind: ReorgKind, recv_ns: int) -> int:
        sequence = self._window.next_sequence()
        self._calls.step.events.append(
            Reorg(
                event_ns=head.timestamp_s * NS_PER_S,
                recv_ns=recv_ns,
                source=self._config.source,
                chain_id=self._config.chain_id,
                block_number=head.number,
                block_hash=head.hash,
                kind=kind,
                sequence=sequence,
            )
        )
        return sequence
