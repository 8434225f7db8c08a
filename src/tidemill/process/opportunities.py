"""Find what pays on a chain after each block, in the pools that changed."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from tidemill._rust import ChainSearch, Head, PoolSet
from tidemill.process.book_search import BookConfig, BookSearch
from tidemill.process.pools import Batches
from tidemill.process.token_natures import TokenNatures
from tidemill.schema.faults import Refused

_AddressText = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$")]
_Wei = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_HOPS = (2, 4)
_DECIMALS_MAX = 77
"""The most at which one whole token fits 256 bits."""


class StableToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token that is taken for a dollar."""

    address: _AddressText
    decimals: Annotated[int, Meta(ge=0, le=_DECIMALS_MAX)]
    """As the token says; they are not read from the chain."""


class SearchConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [search.<chain>]; a chain without this section is not searched."""

    start_tokens: tuple[_AddressText, ...]
    """Tokens that a path may begin and end with, the most wanted first."""
    gas_token: _AddressText | None = None
    """The token that gas is paid in, wrapped. Its price in a start token is that of the deepest pool between
    the two; where there is none, or without this setting, no net profit is told.
    """
    hops_max: Annotated[int, Meta(ge=_HOPS[0], le=_HOPS[1])] = 3
    """The longest path."""
    priority_fee_wei: _Wei = 0
    """What is paid for a unit of gas on top of the base fee."""
    flash_premium_ppm: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    """What the lender of a path's input asks, in millionths of it."""
    data_fee_bytes: Annotated[int, Meta(ge=0, le=1 << 20)] = 0
    """Bytes of a transaction that a rollup charges for."""
    data_fee_price_wei: _Wei = 0
    """What it charges for each."""
    found_max: Annotated[int, Meta(ge=1, le=100_000)] = 100
    """How many are told of a block, the most profitable first."""
    autopsy_blocks: Annotated[int, Meta(ge=0, le=10_000)] = 32
    """For how many blocks each is followed to see what became of it; 0 follows none. What pays is mostly gone
    within a few; what is left after so many is seldom there to be taken, and is told as outlived.
    """
    stable_tokens: tuple[StableToken, ...] = ()
    """Tokens taken for a dollar. A net profit is told in dollars where the deepest pools lead to one of them
    in at most two steps; without this setting none is.
    """
    books: tuple[BookConfig, ...] = ()
    """Order books that paths may go through beside the chain's pools."""


class OpportunityFinder:
    """Searches one chain; the pools themselves stay where they are."""

    def __init__(
        self, config: SearchConfig, source: str, chain_id: int, tokens: TokenNatures | None = None
    ) -> None:
        if not config.start_tokens:
            raise Refused(f"search.{source}: start_tokens: expected at least one token, found none")
        self.config = config
        self.tokens = tokens
        """What is known of the tokens; None where pools are searched whatever their tokens are."""
        self.search = ChainSearch(
            source,
            chain_id,
            start_tokens=[_address(token) for token in config.start_tokens],
            gas_token=None if config.gas_token is None else _address(config.gas_token),
            hops_max=config.hops_max,
            priority_fee_wei=config.priority_fee_wei,
            flash_premium_ppm=config.flash_premium_ppm,
            data_fee_wei=config.data_fee_bytes * config.data_fee_price_wei,
            found_max=config.found_max,
            stable_tokens=[(_address(token.address), token.decimals) for token in config.stable_tokens],
        )
        self.books = BookSearch(self.search, config.books, source)
        self.unpriced: dict[bytes, str] = {}
        """Pools that the last search that met them had to leave out, by address, and why. Replaced, never
        changed: another thread may read it.
        """

    def find(self, pools: PoolSet, touched: Sequence[bytes], head: Head, recv_ns: int) -> Batches:
        """Return the opportunities through the pools touched, and books by what `books` names them, on the
        state after `head`.
        """
        searched, left_out = list(touched), dict[bytes, str]()
        if self.tokens is not None:
            searched, left_out = self.tokens.sift(pools, touched)
        found = self.search.search(pools, searched, head, recv_ns)
        met = set(touched)
        unmet = {pool: why for pool, why in self.unpriced.items() if pool not in met}
        self.unpriced = {**unmet, **dict(found.faults), **left_out}
        return list(found.batches.items())


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])
