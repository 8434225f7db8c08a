import io
import json

import pyarrow as pa
import pytest

from tidemill.app.operating.sql import FORMATS, chunks, readable

TABLE = pa.table(
    {
        "hash": pa.array([b"\x00" * 31 + b"\xff", None], pa.binary(32)),
        "size": pa.array([(2**256 - 1).to_bytes(32, "little"), (1).to_bytes(32, "little")], pa.binary(32)),
        "change": pa.array([(-5).to_bytes(32, "little", signed=True), None], pa.binary(32)),
        "number": pa.array([2**63, 7], pa.uint64()),
        "at": pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns", "UTC")),
        "name": pa.array(["a,b", None]),
    },
).cast(
    pa.schema(
        [
            pa.field("hash", pa.binary(32)),
            pa.field("size", pa.binary(32), metadata={"clickhouse": "UInt256"}),
            pa.field("change", pa.binary(32), metadata={"clickhouse": "Nullable(Int256)"}),
            pa.field("number", pa.uint64()),
            pa.field("at", pa.timestamp("ns", "UTC")),
            pa.field("name", pa.string()),
        ]
    )
)


def printed(form: str) -> bytes:
    out = io.BytesIO()
    FORMATS[form](TABLE, out)
    return out.getvalue()


def test_json_is_exact_and_one_object_a_row():
    first, second = (json.loads(line) for line in printed("json").splitlines())
    assert first == {
        "hash": "0x" + "00" * 31 + "ff",
        "size": str(2**256 - 1),
        "change": -5,
        "number": str(2**63),
        "at": "2023-11-14T22:13:20.123456789Z",
        "name": "a,b",
    }
    assert second["size"] == 1
    assert second["hash"] is second["at"] is second["name"] is second["change"] is None


def test_csv_has_a_header_full_digits_and_empty_fields_for_what_is_absent():
    lines = printed("csv").decode().splitlines()
    assert lines[0] == "hash,size,change,number,at,name"
    assert str(2**256 - 1) in lines[1]
    assert lines[1].endswith('"a,b"')
    assert lines[2] == ",1,,7,,"


def test_a_table_for_people_cuts_nothing():
    text = printed("table").decode()
    assert str(2**256 - 1) in text
    assert "0x" + "00" * 31 + "ff" in text


def test_arrow_comes_back_equal():
    assert pa.ipc.open_stream(printed("arrow")).read_all().equals(TABLE)


@pytest.mark.parametrize("rows", [0, 1, 200_000])
def test_a_stream_in_chunks_comes_back_equal(rows):
    table = pa.table({"x": pa.array(range(rows), pa.int64())})
    assert pa.ipc.open_stream(b"".join(chunks(table))).read_all().equals(table)


def test_columns_of_one_name_are_told_apart():
    table = pa.table([[1], [2], [3], [4]], ["a", "a", "a_2", "a"])
    assert readable(table) == [{"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}]
    assert [*pa.table([[1], [2]], ["a", "a"]).schema.names] == ["a", "a"]


def test_what_is_no_text_is_shown_as_bytes_in_every_form():
    binary = pa.array([b"\xff\xfe", b"fine", None])
    strings = pa.StringArray.from_buffers(3, binary.buffers()[1], binary.buffers()[2], binary.buffers()[0])
    nested = pa.ListArray.from_arrays(pa.array([0, 2, 2, 3]), strings)
    rows = readable(pa.table({"name": strings, "names": nested}))
    assert rows[0] == {"name": "0xfffe", "names": ["0xfffe", "fine"]}
    assert (rows[1]["name"], rows[2]["name"]) == ("fine", None)


def test_a_table_neither_takes_names_for_markup_nor_lets_them_steer_the_terminal():
    out = io.BytesIO()
    FORMATS["table"](pa.table({"symbol": ["[/red]", "[red]x[/red]", "\x1b[2J"]}), out)
    text = out.getvalue().decode()
    assert "[/red]" in text
    assert "[red]x[/red]" in text
    assert "\x1b" not in text
    assert "\\x1b[2J" in text
