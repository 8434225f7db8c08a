"""TFRecord: a `tf.train.Example` a row, with a feature for each value that is there."""

from collections.abc import Iterator

from typing_extensions import override

from tidemill.export.exporter import NONE, Exporter, Rows

_BYTES = "bytes_list, little-endian"


class TfRecordExporter(Exporter):
    """Framed records with their checksums. TensorFlow's floats have 32 bits: a double is kept as its bytes.

    Source: tensorflow.org/tutorials/load_data/tfrecord.
    """

    suffix = ".tfrecord"
    compressions = (NONE, "gzip")
    kept_as = {  # noqa: RUF012 a Mapping
        "Nanos": "int64_list, ns since 1970-01-01 UTC",
        "U64": "int64_list, in two's complement from 2^63 on",
        "F64": "bytes_list, for tf.io.decode_raw(value, tf.float64)",
        "U128": _BYTES,
        "U256": _BYTES,
        "I256": f"{_BYTES}, two's complement",
        "Hash": "bytes_list",
        "Address": "bytes_list",
        "Fixed18": "bytes_list, decimal digits as text",
    }

    @override
    def export(self, data: Rows) -> Iterator[bytes]:
        yield from data.pieces("tfrecord")


EXPORTER = TfRecordExporter()
