"""How a CometBFT node writes blocks and what happened in them, as JSON."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tidemill.sandbox.emulators.sei.contract import Attributes, MadeTx

_NS_PER_S = 1_000_000_000
_HASH = "".zfill(64)


class Writer(NamedTuple):
    """How one node writes."""

    network: str
    is_base64: bool

    def header(self, height: int, time_ns: int) -> dict[str, Any]:
        """Return a block's header."""
        whole, rest = divmod(time_ns, _NS_PER_S)
        stamp = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return {
            "version": {"block": "11"},
            "chain_id": self.network,
            "height": str(height),
            "time": f"{stamp}.{rest:09d}Z",
            "last_block_id": {"hash": _HASH, "parts": {"total": 1, "hash": _HASH}},
            "app_hash": _HASH,
            "proposer_address": _HASH[:40],
        }

    def block(self, height: int, time_ns: int, txs: list[MadeTx]) -> dict[str, Any]:
        """Return what `block` answers."""
        return {
            "block_id": {"hash": _HASH, "parts": {"total": 1, "hash": _HASH}},
            "block": {
                "header": self.header(height, time_ns),
                "data": {"txs": [base64.b64encode(tx.raw).decode() for tx in txs]},
                "evidence": {"evidence": []},
                "last_commit": None,
            },
        }

    def block_results(self, height: int, txs: list[MadeTx]) -> dict[str, Any]:
        """Return what `block_results` answers."""
        return {
            "height": str(height),
            "txs_results": [self.result(tx) for tx in txs],
            "total_gas_used": "0",
            "finalize_block_events": [],
            "validator_updates": None,
            "consensus_param_updates": None,
        }

    def result(self, tx: MadeTx) -> dict[str, Any]:
        """Return a transaction's result."""
        return {
            "code": tx.code,
            "data": None,
            "log": "" if tx.code == 0 else "insufficient funds",
            "info": "",
            "gas_wanted": "100000",
            "gas_used": "80000",
            "events": [{"type": kind, "attributes": self._attributes(told)} for kind, told in tx.events],
            "codespace": "",
        }

    def tx_event(self, height: int, index: int, tx: MadeTx) -> dict[str, Any]:
        """Return the data of a transaction's event."""
        tx_result: dict[str, Any] = {
            "height": str(height),
            "tx": base64.b64encode(tx.raw).decode(),
            "result": self.result(tx),
        }
        if index:  # a node leaves out zeros
            tx_result["index"] = index
        return {"type": "tendermint/event/Tx", "value": {"TxResult": tx_result}}

    def head_event(self, height: int, time_ns: int, tx_count: int) -> dict[str, Any]:
        """Return the data of a header's event."""
        value = {
            "header": self.header(height, time_ns),
            "num_txs": str(tx_count),
            "result_finalize_block": {"validator_updates": None},
        }
        return {"type": "tendermint/event/NewBlockHeader", "value": value}

    def _attributes(self, told: Attributes) -> list[dict[str, Any]]:
        return [{"key": self._text(key), "value": self._text(value), "index": True} for key, value in told]

    def _text(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode() if self.is_base64 else text


def flat_of_tx(height: int, tx: MadeTx) -> dict[str, list[str]]:
    """Return the map that queries are matched against; it is never base64."""
    flat = {
        "tm.event": ["Tx"],
        "tx.hash": [hashlib.sha256(tx.raw).hexdigest().upper()],
        "tx.height": [str(height)],
    }
    for kind, told in tx.events:
        for key, value in told:
            flat.setdefault(f"{kind}.{key}", []).append(value)
    return flat
