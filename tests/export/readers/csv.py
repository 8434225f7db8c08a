"""Read CSV with Arrow's own reader, all columns as text."""

import pyarrow as pa
from pyarrow import csv

from tidemill.schema import derive

from .text import value_of


def read(path, tag):
    columns = derive.columns(tag)
    convert = csv.ConvertOptions(
        column_types={column.name: pa.string() for column in columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    table = csv.read_csv(
        path, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=convert
    )
    assert table.schema.names == [column.name for column in columns]
    return [
        {
            column.name: None if row[column.name] is None else value_of(column, row[column.name])
            for column in columns
        }
        for row in table.to_pylist()
    ]
