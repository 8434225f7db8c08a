"""What does a token call itself, and how many decimals has it: asked of its contract, never assumed."""

from collections.abc import Iterable

from tidemill.chains.evm.answers import RpcError, fault_of
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.multicall import STATE_BLOCKS_MIN, Multicall, Views
from tidemill.chains.evm.window import TOKEN_KNOWN, TOKEN_WANTED, Checkpoint, Window
from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import Token

_SYMBOL = bytes.fromhex("95d89b41")
_DECIMALS = bytes.fromhex("313ce567")
_SYMBOL_CHARS_MAX = 64
_DECIMALS_MAX = 255


class Tokens:
    """The tokens of tracked pools, each described once."""

    def __init__(
        self, calls: Calls, window: Window, config: EvmConfig, checkpoint: Checkpoint | None
    ) -> None:
        self._calls = calls
        self._window = window
        self._config = config
        self._multicall = Multicall(calls, config)
        self._known: set[bytes] = set(checkpoint.tokens) if checkpoint else set()
        self._wanted: dict[bytes, None] = dict.fromkeys(checkpoint.wanted_tokens if checkpoint else ())
        self._asked: dict[bytes, None] = {}
        """Tokens that were asked and have not answered."""
        self._newest_number = 0

    def want(self, tokens: Iterable[bytes]) -> None:
        """Remember tokens that are to be described."""
        for token in tokens:
            if token not in self._known:
                self._known.add(token)
                self._wanted[token] = None
                self._window.set_token(token, TOKEN_WANTED)

    def ask(self, block_number: int, block_timestamp_s: int) -> None:
        """Ask the wanted tokens to describe themselves as of a block, the newest."""
        self._newest_number = block_number
        if not self._wanted:
            return
        wanted, self._wanted = list(self._wanted), {}
        self._asked.update(dict.fromkeys(wanted))
        # each question's tokens are told for themselves: what has answered is not asked again where others
        # have to be
        size = max(1, self._config.multicall_calls // 2)
        for start in range(0, len(wanted), size):
            self._ask(wanted[start : start + size], block_number, block_timestamp_s)

    def _ask(self, asked: list[bytes], block_number: int, block_timestamp_s: int) -> None:
        views = Views([(token, selector) for token in asked for selector in (_SYMBOL, _DECIMALS)])
        self._multicall.ask(
            views,
            block_number,
            lambda: self._on_found(asked, views.answers, block_number, block_timestamp_s),
            lost=lambda error: self._is_lost(block_number, error),
        )

    def _is_lost(self, block_number: int, error: RpcError) -> bool:
        """Where the block's state is gone, have all tokens without an answer asked as of a newer one."""
        if self._newest_number - block_number <= STATE_BLOCKS_MIN:
            return False
        where = f"chain {self._config.source}: tokens as of block {block_number}"
        self._calls.step.faults.append(fault_of(error, where))
        self._multicall.stop()
        self._wanted = self._asked | self._wanted
        self._asked = {}
        return True

    def _on_found(
        self, asked: list[bytes], found: list[bytes | None], block_number: int, block_timestamp_s: int
    ) -> None:
        for index, token in enumerate(asked):
            self._known.add(token)
            self._asked.pop(token, None)
            self._window.set_token(token, TOKEN_KNOWN)
            self._calls.step.events.append(
                Token(
                    event_ns=block_timestamp_s * NS_PER_S,
                    recv_ns=self._calls.now_ns,
                    source=self._config.source,
                    chain_id=self._config.chain_id,
                    block_number=block_number,
                    token=token,
                    symbol=read_symbol(found[2 * index]),
                    decimals=read_decimals(found[2 * index + 1]),
                )
            )


def read_decimals(answer: bytes | None) -> int | None:
    """Return the decimals in an answer to decimals(), or None where it is not one."""
    if answer is None or len(answer) != 32:
        return None
    value = int.from_bytes(answer, "big")
    return value if value <= _DECIMALS_MAX else None


def read_symbol(answer: bytes | None) -> str | None:
    """Return the text in an answer to symbol(), which is a string or, in old tokens, 32 bytes; None where
    neither.
    """
    if answer is None or len(answer) < 32:
        return None
    if len(answer) == 32:
        data = answer.rstrip(b"\x00")
    else:
        start = int.from_bytes(answer[:32], "big")
        size = int.from_bytes(answer[start : start + 32], "big")
        data = answer[start + 32 : start + 32 + size]
        if start + 32 + size > len(answer):
            return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() and 0 < len(text) <= _SYMBOL_CHARS_MAX else None
