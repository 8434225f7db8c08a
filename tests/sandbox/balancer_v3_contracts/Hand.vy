# pragma version 0.4.3
"""
@notice Fills pools of Balancer's V3 vault and swaps in them, with its own tokens; the vault calls it back once unlocked.
"""

from ethereum.ercs import IERC20

struct Swap:
    kind: uint8
    pool: address
    token_in: address
    token_out: address
    amount: uint256
    limit: uint256
    user_data: Bytes[32]

interface Vault:
    def unlock(data: Bytes[4096]) -> Bytes[4096]: nonpayable
    def settle(token: address, amount: uint256) -> uint256: nonpayable
    def sendTo(token: address, to: address, amount: uint256): nonpayable
    def swap(swap: Swap) -> (uint256, uint256, uint256): nonpayable
    def initialize(
        pool: address,
        to: address,
        tokens: DynArray[address, 8],
        amounts: DynArray[uint256, 8],
        share_min: uint256,
        user_data: Bytes[32],
    ) -> uint256: nonpayable

VAULT: immutable(address)
moved: transient(uint256)


@deploy
def __init__(vault: address):
    VAULT = vault


@external
def fill(pool: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    extcall Vault(VAULT).unlock(
        abi_encode(pool, tokens, amounts, method_id=method_id("filling(address,address[],uint256[])"))
    )


@external
def filling(pool: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    assert msg.sender == VAULT
    extcall Vault(VAULT).initialize(pool, self, tokens, amounts, 0, b"")
    for i: uint256 in range(len(tokens), bound=8):
        self._pay(tokens[i], amounts[i])


@external
def swap(kind: uint8, pool: address, token_in: address, token_out: address, amount: uint256) -> uint256:
    """
    @return What was bought where `kind` is 0 and `amount` is paid, what was paid where it is 1.
    """
    extcall Vault(VAULT).unlock(
        abi_encode(
            kind,
            pool,
            token_in,
            token_out,
            amount,
            method_id=method_id("swapping(uint8,address,address,address,uint256)"),
        )
    )
    return self.moved


@external
def swapping(kind: uint8, pool: address, token_in: address, token_out: address, amount: uint256):
    assert msg.sender == VAULT
    limit: uint256 = 0 if kind == 0 else max_value(uint256)
    paid: uint256 = 0
    bought: uint256 = 0
    self.moved, paid, bought = extcall Vault(VAULT).swap(
        Swap(
            kind=kind,
            pool=pool,
            token_in=token_in,
            token_out=token_out,
            amount=amount,
            limit=limit,
            user_data=b"",
        )
    )
    self._pay(token_in, paid)
    extcall Vault(VAULT).sendTo(token_out, self, bought)


def _pay(token: address, amount: uint256):
    assert extcall IERC20(token).transfer(VAULT, amount)
    extcall Vault(VAULT).settle(token, amount)
