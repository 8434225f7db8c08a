"""What can be set of exports."""

from msgspec import Struct

DEFAULT_TABLE = "arbitrage_transaction"
"""What is exported where no table is named."""


class ExportConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [export]."""

    folder: str = "exports"
    """Where exports go that name no target; a relative path lies in the data folder."""
    signing_key_file: str | None = None
    """An Ed25519 private key in PEM (`openssl genpkey -algorithm ed25519`), which signs manifests; absent:
    they are not signed."""
