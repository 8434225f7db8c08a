"""The logical types that every event field is made of: one meaning, its unit, its spelling in every layer.

256-bit integers travel as 32 little-endian bytes, which is how ClickHouse keeps `UInt256`: no layer
converts them.
"""

from decimal import Decimal
from typing import Annotated, NamedTuple

import pyarrow as pa
from msgspec import Meta


class Logical(NamedTuple):
    """How one meaning is spelt in each layer."""

    name: str
    """Its name in the reference page and in the Rust column builders."""
    unit: str
    arrow: pa.DataType
    clickhouse: str
    json: dict[str, object]
    """JSON Schema of the value as text formats carry it: integers past 53 bits and bytes are strings."""
    byte_width: int = 0
    """How many bytes a fixed-width binary value has; 0 for the others."""
    is_signed: bool = False
    """Whether such bytes are a number in two's complement."""
    codec: str = "ZSTD(1)"
    """How ClickHouse packs a column of it, as the engine itself spells it."""


def _as(logical: Logical) -> Meta:
    return Meta(extra={"logical": logical})


_DECIMAL: dict[str, object] = {"type": "string", "pattern": "^-?[0-9]+$"}


def _hex(byte_count: int) -> dict[str, object]:
    return {"type": "string", "pattern": f"^0x[0-9a-f]{{{2 * byte_count}}}$"}


NANOS = Logical(
    "Nanos",
    "ns since 1970-01-01 UTC",
    pa.timestamp("ns", tz="UTC"),
    "DateTime64(9, 'UTC')",
    {"type": "integer"},
    codec="Delta(8), ZSTD(1)",
)
U8 = Logical("U8", "", pa.uint8(), "UInt8", {"type": "integer"})
U32 = Logical("U32", "", pa.uint32(), "UInt32", {"type": "integer"})
U64 = Logical("U64", "", pa.uint64(), "UInt64", {"type": "integer"}, codec="Delta(8), ZSTD(1)")
I32 = Logical("I32", "", pa.int32(), "Int32", {"type": "integer"})
F64 = Logical("F64", "", pa.float64(), "Float64", {"type": "number"})
USD = F64._replace(unit="US dollars")
U128 = Logical("U128", "", pa.binary(16), "UInt128", _DECIMAL, 16)
U256 = Logical("U256", "", pa.binary(32), "UInt256", _DECIMAL, 32)
I256 = Logical("I256", "", pa.binary(32), "Int256", _DECIMAL, 32, is_signed=True)
HASH = Logical("Hash", "", pa.binary(32), "FixedString(32)", _hex(32), 32)
ADDRESS = Logical("Address", "", pa.binary(20), "FixedString(20)", _hex(20), 20)
NAME = Logical("Name", "", pa.string(), "LowCardinality(String)", {"type": "string"})
TEXT = Logical("Text", "", pa.string(), "String", {"type": "string"})

FIXED18 = Logical(
    "Fixed18",
    "",
    pa.decimal128(38, 18),
    "Decimal(38, 18)",
    {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
)

LOGICAL_TYPES = (NANOS, U8, U32, U64, I32, F64, U128, U256, I256, HASH, ADDRESS, NAME, TEXT, FIXED18)

Nanos = Annotated[int, _as(NANOS)]
"""A point in time, ns since 1970-01-01 UTC."""
Count8 = Annotated[int, _as(U8)]
Count32 = Annotated[int, _as(U32)]
Count64 = Annotated[int, _as(U64)]
Tick = Annotated[int, _as(I32)]
"""A Uniswap V3 tick: price of token0 in token1 is 1.0001^tick, raw units."""
Usd = Annotated[float, _as(USD)]
"""US dollars, for show and for filters: a float, as no amount is computed from it."""
Ratio = Annotated[float, _as(F64)]
"""A share or a probability, 0 to 1."""
Uint128 = Annotated[int, _as(U128)]
Uint256 = Annotated[int, _as(U256)]
Int256 = Annotated[int, _as(I256)]
Hash = Annotated[bytes, _as(HASH)]
Address = Annotated[bytes, _as(ADDRESS)]
Name = Annotated[str, _as(NAME)]
"""One of a small set of names."""
Text = Annotated[str, _as(TEXT)]
Price = Annotated[Decimal, _as(FIXED18._replace(unit="quote per base"))]
"""Exact, to 18 digits after the point."""
Size = Annotated[Decimal, _as(FIXED18._replace(unit="base"))]
"""How much is offered or traded, exact, to 18 digits after the point."""
QuoteAmount = Annotated[Decimal, _as(FIXED18._replace(unit="quote"))]
"""What is paid or gained, exact, to 18 digits after the point."""
Bps = Annotated[Decimal, _as(FIXED18._replace(unit="0.01%"))]
CHOICE = NAME
"""How every enum is spelt."""
