"""What is a node asked of a pool of each protocol, and what do its answers say of it."""

from collections.abc import Mapping
from typing import Any, Protocol

from tidemill._rust import keccak256
from tidemill.chains.evm.discovery import Creation
from tidemill.chains.evm.multicall import Question
from tidemill.chains.evm.words import int_word, signed, word

_RESERVES = bytes.fromhex("0902f1ac")
_METADATA = bytes.fromhex("392f37e9")
_FEE_OF_POOL = bytes.fromhex("cc56b2c5")
_FEE_OF_CURVE = bytes.fromhex("512b45ea")
_SLOT0 = bytes.fromhex("3850c7bd")
_LIQUIDITY = bytes.fromhex("1a686502")
_GLOBAL_STATE = bytes.fromhex("e76c01e4")
_TICK_BITMAP = bytes.fromhex("5339c296")
_TICK_TABLE = bytes.fromhex("c677e3e0")
_TICKS = bytes.fromhex("f30dba93")
_EXTSLOAD = bytes.fromhex("1e2eaeaf")

_PPM = 1_000_000
_SOLIDLY_FEE_ONE = 10_000
_V1_SPACING = 60
"""Of Algebra V1, whose table has ticks divided by it."""
_GLOBAL_STATE_WORDS = {"v1": 7, "v1_directional": 8, "v2": 7, "integral": 6}
_LIMIT_ORDERS_WORD = 8
"""Of a tick of Algebra V2: whether limit orders stand at it."""
_POOLS_SLOT = 6
"""Of the V4 manager's storage: its pools, by id. Source: @uniswap/v4-core 1.0.2, StateLibrary."""
_LIQUIDITY_SLOT, _TICKS_SLOT, _BITMAP_SLOT = 3, 4, 5

Answers = Mapping[str, bytes]
"""What the node said, by the name of the question; refused ones are left out."""


class Unread(Exception):
    """A pool did not say what every pool of its protocol says; the message has what was expected."""


class Kind(Protocol):
    """A protocol's way of telling its state."""

    def questions(self, about: Creation) -> dict[str, Question]:
        """Return what to ask for the pool's state, by name."""
        ...

    def state(self, about: Creation, answers: Answers) -> dict[str, Any]:
        """Return the fields of its snapshot that the answers give. Raises: Unread."""
        ...


class Ticked(Kind, Protocol):
    """A protocol whose pools have ticks."""

    def spacing(self, about: Creation) -> int:
        """Return how far apart the ticks are that the bits of its bitmap stand for."""
        ...

    def bitmap(self, about: Creation, index: int) -> Question:
        """Return the question for one word of its bitmap."""
        ...

    def tick(self, about: Creation, tick: int) -> Question:
        """Return the question for one tick."""
        ...

    def liquidity(self, answer: bytes) -> tuple[int, int]:
        """Return gross and net liquidity of a tick. Raises: Unread."""
        ...


class _UniswapV2:
    """Reserves; the fee is the fork's."""

    def questions(self, about: Creation) -> dict[str, Question]:
        return {"getReserves()": (about.pool, _RESERVES)}

    def state(self, about: Creation, answers: Answers) -> dict[str, Any]:
        reserves = _answer(answers, "getReserves()", 3)
        return {**_stated_fee(about), "reserve0": word(reserves, 0), "reserve1": word(reserves, 1)}


class _Solidly:
    """Reserves, whether it is stable, its tokens' decimals; the fee is the factory's."""

    def questions(self, about: Creation) -> dict[str, Question]:
        pool = about.pool
        is_stable = int_word(int(about.is_stable or False))
        fee = (_FEE_OF_POOL + bytes(12) + pool if _is_velodrome(about) else _FEE_OF_CURVE) + is_stable
        return {"metadata()": (pool, _METADATA), "getFee()": (about.factory.address, fee)}

    def state(self, about: Creation, answers: Answers) -> dict[str, Any]:
        told = _answer(answers, "metadata()", 7)
        fee = answers.get("getFee()")
        if fee is None and not _is_velodrome(about):
            fields = _stated_fee(about)  # Solidly itself has one fee for all
        else:
            part = word(_answer(answers, "getFee()", 1), 0)
            if part >= _SOLIDLY_FEE_ONE:
                raise Unread(f"a fee below {_SOLIDLY_FEE_ONE} of getFee(), found {part}")
            fields = {
                "fee_ppm": part * _PPM // _SOLIDLY_FEE_ONE,
                "fee_numerator": _SOLIDLY_FEE_ONE - part,
                "fee_denominator": _SOLIDLY_FEE_ONE,
            }
        return {
            **fields,
            "rules": about.factory.rules,
            "decimals0": _decimals(word(told, 0)),
            "decimals1": _decimals(word(told, 1)),
            "reserve0": word(told, 2),
            "reserve1": word(told, 3),
            "is_stable": bool(word(told, 4)),
        }


class _UniswapV3:
    """Price, liquidity and ticks, each of a view of its own."""

    def questions(self, about: Creation) -> dict[str, Question]:
        return {"slot0()": (about.pool, _SLOT0), "liquidity()": (about.pool, _LIQUIDITY)}

    def state(self, about: Creation, answers: Answers) -> dict[str, Any]:
        fee = {"fee_ppm": about.fee_ppm, "tick_spacing": about.tick_spacing}
        return {**fee, **_slot(_answer(answers, "slot0()", 2), answers)}

    def spacing(self, about: Creation) -> int:
        assert about.tick_spacing is not None
        return about.tick_spacing

    def bitmap(self, about: Creation, index: int) -> Question:
        return about.pool, _TICK_BITMAP + int_word(index)

    def tick(self, about: Creation, tick: int) -> Question:
        return about.pool, _TICKS + int_word(tick)

    def liquidity(self, answer: bytes) -> tuple[int, int]:
        return _gross_and_net(answer)


class _Algebra:
    """As Uniswap V3, with the fee beside the price, at a place that depends on the generation."""

    def questions(self, about: Creation) -> dict[str, Question]:
        return {"globalState()": (about.pool, _GLOBAL_STATE), "liquidity()": (about.pool, _LIQUIDITY)}

    def state(self, about: Creation, answers: Answers) -> dict[str, Any]:
        generation = about.factory.rules or ""
        words = _GLOBAL_STATE_WORDS[generation]
        told = _answer(answers, "globalState()", words)
        if len(told) != 32 * words:
            raise Unread(f"{words} words of globalState(), found {len(told) // 32}")
        fee_at = 3 if generation == "v2" else 2
        back_at = 3 if generation == "v1_directional" else fee_at
        return {
            **_slot(told, answers),
            "rules": generation,
            "fee_ppm": word(told, fee_at),
            "fee_back_ppm": word(told, back_at),
            "tick_spacing": self.spacing(about),
        }

    def spacing(self, about: Creation) -> int:
        return _V1_SPACING if about.factory.rules == "v1" else 1

    def bitmap(self, about: Creation, index: int) -> Question:
        return about.pool, _TICK_TABLE + int_word(index)

    def tick(self, about: Creation, tick: int) -> Question:
        return about.pool, _TICKS + int_word(tick)

    def liquidity(self, answer: bytes) -> tuple[int, int]:
        # of V1 the last word says that the tick is initialised, and is the eighth
        if len(answer) > 32 * _LIMIT_ORDERS_WORD and word(answer, _LIMIT_ORDERS_WORD):
            raise Unread("a tick without limit orders, found one that has some")
        return _gross_and_net(answer)


class _UniswapV4:
    """As Uniswap V3, read out of the storage of the manager of all pools."""

    def questions(self, about: Creation) -> dict[str, Question]:
        return {"slot0()": self._load(about, 0), "liquidity()": self._load(about, _LIQUIDITY_SLOT)}

    def state(self, about: Creation, answers: Answers) -> dict[str, Any]:
        assert about.key is not None
        packed = word(_answer(answers, "slot0()", 1), 0)
        protocol_fee, tick = packed >> 184 & 0xFFFFFF, packed >> 160 & 0xFFFFFF
        return {
            "pool_id": about.key.pool_id,
            "hooks": about.key.hooks,
            "key_fee": about.fee_ppm,
            "protocol_fee": protocol_fee,
            "fee_ppm": None if about.key.is_fee_dynamic else about.fee_ppm,
            "tick_spacing": about.tick_spacing,
            "sqrt_price_x96": packed & (1 << 160) - 1,
            "tick": tick - (tick >> 23 << 24),
            "liquidity": word(_answer(answers, "liquidity()", 1), 0),
        }

    def spacing(self, about: Creation) -> int:
        assert about.tick_spacing is not None
        return about.tick_spacing

    def bitmap(self, about: Creation, index: int) -> Question:
        return self._load_mapped(about, _BITMAP_SLOT, index)

    def tick(self, about: Creation, tick: int) -> Question:
        return self._load_mapped(about, _TICKS_SLOT, tick)

    def liquidity(self, answer: bytes) -> tuple[int, int]:
        if len(answer) != 32:
            raise Unread("one word of a tick, found none")
        # net above gross
        return int.from_bytes(answer[16:], "big"), int.from_bytes(answer[:16], "big", signed=True)

    def _load(self, about: Creation, offset: int) -> Question:
        return about.factory.address, _EXTSLOAD + int_word(_slot_of(about) + offset & (1 << 256) - 1, False)

    def _load_mapped(self, about: Creation, offset: int, key: int) -> Question:
        mapping = (_slot_of(about) + offset).to_bytes(32, "big")
        return about.factory.address, _EXTSLOAD + keccak256(int_word(key) + mapping)


KINDS: Mapping[str, Kind] = {
    "uniswap_v2": _UniswapV2(),
    "solidly": _Solidly(),
}
"""Protocols whose pools are two reserves."""
TICKED_KINDS: Mapping[str, Ticked] = {
    "uniswap_v3": _UniswapV3(),
    "algebra": _Algebra(),
    "uniswap_v4": _UniswapV4(),
}
"""Protocols whose pools have ticks."""


def kind_of(protocol: str) -> Kind:
    """Return how pools of `protocol` are read."""
    return KINDS.get(protocol) or TICKED_KINDS[protocol]


def _answer(answers: Answers, name: str, words: int) -> bytes:
    answer = answers.get(name, b"")
    if len(answer) < 32 * words:
        raise Unread(f"an answer to {name}, found none")
    return answer


def _slot(told: bytes, answers: Answers) -> dict[str, int]:
    liquidity = word(_answer(answers, "liquidity()", 1), 0)
    return {"sqrt_price_x96": word(told, 0), "tick": signed(told, 1), "liquidity": liquidity}


def _gross_and_net(answer: bytes) -> tuple[int, int]:
    if len(answer) < 64:
        raise Unread("two words of a tick, found none")
    return word(answer, 0), signed(answer, 1)


def _stated_fee(about: Creation) -> dict[str, int]:
    """Return the fee that is stated for all pools of an exchange."""
    kept, whole = about.factory.fee_numerator, about.factory.fee_denominator
    return {"fee_ppm": (whole - kept) * _PPM // whole, "fee_numerator": kept, "fee_denominator": whole}


def _is_velodrome(about: Creation) -> bool:
    return about.factory.rules == "velodrome"


def _decimals(unit: int) -> int:
    decimals = len(str(unit)) - 1
    if unit != 10**decimals:
        raise Unread(f"a power of ten for a token's unit in metadata(), found {unit}")
    return decimals


def _slot_of(about: Creation) -> int:
    assert about.key is not None
    return int.from_bytes(keccak256(about.key.pool_id + int_word(_POOLS_SLOT)), "big")
