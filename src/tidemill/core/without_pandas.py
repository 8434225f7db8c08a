"""PyArrow without pandas, in processes that have no use for it."""

import sys

import pyarrow as pa


class _Absent:
    """Finds that there is no pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=name)


def leave_pandas_out() -> None:
    """Have PyArrow find no pandas where it only looks whether it was given some; call it first in a process.

    At its first array of Python objects PyArrow imports pandas wherever that is installed: 0.2 s and 55 MB.
    It looks once; what cannot do without (`to_pandas`) imports it then.
    """
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(absent)
