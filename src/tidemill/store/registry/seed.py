"""Which whales does a new registry begin with."""

from tidemill.store.registry.whale import WhaleEdit

SEED: tuple[WhaleEdit, ...] = ({"address": "0x1f2dd6d473f3e824cd2f8a89d9c69fb96f6ad0cf"},)
"""The one wallet that the documentation of Polymarket's whale ingestion service names; it says nothing
else of it, so neither does this. Copying is off until a user turns it on.
"""
