"""Read HDF5 with h5py."""

from decimal import Decimal

import h5py

from tidemill.schema import derive


def read(path, tag):
    with h5py.File(path) as file:
        group = file[tag]
        columns = {column.name: _values(group, column) for column in derive.columns(tag)}
        assert {name for name in group if not name.startswith("_")} == set(columns)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(group, column):
    name = column.name
    values = [_value(column, value) for value in group[name][:]]
    if f"_length/{name}" in group:
        lengths = group[f"_length/{name}"][:]
        values = [
            value if length < 0 else value.ljust(length, "\0")
            for value, length in zip(values, lengths, strict=True)
        ]
    if f"_present/{name}" in group:
        present = group[f"_present/{name}"][:]
        values = [value if there else None for value, there in zip(values, present, strict=True)]
    return values


def _value(column, value):
    match column.logical.name:
        case "Hash" | "Address":
            return value.tobytes()
        case "U128" | "U256":
            return int.from_bytes(value.tobytes(), "little")
        case "I256":
            return int.from_bytes(value.tobytes(), "little", signed=True)
        case "Fixed18":
            return Decimal(int.from_bytes(value.tobytes(), "little", signed=True)).scaleb(-18)
        case "Name" | "Text":
            return value.decode()
        case "F64":
            return float(value)
        case _:
            return int(value)
