"""Who may call the data API, how often, how much: [api.auth], [api.limits], [api.tls], [api.audit]."""

from typing import Annotated

from msgspec import Meta, Struct

PerMinute = Annotated[int, Meta(ge=1, le=10_000_000)]
_Seconds = Annotated[float, Meta(gt=0, le=3_600)]
_Positive = Annotated[int, Meta(ge=1)]


class AuthSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [api.auth]: who may call."""

    enabled: bool = False
    """Whether callers must say who they are; `jwt_secret` and `jwt_keys` switch it on too. It may be off only
    where this machine alone reaches `api.host`."""
    jwt_secret: str | None = None
    """Signs tokens by HS256 (JWT_SECRET); 32 bytes at least, as RFC 7518 asks."""
    jwt_keys: str | None = None
    """A file with a JSON Web Key Set: public keys for RS256 and EdDSA, each with its `kid`. It is read again
    when it changes, so that keys can be replaced while it runs."""
    jwt_issuer: str | None = None
    """What a token's `iss` must be; absent: anything."""
    jwt_audience: str | None = None
    """What a token's `aud` must hold; absent: a token with an `aud` is refused: it is for others."""
    jwt_role_claim: str = "role"
    """The claim that names the caller's role, or a list of them, of which the highest counts."""
    allowed_addresses: tuple[str, ...] = ()
    """Networks that may call, such as 10.0.0.0/8; absent: all."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of our own proxies: of what calls through them X-Forwarded-For says the address, read from
    its end to the first that is none of ours. Nobody else's word is taken."""
    cors_origins: tuple[str, ...] = ()
    """Origins, such as https://desk.example, whose pages may call; those of others are turned away."""
    ticket_ttl_s: _Seconds = 30.0
    """How long a ticket is good, which stands in for a key in the address of a browser's stream, once."""

    @property
    def is_on(self) -> bool:
        """Whether callers must say who they are."""
        return self.enabled or self.jwt_secret is not None or self.jwt_keys is not None


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [api.limits]: how often and how much."""

    requests_per_minute: PerMinute | None = None
    """Of each key, each token's subject, and each address. Absent: 1000 where callers say who they are, and
    no limit where they need not, which is on this machine alone."""
    body_bytes_max: _Positive = 1_048_576
    """Of a request; the largest that a route takes has some kilobytes."""
    head_bytes_max: _Positive = 32_768
    """Of a request's line and headers together."""
    query_bytes_max: _Positive = 16_384
    """Of what follows the `?`."""
    head_timeout_s: _Seconds = 10.0
    """How long a connection may take to send a request's head, and one of HTTP/2 may have no request."""
    body_timeout_s: _Seconds = 30.0
    """How long it may take to send the body."""
    stall_timeout_s: _Seconds = 30.0
    """How long it may leave an answer unread."""
    connections_per_address_max: _Positive = 256
    """Of one address at a time, so that one caller does not take all of `api.connections_max`; over HTTP/2
    each request that is under way is one more. None of a trusted proxy, nor where callers need not say who
    they are."""
    at_once_per_caller_max: _Positive = 256
    """Requests and streams of one key, or one token's subject, that are open at a time."""


class TlsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [api.tls]: TLS 1.2 or later, where a certificate is set."""

    certificate: str | None = None
    """A PEM file with the server's certificate, and those between it and its root."""
    private_key: str | None = None
    """A PEM file with its key, without a password; absent: it is in the certificate's file."""
    client_ca: str | None = None
    """A PEM file: who calls must have a certificate of one of these authorities (mTLS), beside their key."""


class AuditSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [api.audit]: who did what, a JSON object a line in `logs/audit.log`."""

    enabled: bool | None = None
    """Absent: where callers say who they are."""
    rotate_bytes: Annotated[int, Meta(ge=10_000)] = 50_000_000
    """A file of this size is put aside; it holds some 150,000 requests."""
    rotated_files: Annotated[int, Meta(ge=1)] = 10
    """How many files are kept aside."""
