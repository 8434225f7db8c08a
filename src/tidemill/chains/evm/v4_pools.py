"""How is one Uniswap V4 pool named: by its manager, and by its id or the key that the id is the hash of."""

from collections.abc import Iterable

from msgspec import Struct

from tidemill._rust import keccak256
from tidemill.chains.evm.config import EvmConfig, V4PoolConfig
from tidemill.chains.evm.discovery import DYNAMIC_FEE, Creation, V4Key
from tidemill.chains.evm.forks import Factory, known_factories
from tidemill.chains.evm.words import int_word, signed, word
from tidemill.schema.faults import Malformed, Refused

_ADDRESS_BYTES = 20
KEY_BYTES = 5 * 32
"""Of a key as the contract encodes it."""
NAME_BYTES = _ADDRESS_BYTES + KEY_BYTES
"""Of a pool's name: its manager, then its key."""


class ListedPools(Struct, frozen=True):
    """The V4 pools that the settings name."""

    creations: tuple[Creation, ...] = ()
    """Those named by their keys."""
    ids: tuple[bytes, ...] = ()
    """Those named by their ids alone, whose keys their managers' logs tell."""
    managers: tuple[Factory, ...] = ()
    """The managers of the latter, no pool older than the oldest that is asked for."""


def listed_pools(config: EvmConfig) -> ListedPools:
    """Return the V4 pools that `config` names. Raises: Refused, where one is named by neither id nor key."""
    known = known_factories(config)
    creations: list[Creation] = []
    ids: dict[bytes, None] = {}
    managers: dict[bytes, Factory] = {}
    for listed in config.pools:
        if isinstance(listed, str):
            continue
        manager = known[_address(listed.manager)]
        key = _key_of(listed, config)
        pool_id = None if listed.pool_id is None else bytes.fromhex(listed.pool_id[2:])
        if key is not None:
            creation = creation_of(manager, key)
            assert creation.key is not None
            if pool_id not in (None, creation.key.pool_id):
                expected = f"0x{creation.key.pool_id.hex()}"
                raise Refused(
                    f"chain {config.source}: pools: expected the id {expected} of its key, found"
                    f" {listed.pool_id}"
                )
            creations.append(creation)
        elif pool_id is not None:
            ids[pool_id] = None
            first = min(listed.from_block, managers.get(manager.address, listed).from_block)
            managers[manager.address] = _since(manager, first)
        else:
            raise Refused(
                f"chain {config.source}: pools: a pool of manager {listed.manager}: expected pool_id, or"
                " currency0, currency1, fee_ppm and tick_spacing"
            )
    return ListedPools(tuple(creations), tuple(ids), tuple(managers.values()))


def creation_of(manager: Factory, key: bytes) -> Creation:
    """Return what the manager said of the pool with this key, as the contract encodes it."""
    pool_id, fee_ppm = keccak256(key), word(key, 2)
    return Creation(
        pool_id[:_ADDRESS_BYTES],
        manager,
        key[12:32],
        key[44:64],
        fee_ppm,
        signed(key, 3),
        key=V4Key(pool_id, key[140:160], fee_ppm == DYNAMIC_FEE),
    )


def read_names(data: bytes) -> list[bytes]:
    """Return the pools named one after another: addresses, and V4 pools behind an address of zero each."""
    names: list[bytes] = []
    start = 0
    while start < len(data):
        name = data[start : start + _ADDRESS_BYTES]
        start += _ADDRESS_BYTES
        if not any(name):
            name = data[start : start + NAME_BYTES]
            start += NAME_BYTES
        names.append(name)
    if start != len(data):
        raise Malformed(f"expected pools' names, found {len(data)} bytes, the last of which are none")
    return names


def write_names(names: Iterable[bytes]) -> bytes:
    """Return the names as `read_names` takes them."""
    return b"".join(name if len(name) == _ADDRESS_BYTES else bytes(_ADDRESS_BYTES) + name for name in names)


def _key_of(listed: V4PoolConfig, config: EvmConfig) -> bytes | None:
    told = (listed.currency0, listed.currency1, listed.fee_ppm, listed.tick_spacing)
    if all(part is None for part in told):
        return None
    currency0, currency1, fee_ppm, tick_spacing = told
    if currency0 is None or currency1 is None or fee_ppm is None or tick_spacing is None:
        raise Refused(
            f"chain {config.source}: pools: a pool of manager {listed.manager}: expected all of currency0,"
            " currency1, fee_ppm and tick_spacing, or pool_id alone"
        )
    addresses = [bytes(12) + _address(text) for text in (currency0, currency1, listed.hooks)]
    return b"".join((*addresses[:2], int_word(fee_ppm), int_word(tick_spacing), addresses[2]))


def _since(manager: Factory, block: int) -> Factory:
    return Factory(
        manager.address, manager.protocol, manager.dex, manager.fee_numerator, manager.fee_denominator, block
    )


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])
