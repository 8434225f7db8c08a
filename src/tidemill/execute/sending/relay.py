"""How does a relay of Flashbots' protocol know who asks: by a signature over each body."""

from typing import Any

from tidemill._rust import keccak256
from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.signer import KeySigner
from tidemill.execute.sending.submitting import NotTaken, Submitter, Taken, spelled

SIGNATURE_HEADER = "X-Flashbots-Signature"


class Relay(Submitter):
    """A private relay; `identity` is a key that holds nothing and by which the relay remembers who asks."""

    is_private = True

    def __init__(self, http: HttpEndpoint, identity: KeySigner) -> None:
        super().__init__(http)
        self._identity = identity

    async def _ask_signed(self, method: str, params: list[Any]) -> Taken | NotTaken:
        """Ask with the signature of the body's hash, spelled in digits.

        Source: docs.flashbots.net, "Authentication", read 2026-11.
        """
        body = spelled(method, params)
        signature = self._identity.sign_text("0x" + keccak256(body).hex())
        header = f"0x{self._identity.address.hex()}:0x{signature.hex()}"
        return await self._send(body, {SIGNATURE_HEADER: header})
