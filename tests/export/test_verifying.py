"""What `verify` says of an export that was changed."""

import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import structs

from tidemill.export.manifest import FILE_NAME
from tidemill.export.request import ExportRequest
from tidemill.export.running import run_export
from tidemill.export.targets import target_of
from tidemill.export.verifying import verify
from tidemill.schema.faults import Refused

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
async def out(world, maker, tmp_path):
    await world.swaps(0, 100)
    signing = structs.replace(maker, signing_key_pem=KEY_PEM)
    asked = ExportRequest(format="csv", table="swap", rows_a_file=40)
    await run_export(world.store, asked, target_of(str(tmp_path / "out"), tmp_path), signing)
    return tmp_path / "out"


def test_an_export_is_as_its_manifest_says(out):
    assert verify(out, public_pem(KEY)) == (1, 3, 100, 1, [])


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("part-00001.csv", lambda path: path.unlink(), "part-00001.csv: expected it, it is missing"),
        ("part-00001.csv", lambda path: path.write_bytes(path.read_bytes() + b"\n"), "bytes, found"),
        (
            "part-00001.csv",
            lambda path: path.write_bytes(path.read_bytes().replace(b"1", b"2")),
            "part-00001.csv: expected SHA-256",
        ),
        ("more.csv", lambda path: path.write_text("x"), "more.csv: expected no such file"),
        (
            FILE_NAME,
            lambda path: path.write_bytes(path.read_bytes().replace(b'"rows": 100', b'"rows": 101')),
            "expected the signature of this manifest, found one of another",
        ),
        (FILE_NAME, lambda path: path.write_text("{}"), "expected a manifest, found"),
    ],
)
def test_what_was_changed_is_named(out, name, damage, message):
    damage(out / name)
    found = verify(out)
    assert any(message in difference for difference in found.differences), found.differences


def test_anothers_signature_is_not_enough(out):
    other = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    assert "expected the given key's signature" in verify(out, public_pem(other)).differences[0]


async def test_a_signature_that_is_asked_for_must_be_there(world, maker, tmp_path):
    asked = ExportRequest(format="csv", table="swap")
    await run_export(world.store, asked, target_of(str(tmp_path / "out"), tmp_path), maker)
    assert verify(tmp_path / "out").differences == []
    assert "expected a signature, found none" in verify(tmp_path / "out", public_pem(KEY)).differences[0]


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
async def test_an_archive_is_verified_as_it_is(world, maker, tmp_path, suffix):
    await world.swaps(0, 10)
    path = tmp_path / f"out{suffix}"
    asked = ExportRequest(format="csv", table="swap", partition_by="date")
    await run_export(world.store, asked, target_of(str(path), tmp_path), maker)
    assert verify(path)[:3] == (1, 2, 10)
    assert verify(path).differences == []
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(Refused, match="expected an archive"):
        verify(path)


async def test_a_run_that_is_missing_is_named(world, maker, tmp_path):
    target = target_of(str(tmp_path / "out"), tmp_path)
    asked = ExportRequest(format="csv", table="swap", is_incremental=True)
    for first in (0, 10, 20):
        await world.swaps(first, first + 10)
        await run_export(world.store, asked, target, maker)
    assert verify(tmp_path / "out").differences == []
    shutil.rmtree(tmp_path / "out" / "run-00002")
    assert verify(tmp_path / "out").differences == ["run-00002: expected it before run-00003, it is missing"]
