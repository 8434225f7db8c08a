"""The words of a log's data that tell numbers of shares, and what cannot be one."""

from decimal import Decimal

_WORD = 32
_UNIT = 6
"""Shares and collateral have so many decimals."""
_AMOUNT_MAX = 10**24
"""More than there is of any dollar; who splits a token of his own making can name any number."""
_ITEMS_MAX = 256


class Words:
    """A log's data, word by word. Raises: IndexError, ValueError, where a word is not there."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def raw(self, at: int) -> bytes:
        """Return a word."""
        word = self._data[at * _WORD : (at + 1) * _WORD]
        if len(word) < _WORD:
            raise IndexError
        return word

    def number(self, at: int) -> int:
        """Return a word as a number."""
        return int.from_bytes(self.raw(at), "big")

    def amount(self, at: int) -> Decimal:
        """Return a word as shares, or as collateral."""
        return shares(self.number(at))

    def numbers(self, at: int) -> list[int]:
        """Return the list whose place a word tells."""
        begin, odd = divmod(self.number(at), _WORD)
        count = self.number(begin)
        if odd or count > _ITEMS_MAX:
            raise ValueError
        return [self.number(begin + 1 + index) for index in range(count)]


def shares(number: int) -> Decimal:
    """Return so many units as shares. Raises: ValueError, where nobody can have so many."""
    if number >= _AMOUNT_MAX:
        raise ValueError
    return Decimal(number).scaleb(-_UNIT)
