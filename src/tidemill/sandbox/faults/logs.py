"""Which logs are left out of a message, and what is left of it then."""

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from tidemill.sandbox.faults.injected import LogIdentity

Envelope = dict[str, Raw]
"""A JSON-RPC message whose members are read only where that is needed; the rest stays as it was."""


class _Log(Struct):
    blockHash: str | None = None
    logIndex: str | None = None


class _Item(_Log):
    """A log, a receipt with logs, or anything else that a method returns."""

    logs: list[_Log] | None = None


_MESSAGE = msgspec.json.Decoder(Envelope | list[Envelope])
_MEMBERS = msgspec.json.Decoder(Envelope)
_RAWS = msgspec.json.Decoder(list[Raw])
_ITEMS = msgspec.json.Decoder(list[_Item])
_ITEM = msgspec.json.Decoder(_Item)
_ENCODER = msgspec.json.Encoder()


class LogDropper:
    """Leaves out the logs that `drops` says, wherever a message has them."""

    def __init__(self, drops: Callable[[bytes, int], bool]) -> None:
        self._drops = drops

    def spoil(self, message: bytes) -> tuple[bytes | None, list[LogIdentity]]:
        """Return what is left of a message, None where that is nothing, and the logs left out.

        What has no such log, or is not JSON-RPC, is returned as it is.
        """
        if b'"logIndex"' not in message:
            return message, []
        gone: list[LogIdentity] = []
        try:
            decoded = _MESSAGE.decode(message)
        except msgspec.DecodeError:
            return message, []
        if isinstance(decoded, dict):
            left = self._envelope(decoded, gone)
        else:
            left = [self._envelope(each, gone) for each in decoded]
        if not gone:
            return message, []
        return (None if left is None else _ENCODER.encode(left)), gone

    def _envelope(self, envelope: Envelope, gone: list[LogIdentity]) -> Envelope | None:
        found = len(gone)
        try:
            return self._without(envelope, gone)
        except (msgspec.DecodeError, ValueError):  # something else than logs: not ours to judge
            del gone[found:]
            return envelope

    def _without(self, envelope: Envelope, gone: list[LogIdentity]) -> Envelope | None:
        if "params" in envelope:  # a notice of one log
            log = _MEMBERS.decode(envelope["params"]).get("result")
            return None if log is not None and self._is_gone(_ITEM.decode(log), gone) else envelope
        result = envelope.get("result")
        if result is None:
            return envelope
        found = len(gone)
        spoilt = self._result(result, gone)
        return envelope if len(gone) == found else envelope | {"result": spoilt}

    def _result(self, result: Raw, gone: list[LogIdentity]) -> Raw:
        if not bytes(result).lstrip().startswith(b"["):
            return self._receipt(result, _ITEM.decode(result), gone)
        items = _ITEMS.decode(result)
        fates = [None if item.logs is not None else self._is_gone(item, gone) for item in items]
        if all(fate is False for fate in fates):
            return result
        raws = zip(_RAWS.decode(result), items, fates, strict=True)
        return Raw(
            _ENCODER.encode(
                [
                    self._receipt(raw, item, gone) if fate is None else raw
                    for raw, item, fate in raws
                    if not fate
                ]
            )
        )

    def _receipt(self, raw: Raw, item: _Item, gone: list[LogIdentity]) -> Raw:
        if item.logs is None:
            return raw
        kept = [not self._is_gone(log, gone) for log in item.logs]
        if all(kept):
            return raw
        members = _MEMBERS.decode(raw)
        logs = [log for log, is_kept in zip(_RAWS.decode(members["logs"]), kept, strict=True) if is_kept]
        return Raw(_ENCODER.encode(members | {"logs": logs}))

    def _is_gone(self, log: _Log, gone: list[LogIdentity]) -> bool:
        if log.blockHash is None or log.logIndex is None:  # a pending one: it has no identity yet
            return False
        identity = bytes.fromhex(log.blockHash[2:]), int(log.logIndex, 16)
        if not self._drops(*identity):
            return False
        gone.append(identity)
        return True
