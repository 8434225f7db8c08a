"""Which token does a name mean: an address, or a symbol that one alone of the tokens at hand has."""

import re
from collections.abc import Iterable, Sequence

from tidemill.chains.evm.multicall import Question
from tidemill.chains.evm.tokens import read_symbol
from tidemill.schema.faults import Refused

_SYMBOL = bytes.fromhex("95d89b41")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def is_address(name: str) -> bool:
    """Say whether a name is an address."""
    return _ADDRESS.fullmatch(name) is not None


def symbol_questions(tokens: Iterable[bytes]) -> list[Question]:
    """Return what asks each token for its symbol."""
    return [(token, _SYMBOL) for token in tokens]


class TokenNames:
    """The tokens of one chain that may be named by their symbols.

    Anybody may give a token any symbol, so it is looked for among these alone.
    """

    def __init__(
        self, where: str, tokens: Sequence[bytes] = (), answers: Sequence[bytes | None] = ()
    ) -> None:
        self._where = where
        self._tokens: dict[str, set[bytes]] = {}
        for token, answer in zip(tokens, answers, strict=True):
            symbol = read_symbol(answer)
            if symbol is not None:
                self._tokens.setdefault(symbol, set()).add(token)

    @property
    def symbols(self) -> list[str]:
        """Every symbol that is known, sorted."""
        return sorted(self._tokens)

    def find(self, name: str) -> bytes | None:
        """Return the token; None where none has the symbol. Raises: Refused, where several have it."""
        if is_address(name):
            return bytes.fromhex(name[2:])
        found = self._tokens.get(name, set())
        if len(found) > 1:
            addresses = ", ".join(sorted(f"0x{token.hex()}" for token in found))
            raise Refused(f"{self._where}: {name}: expected one token of this symbol, found {addresses}")
        return next(iter(found), None)
