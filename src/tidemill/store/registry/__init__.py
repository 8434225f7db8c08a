"""Know the wallets whose trades matter: what is known of each, and how it lies in a database."""

from tidemill.store.registry.whale import Whale, WhaleEdit, address_of, checksummed, edit_of

__all__ = ["Whale", "WhaleEdit", "address_of", "checksummed", "edit_of"]
