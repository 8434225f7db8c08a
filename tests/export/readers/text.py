"""Values out of the text that stands for them."""

from decimal import Decimal


def value_of(column, text):
    """Return what `text` says in a column."""
    name = column.logical.name
    if name in {"Hash", "Address"}:
        assert text.startswith("0x")
        return bytes.fromhex(text[2:])
    if name in {"Name", "Text"}:
        return text
    if name == "Fixed18":
        return Decimal(text)
    return float(text) if name == "F64" else int(text)
