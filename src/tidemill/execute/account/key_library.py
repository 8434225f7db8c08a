"""eth-account, brought in without the recursion limit that it sets.

It brings py_ecc, which raises the limit to 100,000: a frame that is nested so deep would end the process.
"""

import sys

_limit = sys.getrecursionlimit()
from eth_account import Account  # noqa: E402 after the limit is known
from eth_account.messages import encode_defunct  # noqa: E402
from eth_account.signers.local import LocalAccount  # noqa: E402
from eth_account.typed_transactions.typed_transaction import TypedTransaction  # noqa: E402

sys.setrecursionlimit(_limit)

__all__ = ["Account", "LocalAccount", "TypedTransaction", "encode_defunct"]
