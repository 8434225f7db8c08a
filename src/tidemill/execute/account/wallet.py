"""Where does the account's key come from: the environment, a file, a keystore, or a signer elsewhere?"""

import json
import os
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.key_library import Account
from tidemill.execute.account.signer import KeySigner, RemoteSigner, Signer
from tidemill.execute.desk.answers import NO_WALLET
from tidemill.execute.live.live_config import WalletConfig
from tidemill.schema.faults import Malformed, Refused

KEY_VARIABLE = "PRIVATE_KEY"
PASSWORD_VARIABLE = "KEYSTORE_PASSWORD"  # noqa: S105  the name of it
_FILE_BYTES_MAX = 1 << 16


@asynccontextmanager
async def open_wallet(
    config: WalletConfig, environ: Mapping[str, str], clock: Clock
) -> AsyncIterator[Signer]:
    """Open the one signer that settings or environment name.

    Raises: Refused where there is none, more than one, or a file is open to others; Malformed where what it
        holds is no key.
    """
    places = {
        KEY_VARIABLE: environ.get(KEY_VARIABLE),
        "key_file": config.key_file,
        "keystore": config.keystore,
        "signer_url": config.signer_url,
    }
    named = [name for name, value in places.items() if value]
    if not named:
        raise Refused(NO_WALLET)
    if len(named) > 1:
        raise Refused(f"execution.wallet: expected one place of the key, found {' and '.join(named)}")
    match named:
        case ["signer_url"]:
            if config.signer_address is None:
                raise Refused("execution.wallet.signer_address: expected the account of signer_url")
            async with HttpEndpoint(config.signer_url or "", clock) as http:
                yield RemoteSigner(http, bytes.fromhex(config.signer_address[2:]))
        case ["key_file"]:
            yield KeySigner(_read_secret(Path(config.key_file or "")))
        case ["keystore"]:
            yield _from_keystore(config, environ)
        case _:
            yield KeySigner(environ[KEY_VARIABLE])


def _from_keystore(config: WalletConfig, environ: Mapping[str, str]) -> KeySigner:
    file = Path(config.keystore or "")
    text = _read_secret(file)
    if config.password_file:
        password = _read_secret(Path(config.password_file))
    elif PASSWORD_VARIABLE in environ:
        password = environ[PASSWORD_VARIABLE]
    else:
        raise Refused(f"{file.name}: expected its password in {PASSWORD_VARIABLE} or password_file")
    try:
        key = Account.decrypt(json.loads(text), password)
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        # The cause could show what was decrypted.
        raise Malformed(
            f"{file.name}: expected a keystore and its password: {type(error).__name__}"
        ) from None
    return KeySigner(bytes(key).hex())


def _read_secret(file: Path) -> str:
    """Return what a file says that nobody else may read; the check and the reading are of the same file.

    Raises: Refused.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor) as opened:
            status = os.fstat(descriptor)
            mode = stat.S_IMODE(status.st_mode)
            if mode & 0o077 or status.st_uid not in (os.getuid(), 0):
                raise Refused(
                    f"{file}: expected mode 0600 and to be owned by who runs this, found {mode:04o}"
                )
            return opened.read(_FILE_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file}: expected a secret to read: {error}") from error
