"""Read TFRecord by hand, after its description: framing, checksums and the few fields of an Example."""

import struct
from decimal import Decimal

from tidemill.schema import derive

_POLYNOMIAL = 0x82F63B78


def _table():
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        yield value


_TABLE = list(_table())


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(content):
    at = 0
    while at < len(content):
        head = content[at : at + 8]
        (length,) = struct.unpack("<Q", head)
        data = content[at + 12 : at + 12 + length]
        assert struct.unpack_from("<I", content, at + 8) == (masked_crc(head),)
        assert struct.unpack_from("<I", content, at + 12 + length) == (masked_crc(data),)
        yield data
        at += 16 + length


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data):
    """Yield number and content of each field of a message, all of which are of length given."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        assert key & 7 == 2
        length, at = _varint(data, at)
        yield key >> 3, data[at : at + length]
        at += length


def features(record):
    ((number, all_features),) = _fields(record)
    assert number == 1
    found = {}
    for _, entry in _fields(all_features):
        parts = dict(_fields(entry))
        ((kind, values),) = _fields(parts[2])
        ((_, value),) = _fields(values)
        if kind == 3:
            value, _ = _varint(value, 0)
            value = value - (1 << 64) if value >> 63 else value
        else:
            assert kind == 1
        found[parts[1].decode()] = value
    return found


def read(path, tag):
    rows = []
    for record in records(path.read_bytes()):
        found = features(record)
        rows.append(
            {
                column.name: _value(column, found.pop(column.name)) if column.name in found else None
                for column in derive.columns(tag)
            }
        )
        assert not found
    return rows


def _value(column, value):
    match column.logical.name:
        case "Name" | "Text":
            return value.decode()
        case "Fixed18":
            return Decimal(value.decode())
        case "F64":
            return struct.unpack("<d", value)[0]
        case "U64":
            return value % (1 << 64)
        case "U128" | "U256" | "I256":
            return int.from_bytes(value, "little", signed=column.logical.is_signed)
        case _:
            return value
