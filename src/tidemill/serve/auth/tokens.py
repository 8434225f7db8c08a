"""Is a JSON Web Token good, and whose is it.

The algorithm is the key's, never the token's word: a token names a key by its `kid`, and what that key is for
is settled here. Source: RFC 8725, JSON Web Token Best Current Practices, 3.1 and 3.2.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tidemill.schema.faults import Refused
from tidemill.serve.auth.caller import By, Caller
from tidemill.serve.auth.config import AuthSettings
from tidemill.serve.auth.denial import unknown_caller
from tidemill.serve.role import Role

_SECRET_BYTES_MIN = 32
_RSA_BITS_MIN = 2_048
_TOKEN_CHARS_MAX = 8_192
_KID_CHARS_MAX = 256
_LATEST_S = 1e12
_SECRET_KID = None
"""Names JWT_SECRET: a token that it signed has no `kid`."""
NO_TOKEN = "expected a token that is signed by a key of ours, of now, and for us"  # noqa: S105 a message


class _Key(NamedTuple):
    verifies: Any
    algorithm: str


class TokenKeys:
    """The keys that tokens are signed with, by `kid`; they are taken anew when their file changes."""

    def __init__(self, settings: AuthSettings) -> None:
        """Raise Refused, where the secret is too short or the file holds what is no such key."""
        self._settings = settings
        self._file = None if settings.jwt_keys is None else Path(settings.jwt_keys)
        self._content = b""
        self._keys: dict[str | None, _Key] = {}
        if settings.jwt_secret is not None:
            self._secret = {_SECRET_KID: _secret_key(settings.jwt_secret)}
        else:
            self._secret = {}
        self.reload()

    @property
    def are_there(self) -> bool:
        """Whether a token can be good at all."""
        return bool(self._keys)

    def reload(self) -> bool:
        """Read the file again; return whether it holds other keys. Raises: Refused, and keeps what it had."""
        content = b"" if self._file is None else _content(self._file)
        if self._keys and content == self._content:
            return False
        found = {} if self._file is None else dict(_keys_in(content, self._file))
        self._keys = {**self._secret, **found}
        self._content = content
        return True

    def caller(self, token: str, now_s: float) -> Caller:
        """Return whose token it is. Raises: Denied."""
        settings = self._settings
        try:
            key = self._keys[_kid(token)]
            claims = jwt.decode(
                token,
                key.verifies,
                algorithms=[key.algorithm],
                issuer=settings.jwt_issuer,
                audience=settings.jwt_audience,
                options={"require": _required(settings), "verify_exp": False, "verify_nbf": False},
            )
        except (jwt.PyJWTError, KeyError, ValueError, UnicodeError, RecursionError):
            raise unknown_caller(NO_TOKEN) from None
        name, role, expires_s = claims.get("sub"), self._role(claims), _seconds(claims, "exp")
        begins_s = _seconds(claims, "nbf") if "nbf" in claims else 0.0
        if expires_s is None or begins_s is None or not begins_s <= now_s < expires_s:
            raise unknown_caller(NO_TOKEN)
        if not isinstance(name, str) or not name or role is None:
            raise unknown_caller(
                f"expected a token with a `sub` and a `{settings.jwt_role_claim}` that is one of"
                f" {', '.join(Role)}"
            )
        return Caller(name, role, By.TOKEN, expires_s)

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        told = claims.get(self._settings.jwt_role_claim)
        names = told if isinstance(told, list) else [told]
        return next((role for role in reversed(Role) if role.value in names), None)


def _required(settings: AuthSettings) -> list[str]:
    named = {"iss": settings.jwt_issuer, "aud": settings.jwt_audience}
    return ["exp", "sub", *(claim for claim, value in named.items() if value is not None)]


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a moment; None where the claim is no finite number."""
    value: Any = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LATEST_S else None  # NaN is not less than anything


def _kid(token: str) -> str | None:
    if len(token) > _TOKEN_CHARS_MAX:
        raise ValueError
    kid = jwt.get_unverified_header(token).get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > _KID_CHARS_MAX):
        raise ValueError
    return kid


def _secret_key(secret: str) -> _Key:
    if len(secret.encode()) < _SECRET_BYTES_MIN:
        raise Refused(
            f"api.auth.jwt_secret (JWT_SECRET): expected {_SECRET_BYTES_MIN} bytes or more, found"
            f" {len(secret.encode())}; `openssl rand -base64 48` makes one"
        )
    return _Key(secret, "HS256")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as fault:
        raise Refused(f"api.auth.jwt_keys: expected a key set in {file}: {fault.strerror}") from None


def _keys_in(content: bytes, file: Path) -> Iterator[tuple[str, _Key]]:
    where = f"api.auth.jwt_keys: {file}"
    try:
        told = msgspec.json.decode(content, type=dict[str, list[dict[str, Any]]]).get("keys", [])
    except msgspec.MsgspecError as fault:
        raise Refused(f'{where}: expected {{"keys": […]}}: {fault}') from None
    kids: set[str] = set()
    for number, one in enumerate(told):
        kid = one.get("kid")
        if not isinstance(kid, str) or not kid or kid in kids:
            raise Refused(f"{where}: key {number}: expected a `kid` of its own")
        kids.add(kid)
        yield kid, _public_key(one, f"{where}: key {kid!r}")
    if not kids:
        raise Refused(f"{where}: expected keys, found none")


def _public_key(told: dict[str, Any], where: str) -> _Key:
    if "d" in told or told.get("kty") == "oct":
        raise Refused(f"{where}: expected a public key: what signs has no business in this file")
    try:
        key: Any = jwt.PyJWK.from_dict({**told, "alg": None}).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as fault:
        raise Refused(f"{where}: expected a public key of RSA or Ed25519: {fault}") from None
    if isinstance(key, Ed25519PublicKey):
        algorithm = "EdDSA"
    elif isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        algorithm = "RS256"
    else:
        raise Refused(f"{where}: expected RSA of {_RSA_BITS_MIN} bits or more, or Ed25519, found another")
    if told.get("alg", algorithm) != algorithm:
        raise Refused(f"{where}: expected `alg` {algorithm}, found {told['alg']!r}")
    return _Key(key, algorithm)
