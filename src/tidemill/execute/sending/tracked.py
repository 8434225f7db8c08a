"""Which nonces of an account are in use, and what the ledger was told of each."""

from collections.abc import Mapping

from tidemill.core.clock import Clock
from tidemill.execute.account import outgoing as kept
from tidemill.execute.account.losses import Losses
from tidemill.execute.account.outgoing import Outgoing
from tidemill.execute.account.receipts import Look, step
from tidemill.execute.ledger import Ledger
from tidemill.execute.sending.following import Teller
from tidemill.execute.sending.live_terms import LiveTerms
from tidemill.execute.trade import after
from tidemill.schema.events import Execution, ExecutionState

_LOOKS_UNTIL_FINAL = 16
"""A second layer's 13 minutes have thousands of blocks: asking in each about everything costs too much."""


class Tracked:
    """What was signed and is not settled: in memory as it is in the ledger's own state."""

    def __init__(self, terms: LiveTerms, ledger: Ledger, clock: Clock) -> None:
        self._terms = terms
        self._ledger = ledger
        self._clock = clock
        self._teller = Teller(terms.site, terms.usd)
        self._losses = Losses(terms.chain_id)
        self._interval_blocks = max(terms.final_blocks // _LOOKS_UNTIL_FINAL, 1)
        self._asked: list[Outgoing] = []
        self.by_nonce: dict[int, Outgoing] = {}
        """What may still be included, or taken out by a reorg."""
        self.known: frozenset[bytes] = frozenset()
        """Of all that was signed, what the node had when it was looked at last."""
        self.unknown_since_ns: int | None = None
        """Since when any outcome has been unknown; None: none is."""

    def digests_due(self, head_number: int) -> list[bytes]:
        """Return the hashes that are to be asked about, when the newest block known is `head_number`.

        What is included is asked about sixteen times until it is final, the rest always.
        """
        self._asked = [
            one
            for one in self._in_order()
            if one.included is None or head_number - one.looked_block + 1 >= self._interval_blocks
        ]
        return [digest for one in self._asked for digest in one.watched.digests]

    @property
    def waiting(self) -> list[Outgoing]:
        """What no block has, by nonce."""
        return [one for one in self._in_order() if one.included is None]

    @property
    def lost_today_wei(self) -> int:
        """What failed or cancelled transactions cost today."""
        return self._losses.today_wei(self._clock.now_ns())

    async def load(self, told: Mapping[bytes, Execution]) -> None:
        """Read what a process before this one signed; `told` has the newest event of each trade."""
        for _, stored in await self._ledger.bus.state(kept.prefix_of(self._terms.chain_id)):
            one = kept.read(stored)
            self.by_nonce[one.transaction.nonce] = one.with_told(told.get(one.execution_id or b""))
        self._losses.read(await self._ledger.bus.get(self._losses.key))

    async def keep(self, one: Outgoing, *events: Execution) -> None:
        """Have the ledger keep it, durably, and follow it from now on. Raises: Unreachable."""
        await self._ledger.tell(*events, state={one.key: kept.spelled(one)})
        self.by_nonce[one.transaction.nonce] = one

    async def forget(self, one: Outgoing, *events: Execution) -> None:
        """Follow it no more: nothing more will come of it. Raises: Unreachable."""
        await self._ledger.tell(*events, state={one.key: None, **self._losses.state})
        self.by_nonce.pop(one.transaction.nonce, None)

    async def tell(self, one: Outgoing, state: ExecutionState, reason: str | None = None) -> Outgoing:
        """Tell the ledger where a trade is, where it does not know. Raises: Unreachable."""
        told = one.told
        digest = told.tx_hash if one.is_cancelled and told is not None else one.newest.digest
        if told is not None and (told.state, told.tx_hash) != (state, digest):
            told = after(told, state, self._clock.now_ns(), reason=reason, tx_hash=digest)
            await self._ledger.tell(told)
        self.by_nonce[one.transaction.nonce] = one = one.with_told(told)
        self.note_unknown()
        return one

    async def take(self, look: Look) -> None:
        """Tell the ledger all that changed of what was asked about. Raises: Unreachable."""
        self.known = look.known
        now_ns = self._clock.now_ns()
        for one in self._asked:
            watched, changes = step(one.watched, look, self._terms.final_blocks)
            found = one.following(watched, look.head_number)
            events = self._teller.events_of(found, changes, now_ns)
            self._losses.count(found, changes, now_ns)
            if watched.is_over:
                await self.forget(found, *events)
                continue
            if found.included != one.included:  # what was counted is not to be counted again after a restart
                state = {found.key: kept.spelled(found), **self._losses.state}
                await self._ledger.tell(*events, state=state)
            self.by_nonce[one.transaction.nonce] = found.with_told(events[-1] if events else None)

    def note_unknown(self) -> None:
        """Note since when any outcome has been unknown."""
        is_any = any(
            one.told is not None and one.told.state == ExecutionState.UNKNOWN
            for one in self.by_nonce.values()
        )
        self.unknown_since_ns = (self.unknown_since_ns or self._clock.now_ns()) if is_any else None

    def _in_order(self) -> list[Outgoing]:
        return sorted(self.by_nonce.values(), key=lambda one: one.transaction.nonce)
