"""How does text become numbers: each category one of those that the training rows had, or none of them."""

from enum import StrEnum

import pyarrow as pa
from msgspec import Struct

from tidemill.core.arrow import pc
from tidemill.schema.faults import Refused

MISSING_SUFFIX = "_is_missing"
OTHER = -1
"""The code of a category that no training row had."""


class Encoding(StrEnum):
    """What a category becomes."""

    ONE_HOT = "one_hot"
    """A column of its own, `NAME=CATEGORY`, true or false; of one that training rows had not, all are false.
    Of an absent one all are absent."""
    ORDINAL = "ordinal"
    """Its place among the training rows' categories, in the order of their names; OTHER; absent stays so."""


class Encoder(Struct, frozen=True, forbid_unknown_fields=True):
    """The categories of each column, as the training rows had them, sorted."""

    encoding: Encoding
    categories: dict[str, list[str]]

    def transform(self, table: pa.Table) -> pa.Table:
        """Return the table with its columns encoded. Raises: Refused, where one is absent."""
        for name, known in self.categories.items():
            if name not in table.column_names:
                raise Refused(f"encode: expected the column {name}, found {', '.join(table.column_names)}")
            place = table.column_names.index(name)
            values = text_of(table[name])
            columns = self._columns(name, known, values)
            table = table.remove_column(place)
            for at, (spelled, column) in enumerate(columns.items()):
                table = table.add_column(place + at, spelled, column)
        return table

    def names(self) -> list[str]:
        """Return the columns that encoding makes."""
        if self.encoding is Encoding.ORDINAL:
            return list(self.categories)
        return [f"{name}={one}" for name, known in self.categories.items() for one in known]

    def _columns(self, name: str, known: list[str], values: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
        if self.encoding is Encoding.ONE_HOT:
            return {f"{name}={one}": pc.equal(values, one) for one in known}
        codes = pc.index_in(values, value_set=pa.array(known, pa.string()))
        coded = pc.if_else(pc.is_null(codes), pa.scalar(OTHER, pa.int32()), codes)
        return {name: pc.if_else(pc.is_null(values), pa.scalar(None, pa.int32()), coded)}


def fit_encoder(table: pa.Table, names: list[str], encoding: Encoding, *, most: int) -> Encoder:
    """Return the encoder of these rows, the training part.

    Raises: Refused, where a column is absent, or has more than `most` categories.
    """
    categories: dict[str, list[str]] = {}
    for name in names:
        if name not in table.column_names:
            raise Refused(f"encode: expected the column {name}, found {', '.join(table.column_names)}")
        found = sorted(value for value in pc.unique(text_of(table[name])).to_pylist() if value is not None)
        if len(found) > most:
            raise Refused(f"{name}: expected {most} categories at most, found {len(found)}")
        categories[name] = found
    return Encoder(encoding, categories)


def text_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of categories as text: strings, dictionaries of them, booleans."""
    return pc.cast(column, pa.string())


def text_names(table: pa.Table) -> list[str]:
    """Return the columns of text."""
    return [
        field.name
        for field in table.schema
        if pa.types.is_string(field.type)
        or pa.types.is_large_string(field.type)
        or pa.types.is_dictionary(field.type)
    ]


def with_missing(table: pa.Table, names: list[str]) -> pa.Table:
    """Return the table with a column for each of these that says where it is absent; NaN is absent too."""
    for name in names:
        if name not in table.column_names:
            raise Refused(f"mark_missing: expected the column {name}, found {', '.join(table.column_names)}")
        is_absent = pc.is_null(table[name], nan_is_null=True)
        table = table.append_column(name + MISSING_SUFFIX, is_absent)
    return table
