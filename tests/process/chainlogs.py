"""A made-up chain of V2 pairs: blocks with the logs that a factory and its pairs would emit."""

import hashlib

import pyarrow as pa

from tidemill._rust import Factory, Head, Logs, keccak256

FACTORY = Factory(b"\xfa" * 20, "uniswap_v2", "uniswap", 997, 1000)
TOKEN0, TOKEN1, TRADER = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
CREATED = keccak256(b"PairCreated(address,address,address,uint256)")
SYNC = keccak256(b"Sync(uint112,uint112)")
SWAP = keccak256(b"Swap(address,uint256,uint256,uint256,uint256,address)")

Said = tuple[bytes, list[bytes], bytes]
"""Address, topics, data."""

_SCHEMA = pa.schema(
    [
        ("block_number", pa.uint64()),
        ("block_hash", pa.binary(32)),
        ("tx_hash", pa.binary(32)),
        ("tx_index", pa.uint32()),
        ("log_index", pa.uint32()),
        ("address", pa.binary(20)),
        ("topics", pa.list_(pa.field("topic", pa.binary(32), nullable=False))),
        ("data", pa.binary()),
    ]
)


def word(value: int | bytes) -> bytes:
    return value.rjust(32, b"\0") if isinstance(value, bytes) else value.to_bytes(32, "big")


def created(pair: bytes) -> Said:
    return FACTORY.address, [CREATED, word(TOKEN0), word(TOKEN1)], word(pair) + word(1)


def sync(pair: bytes, reserve0: int, reserve1: int) -> Said:
    return pair, [SYNC], word(reserve0) + word(reserve1)


def swap(pair: bytes, amount0_in: int, amount1_out: int) -> Said:
    return pair, [SWAP, word(TRADER), word(TRADER)], b"".join(map(word, (amount0_in, 0, 0, amount1_out)))


def head(number: int, branch: str = "", parent_branch: str | None = None) -> Head:
    return Head(
        number=number,
        hash=_hash(number, branch),
        parent_hash=_hash(number - 1, branch if parent_branch is None else parent_branch),
        timestamp_s=1_700_000_000 + number,
        base_fee_wei=7,
        gas_used=1,
        gas_limit=2,
    )


def logs_of(block: Head, said: list[Said]) -> Logs:
    rows = [
        (block.number, block.hash, b"\x0a" * 32, 0, index, address, topics, data)
        for index, (address, topics, data) in enumerate(said)
    ]
    columns = list(zip(*rows, strict=True)) or [[] for _ in _SCHEMA]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    return Logs.from_arrow(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))


def _hash(number: int, branch: str) -> bytes:
    return hashlib.sha256(f"{number} {branch}".encode()).digest()
