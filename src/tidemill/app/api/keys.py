"""`tidemill keys`: make, list and end the keys that the data API is called with."""

import datetime as dt
import json

import msgspec

from tidemill.app.settings import Environment
from tidemill.serve.auth.api_key import make_key
from tidemill.serve.role import Role
from tidemill.store.registry.api_keys import ApiKey, open_api_keys

_NEVER = "never"


def create(
    environment: Environment,
    name: str,
    role: Role,
    days: float | None,
    requests_per_minute: int | None,
    *,
    is_json: bool,
) -> int:
    """Make a key and print it, this once; return the exit code."""
    lifetime = None if days is None else dt.timedelta(days=days)
    made = make_key(name, role, dt.datetime.now(dt.UTC), lifetime, requests_per_minute)
    with open_api_keys(environment.registry_url, environment.settings.registry) as keys:
        keys.add(made.kept)
    if is_json:
        print(json.dumps({"key": made.secret, "id": made.kept.id, "role": role, "expires": _end(made.kept)}))
    else:
        print(made.secret)
    return 0


def show(environment: Environment, *, is_json: bool) -> int:
    """Print what is known of every key; return the exit code."""
    with open_api_keys(environment.registry_url, environment.settings.registry) as keys:
        found = keys.all()
    if is_json:
        told = [
            {name: value for name, value in key._asdict().items() if name != "secret_hash"} for key in found
        ]
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
        return 0
    now = dt.datetime.now(dt.UTC)
    print("\n".join(_line(key, now) for key in found) or "no keys; `tidemill keys create NAME` makes one")
    return 0


def revoke(environment: Environment, key_ids: list[str], *, is_json: bool) -> int:
    """End keys now; return the exit code. Raises: Unknown, where there is no such key."""
    now = dt.datetime.now(dt.UTC)
    with open_api_keys(environment.registry_url, environment.settings.registry) as keys:
        revoked = [key_id for key_id in key_ids if keys.revoke(key_id, now)]
    if is_json:
        print(json.dumps({"revoked": revoked}))
    else:
        print(f"revoked {len(revoked)}; a server that runs hears of it within seconds")
    return 0


def _line(key: ApiKey, now: dt.datetime) -> str:
    is_over = key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now)
    return (
        f"{key.id}  {key.role:<7}  {'ended' if is_over else 'good ':<5}  expires {_end(key):<20}  {key.name}"
    )


def _end(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    return _NEVER if key.expires_at is None else f"{key.expires_at:%Y-%m-%dT%H:%MZ}"
