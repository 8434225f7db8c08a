"""What does an API key look like, and how is it known again.

A key is 256 random bits, so its hash needs no slowness: nobody can try them all, and a slow hash for each
request would let strangers keep the server busy. BLAKE2b, RFC 7693.
"""

import datetime as dt
import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

from tidemill.serve.role import Role
from tidemill.store.registry.api_keys import ApiKey

PREFIX = "tidemill_"
_ID_BYTES, _SECRET_BYTES, _HASH_BYTES = 6, 32, 32
_KEY = re.compile(rf"{PREFIX}([0-9a-f]{{{2 * _ID_BYTES}}})_([A-Za-z0-9_-]{{43}})")


class MadeKey(NamedTuple):
    """A new key."""

    secret: str
    """What its owner shows; nobody can read it again."""
    kept: ApiKey


def make_key(
    name: str,
    role: Role,
    now: dt.datetime,
    lifetime: dt.timedelta | None = None,
    requests_per_minute: int | None = None,
) -> MadeKey:
    """Return a new key of `name`, which ends `lifetime` after `now`; None: never."""
    key_id = secrets.token_hex(_ID_BYTES)
    secret = f"{PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    kept = ApiKey(
        id=key_id,
        name=name,
        role=role.value,
        secret_hash=_hash(secret),
        created_at=now,
        requests_per_minute=requests_per_minute,
        expires_at=None if lifetime is None else now + lifetime,
    )
    return MadeKey(secret, kept)


def id_of(secret: str) -> str | None:
    """Return the id that a key holds; None where it is no key."""
    found = _KEY.fullmatch(secret)
    return None if found is None else found[1]


def is_key(secret: str, kept: ApiKey) -> bool:
    """Say whether `secret` is the key that is kept."""
    return hmac.compare_digest(_hash(secret), kept.secret_hash)


def _hash(secret: str) -> str:
    return hashlib.blake2b(secret.encode(), digest_size=_HASH_BYTES).hexdigest()
