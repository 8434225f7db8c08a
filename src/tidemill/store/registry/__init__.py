"""Know the wallets whose trades matter: what is known of each, and how it lies in a database."""

from tidemill.store.registry.database import database_of
from tidemill.store.registry.reading import read_whales
from tidemill.store.registry.registry import Put, Registry, open_registry
from tidemill.store.registry.seed import SEED
from tidemill.store.registry.upgrade import Upgraded, upgrade
from tidemill.store.registry.watching import WhaleSet, watch
from tidemill.store.registry.whale import Whale, WhaleEdit, address_of, checksummed, edit_of
from tidemill.store.registry_config import RegistrySettings

__all__ = [
    "SEED",
    "Put",
    "Registry",
    "RegistrySettings",
    "Upgraded",
    "Whale",
    "WhaleEdit",
    "WhaleSet",
    "address_of",
    "checksummed",
    "database_of",
    "edit_of",
    "open_registry",
    "read_whales",
    "upgrade",
    "watch",
]
