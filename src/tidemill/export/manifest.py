"""What stands beside an export: what is in it, where from, how complete, and who says so."""

import hashlib
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from msgspec import Struct, structs

from tidemill.export.exporter import Exporter
from tidemill.export.request import ExportRequest
from tidemill.schema import derive
from tidemill.schema.faults import Malformed, Refused
from tidemill.store.snapshot import Snapshot

FILE_NAME = "manifest.json"


class FileEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of an export."""

    name: str
    """Its path below the manifest's folder."""
    bytes: int
    rows: int
    sha256: str


class ColumnEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column, and how the format keeps it."""

    name: str
    type: str
    unit: str
    is_optional: bool
    kept_as: str
    """Empty where the format has a type of its own for it."""


class BlocksEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The blocks of one chain that the rows are of."""

    chain_id: int
    block_count: int
    from_block: int
    to_block: int
    first_hash: str
    last_hash: str
    sha256: str
    """Of the hashes of all blocks that have rows, 32 bytes each, by number and hash."""


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signed the manifest without this field."""

    algorithm: str
    public_key: str
    """Base64 of the 32 bytes."""
    signature: str
    """Base64 of the 64 bytes."""


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is said of one export."""

    request: ExportRequest
    snapshot: Snapshot
    since: Snapshot | None
    """Incremental: the rows that the exports before it have."""
    rows: int
    withdrawn_rows: int
    """Incremental: how many rows of the exports before it belong to blocks reverted since."""
    files: list[FileEntry]
    columns: list[ColumnEntry]
    schema_sha256: str
    proof: str | None
    """The least of what proves the rows' blocks; None where some are missing, or rows have none."""
    coverage: list[dict[str, Any]]
    blocks: list[BlocksEntry]
    version: str
    """Of tidemill."""
    made_ns: int
    signature: Signature | None = None


def column_entries(tag: str, exporter: Exporter) -> list[ColumnEntry]:
    """Return what is said of the columns of a table."""
    return [
        ColumnEntry(
            name=column.name,
            type=column.logical.name,
            unit=column.logical.unit,
            is_optional=column.is_optional,
            kept_as=exporter.kept_as.get(column.logical.name, ""),
        )
        for column in derive.columns(tag)
    ]


def schema_digest(columns: list[ColumnEntry]) -> str:
    """Return the SHA-256 of the columns as the manifest has them."""
    return hashlib.sha256(msgspec.json.encode(columns)).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as it is written."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(text: bytes, where: str) -> Manifest:
    """Return a manifest. Raises: Malformed, where it is none."""
    try:
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{where}: expected a manifest, found {error}") from error


def _signed_bytes(manifest: Manifest) -> bytes:
    return msgspec.json.encode(structs.replace(manifest, signature=None), order="deterministic")


def signed(manifest: Manifest, key_pem: bytes) -> Manifest:
    """Return the manifest with its signature. Raises: Refused, where the key is no Ed25519 key in PEM."""
    try:
        key = load_pem_private_key(key_pem, None)
    except (ValueError, TypeError) as error:
        raise Refused(f"signing key: expected an Ed25519 private key in PEM, found {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused("signing key: expected an Ed25519 private key, found one of another kind")
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    made = Signature(
        algorithm="ed25519",
        public_key=b64encode(public).decode(),
        signature=b64encode(key.sign(_signed_bytes(manifest))).decode(),
    )
    return structs.replace(manifest, signature=made)


def signature_fault(manifest: Manifest, public_pem: bytes | None) -> str | None:
    """Return what is wrong with the signature; None where it holds, or there is none and none is asked for.

    Raises: Refused, where `public_pem` is no Ed25519 public key in PEM.
    """
    found = manifest.signature
    if found is None:
        return None if public_pem is None else "expected a signature, found none"
    if public_pem is not None and b64decode(found.public_key) != _public(public_pem):
        return f"expected the given key's signature, found one of {found.public_key}"
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(found.public_key))
        key.verify(b64decode(found.signature), _signed_bytes(manifest))
    except (InvalidSignature, ValueError):
        return "expected the signature of this manifest, found one of another"
    return None


def _public(pem: bytes) -> bytes:
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise Refused(f"key: expected an Ed25519 public key in PEM, found {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Refused("key: expected an Ed25519 public key, found one of another kind")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
