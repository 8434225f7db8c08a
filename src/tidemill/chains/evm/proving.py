"""Are a block's logs all there: what is asked, and what must agree, before a block counts.

Levels: `claimed` takes the node's answer for the block's hash; `bloom` makes the filter of the header out of
all logs of the block; `receipts_root` makes the root of the header out of the block's receipts; `agreed` has
two endpoints answer. What a lower level would take a higher one refuses, and asks elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Raw

from tidemill._rust import Head, Logs, parse_logs, parse_receipts
from tidemill.chains.evm.answers import RpcError
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import STATE_SYNC_CHAINS, EvmConfig
from tidemill.chains.evm.line import Pending
from tidemill.chains.evm.scorecard import Vice
from tidemill.schema.faults import Gap, Malformed

_REFUSALS_MAX = 3
_UNKNOWN_MAX = 6
"""So often, over six seconds, a block may be unknown to those asked; then it is on no chain any more."""

_CAUSES = {
    "claimed": "eth_getLogs by block hash",
    "bloom": "eth_getLogs of the whole block, in accord with its bloom",
    "receipts_root": "eth_getBlockReceipts, in accord with the receipts root",
    "agreed": "eth_getLogs by block hash, of two endpoints",
}


class Proving:
    """Gets the logs of pending blocks, with the proof that the settings ask for."""

    def __init__(
        self,
        calls: Calls,
        config: EvmConfig,
        log_filter: Mapping[str, object],
        *,
        proven: Callable[[], None],
        doubted: Callable[[Pending], None],
    ) -> None:
        self.cause = _CAUSES[config.proof]
        """How blocks are read, in words."""
        self._calls = calls
        self._config = config
        self._proven = proven
        self._doubted = doubted
        self._where = f"chain {config.source}"
        self._filter = {key: Raw(msgspec.json.encode(value)) for key, value in log_filter.items()}
        self._topics = _bytes_of(log_filter.get("topics"))
        self._addresses = _bytes_of([log_filter.get("address", [])])
        self._first: dict[bytes, tuple[Logs, int]] = {}
        """The first answer for a block that needs two, and whose it is."""

    def can_prove(self, head: Head) -> bool:
        """Whether a head has the field that its block's logs are held against."""
        match self._config.proof:
            case "receipts_root":
                return head.receipts_root is not None
            case "bloom":
                return head.logs_bloom is not None
            case _:
                return True

    def ask(self, pending: Pending) -> None:
        """Ask for a block's logs; `proven` is called when they are there and proven."""
        self._first.pop(pending.head.hash, None)
        match self._config.proof:
            case "receipts_root":
                name = "0x" + pending.head.hash.hex()
                self._ask(pending, "eth_getBlockReceipts", name, self._on_receipts)
            case "bloom":
                self._ask(pending, "eth_getLogs", self._block(pending), self._on_all_logs)
            case "agreed":
                self._ask(pending, "eth_getLogs", self._block(pending) | self._filter, self._on_one_of_two)
            case "claimed":
                self._ask(pending, "eth_getLogs", self._block(pending) | self._filter, self._on_logs)

    def _ask(
        self,
        pending: Pending,
        method: str,
        param: object,
        then: Callable[[Pending, bytes], None],
        other_than: frozenset[int] = frozenset(),
    ) -> None:
        self._calls.ask(
            method,
            [param],
            lambda result: then(pending, result),
            fails=lambda error: error.is_missing and self._is_gone(pending, error),
            owner=pending,
            other_than=other_than,
        )

    def _is_gone(self, pending: Pending, error: RpcError | None = None) -> bool:
        """Count that a block is unknown; drop it where that is so too often, or the tip waits for ever."""
        pending.unknown_count += 1
        if pending.unknown_count < _UNKNOWN_MAX:
            return False
        found = "the node has none" if error is None else error.message[:300]
        self._calls.step.faults.append(
            Gap(f"{self._where}: expected block {pending.head.number}, which was announced: {found}")
        )
        self._doubted(pending)
        return True

    @staticmethod
    def _block(pending: Pending) -> dict[str, object]:
        return {"blockHash": "0x" + pending.head.hash.hex()}

    def _on_logs(self, pending: Pending, result: bytes) -> None:
        self._accept(pending, self._read(pending, result))

    def _on_all_logs(self, pending: Pending, result: bytes) -> None:
        logs = self._read(pending, result)
        expected = pending.head.logs_bloom
        if expected is None:
            raise Malformed(f"{self._where}: block {pending.head.number}: expected logsBloom in its header")
        if (bloom := logs.bloom()) != expected:
            self._refuse(pending, bloom, "its logs do not make the bloom of its header")
            return
        self._accept(pending, logs.matching(self._topics, self._addresses))

    def _on_receipts(self, pending: Pending, result: bytes) -> None:
        head, receipts = pending.head, parse_receipts(result)
        if receipts is None:
            if self._is_gone(pending):
                return
            raise Gap(f"{self._where}: expected the receipts of block {head.number}, the node has none")
        if head.receipts_root is None:
            raise Malformed(f"{self._where}: block {head.number}: expected receiptsRoot in its header")
        if receipts.outside_root and self._config.chain_id not in STATE_SYNC_CHAINS:
            raise Malformed(
                f"{self._where}: block {head.number}: expected all receipts in the root, found"
                f" {receipts.outside_root} of a state sync, which this chain does not have"
            )
        if receipts.root != head.receipts_root:
            self._refuse(pending, receipts.root, "its receipts do not make the root of its header")
            return
        self._check_block(pending, receipts.logs)
        self._accept(pending, receipts.logs.matching(self._topics, self._addresses))

    def _on_one_of_two(self, pending: Pending, result: bytes) -> None:
        logs, endpoint = self._read(pending, result), self._calls.answered_by
        first = self._first.get(pending.head.hash)
        if first is None:
            self._first[pending.head.hash] = (logs, endpoint)
            asked = self._block(pending) | self._filter
            self._ask(pending, "eth_getLogs", asked, self._on_one_of_two, frozenset({endpoint}))
            return
        if first[0] != logs:
            del self._first[pending.head.hash]
            fewer = first[1] if len(first[0]) < len(logs) else endpoint
            self._calls.links.cards[fewer].did(Vice.LIED, self._calls.now_ns)
            fault = Gap(
                f"{self._where}: block {pending.head.number}: one endpoint has {len(first[0])} logs of it and"
                f" another {len(logs)}: both are asked again"
            )
            self._calls.retry(fault, lambda: self.ask(pending), owner=pending)
            return
        del self._first[pending.head.hash]
        self._accept(pending, logs)

    def _accept(self, pending: Pending, logs: Logs) -> None:
        pending.logs, pending.recv_ns = logs, self._calls.now_ns
        pending.answered_by = self._calls.answered_by
        if not pending.head.is_hash_proven:  # the others were blamed at once where it is
            for endpoint in pending.refused.keys() - {pending.answered_by}:
                self._calls.links.cards[endpoint].did(Vice.LIED, self._calls.now_ns)
        self._proven()

    def _read(self, pending: Pending, result: bytes) -> Logs:
        logs = parse_logs(result)
        self._check_block(pending, logs)
        return logs

    def _check_block(self, pending: Pending, logs: Logs) -> None:
        head = pending.head
        for number, block_hash, _ in logs.blocks():
            if block_hash != head.hash or number != head.number:
                raise Malformed(
                    f"{self._where}: expected logs of block {head.number} 0x{head.hash.hex()},"
                    f" found one of {number} 0x{block_hash.hex()}"
                )

    def _refuse(self, pending: Pending, made: bytes, what: str) -> None:
        """Find out who is wrong, the answer or the header, and have the block asked for again.

        A header that makes its own hash is right. Any other is wrong where two endpoints' answers make the
        same of it, or where nothing else was to be had three times.

        Raises: Gap, where the answer is to be had elsewhere.
        """
        endpoint, head = self._calls.answered_by, pending.head
        fault = Gap(f"{self._where}: block {head.number}: {what}: asked again")
        is_second = any(other != endpoint and made == before for other, before in pending.refused.items())
        pending.refused[endpoint] = made
        pending.refusals += 1
        if head.is_hash_proven:
            self._calls.links.cards[endpoint].did(Vice.LIED, self._calls.now_ns)
            raise fault
        if not is_second and pending.refusals < _REFUSALS_MAX:
            raise fault
        told_by = endpoint if pending.told_by is None else pending.told_by
        self._calls.links.cards[told_by].did(Vice.WRONG_FORK, self._calls.now_ns)
        self._calls.step.faults.append(fault)
        self._doubted(pending)


def _bytes_of(texts: object) -> set[bytes]:
    """Return the first list of a filter's texts as bytes: its first topics, or its addresses."""
    if not isinstance(texts, Sequence) or not texts:
        return set()
    first = texts[0]
    return {bytes.fromhex(text[2:]) for text in first} if isinstance(first, Sequence) else set()
