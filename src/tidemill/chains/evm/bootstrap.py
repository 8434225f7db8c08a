"""What is each pool's state after one block: asked of the contracts in three rounds of many calls each.

Round 1 asks what kind of pool it is, its price and its reserves; round 2 the words of the V3 tick bitmaps;
round 3 the ticks whose bit is set. All are asked of the same block, whose hash is compared before and after
by the caller.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from tidemill._rust import Head
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.discovery import Creation
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.multicall import Multicall, Question
from tidemill.chains.evm.steps import PoolSnapshot
from tidemill.schema.faults import Fault, Unknown

_TOKEN0 = bytes.fromhex("0dfe1681")
_TOKEN1 = bytes.fromhex("d21220a7")
_FACTORY = bytes.fromhex("c45a0155")
_FEE = bytes.fromhex("ddca3f43")
_TICK_SPACING = bytes.fromhex("d0c93a7c")
_SLOT0 = bytes.fromhex("3850c7bd")
_LIQUIDITY = bytes.fromhex("1a686502")
_RESERVES = bytes.fromhex("0902f1ac")
_TICK_BITMAP = bytes.fromhex("5339c296")
_TICKS = bytes.fromhex("f30dba93")

_LISTED = (_TOKEN0, _TOKEN1, _FACTORY, _FEE, _TICK_SPACING, _SLOT0, _LIQUIDITY, _RESERVES)
_CREATED = {"uniswap_v2": (_RESERVES,), "uniswap_v3": (_SLOT0, _LIQUIDITY)}
_MAX_TICK = 887_272
_PPM = 1_000_000


class Wanted(Struct, frozen=True):
    """A pool to read; what its factory said of it is absent for a pool from a list."""

    pool: bytes
    creation: Creation | None = None


class _Ticked(Struct, eq=False):
    """A V3 pool whose ticks are being read."""

    snapshot: PoolSnapshot
    ticks: list[int]
    found: list[tuple[int, int, int]]


class Bootstrap:
    """Reads the state of many pools after one block."""

    def __init__(
        self,
        calls: Calls,
        config: EvmConfig,
        known: Mapping[bytes, Factory],
        done: Callable[[list[PoolSnapshot]], None],
    ) -> None:
        self._calls = calls
        self._known = known
        self._where = f"chain {config.source}"
        self._done = done
        self._multicall = Multicall(calls, config)
        self._head: Head | None = None
        self._snapshots: list[PoolSnapshot] = []

    def start(self, head: Head, wanted: Sequence[Wanted]) -> None:
        """Read the pools `wanted` as they are after `head`."""
        self.stop()
        self._head = head
        asked = [(pool, selector) for pool in wanted for selector in _selectors(pool)]
        questions: list[Question] = [(pool.pool, selector) for pool, selector in asked]
        self._multicall.ask(questions, head.number, lambda found: self._on_kinds(asked, found))

    def stop(self) -> None:
        """Forget what is on its way."""
        self._multicall.stop()

    def _on_kinds(self, asked: list[tuple[Wanted, bytes]], found: list[bytes | None]) -> None:
        answers: dict[bytes, dict[bytes, bytes]] = {}
        wanted: dict[bytes, Wanted] = {}
        for (pool, selector), answer in zip(asked, found, strict=True):
            wanted[pool.pool] = pool
            words = answers.setdefault(pool.pool, {})
            if answer:
                words[selector] = answer
        self._snapshots = []
        for address, words in answers.items():
            snapshot = self._recognise(wanted[address], words)
            if isinstance(snapshot, Fault):
                self._calls.step.faults.append(snapshot)
            else:
                self._snapshots.append(snapshot)
        self._ask_bitmaps()

    def _recognise(self, wanted: Wanted, words: Mapping[bytes, bytes]) -> PoolSnapshot | Unknown:
        where = f"{self._where}: pool 0x{wanted.pool.hex()}"
        about = wanted.creation or self._described(wanted.pool, words)
        if about is None:
            return Unknown(f"{where}: expected a pool of a known factory, found {self._found(words)}")
        assert self._head is not None
        reserves, slot0, liquidity = words.get(_RESERVES), words.get(_SLOT0), words.get(_LIQUIDITY)
        is_v2 = about.factory.protocol == "uniswap_v2"
        if is_v2 and (reserves is None or len(reserves) != 96):
            return Unknown(f"{where}: expected an answer to getReserves(), found none")
        if not is_v2 and (slot0 is None or len(slot0) < 64 or liquidity is None or len(liquidity) != 32):
            return Unknown(f"{where}: expected answers to slot0() and liquidity(), found none")
        factory = about.factory
        fee_ppm = about.fee_ppm
        if fee_ppm is None:
            fee_ppm = (factory.fee_denominator - factory.fee_numerator) * _PPM // factory.fee_denominator
        return PoolSnapshot(
            address=wanted.pool,
            protocol=factory.protocol,
            dex=factory.dex,
            factory=factory.address,
            token0=about.token0,
            token1=about.token1,
            fee_ppm=fee_ppm,
            fee_numerator=factory.fee_numerator,
            fee_denominator=factory.fee_denominator,
            block_number=self._head.number,
            block_hash=self._head.hash,
            block_timestamp_s=self._head.timestamp_s,
            recv_ns=self._calls.now_ns,
            reserve0=_word(reserves, 0) if is_v2 else None,
            reserve1=_word(reserves, 1) if is_v2 else None,
            tick_spacing=about.tick_spacing,
            sqrt_price_x96=None if is_v2 else _word(slot0, 0),
            tick=None if is_v2 else _signed(slot0, 1),
            liquidity=None if is_v2 else _word(liquidity, 0),
        )

    def _described(self, pool: bytes, words: Mapping[bytes, bytes]) -> Creation | None:
        """Return what a listed pool says of itself where its factory is a known one."""
        if any(len(words.get(selector, b"")) != 32 for selector in (_TOKEN0, _TOKEN1, _FACTORY)):
            return None
        factory = self._known.get(words[_FACTORY][12:])
        if factory is None:
            return None
        token0, token1 = words[_TOKEN0][12:], words[_TOKEN1][12:]
        if factory.protocol == "uniswap_v2":
            return Creation(pool, factory, token0, token1)
        if any(len(words.get(selector, b"")) != 32 for selector in (_FEE, _TICK_SPACING)):
            return None
        return Creation(
            pool, factory, token0, token1, _word(words[_FEE], 0), _signed(words[_TICK_SPACING], 0)
        )

    @staticmethod
    def _found(words: Mapping[bytes, bytes]) -> str:
        factory = words.get(_FACTORY)
        return "no factory" if factory is None else f"the factory 0x{factory[12:].hex()}"

    def _ask_bitmaps(self) -> None:
        ticked = [_Ticked(snapshot, [], []) for snapshot in self._snapshots if snapshot.tick_spacing]
        asked = [(pool, word) for pool in ticked for word in _bitmap_words(pool.snapshot.tick_spacing or 1)]
        questions = [(pool.snapshot.address, _TICK_BITMAP + _int_word(word)) for pool, word in asked]
        self._ask(questions, lambda found: self._on_bitmaps(ticked, asked, found))

    def _on_bitmaps(
        self, ticked: list[_Ticked], asked: list[tuple[_Ticked, int]], found: list[bytes | None]
    ) -> None:
        for (pool, word), answer in zip(asked, found, strict=True):
            if answer is None or len(answer) != 32:
                self._leave_out(ticked, pool, f"expected an answer to tickBitmap({word}), found none")
                continue
            bits = _word(answer, 0)
            while bits:
                lowest = bits & -bits
                index = (word << 8) + lowest.bit_length() - 1
                pool.ticks.append(index * (pool.snapshot.tick_spacing or 1))
                bits ^= lowest
        of_ticks = [(pool, tick) for pool in ticked for tick in pool.ticks]
        questions = [(pool.snapshot.address, _TICKS + _int_word(tick)) for pool, tick in of_ticks]
        self._ask(questions, lambda answers: self._on_ticks(ticked, of_ticks, answers))

    def _on_ticks(
        self, ticked: list[_Ticked], asked: list[tuple[_Ticked, int]], found: list[bytes | None]
    ) -> None:
        for (pool, tick), answer in zip(asked, found, strict=True):
            if answer is None or len(answer) < 64:
                self._leave_out(ticked, pool, f"expected an answer to ticks({tick}), found none")
                continue
            pool.found.append((tick, _word(answer, 0), _signed(answer, 1)))
        complete = {pool.snapshot.address: pool for pool in ticked}
        done: list[PoolSnapshot] = []
        for snapshot in self._snapshots:
            pool = complete.get(snapshot.address)
            if pool is not None:
                done.append(_with_ticks(snapshot, tuple(pool.found)))
            elif snapshot.protocol == "uniswap_v2":
                done.append(snapshot)
        self._done(done)

    def _ask(self, questions: list[Question], then: Callable[[list[bytes | None]], None]) -> None:
        assert self._head is not None
        self._multicall.ask(questions, self._head.number, then)

    def _leave_out(self, ticked: list[_Ticked], pool: _Ticked, problem: str) -> None:
        """Drop a pool whose ticks are not all known: its quotes would be wrong."""
        if pool in ticked:
            ticked.remove(pool)
            self._calls.step.faults.append(
                Unknown(f"{self._where}: pool 0x{pool.snapshot.address.hex()}: {problem}")
            )


def _with_ticks(snapshot: PoolSnapshot, ticks: tuple[tuple[int, int, int], ...]) -> PoolSnapshot:
    return msgspec.structs.replace(snapshot, ticks=ticks)


def _selectors(wanted: Wanted) -> tuple[bytes, ...]:
    return _LISTED if wanted.creation is None else _CREATED[wanted.creation.factory.protocol]


def _bitmap_words(tick_spacing: int) -> range:
    """Return the bitmap's words that can hold a tick; division rounds down, as the contract's does."""
    return range((-_MAX_TICK // tick_spacing) >> 8, ((_MAX_TICK // tick_spacing) >> 8) + 1)


def _int_word(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=True)


def _word(data: bytes | None, index: int) -> int:
    assert data is not None
    return int.from_bytes(data[32 * index : 32 * index + 32], "big")


def _signed(data: bytes | None, index: int) -> int:
    assert data is not None
    return int.from_bytes(data[32 * index : 32 * index + 32], "big", signed=True)
