# pragma version 0.4.3
"""
@notice Swaps in pools of Balancer's V3 vault for whoever calls, fills them, and keeps their shares; the vault calls it
    back once it is unlocked.
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

struct Addition:
    pool: address
    to: address
    amounts_max: DynArray[uint256, 8]
    share_min: uint256
    kind: uint8
    user_data: Bytes[32]

struct Removal:
    pool: address
    owner: address
    share_max: uint256
    amounts_min: DynArray[uint256, 8]
    kind: uint8
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
    def addLiquidity(added: Addition) -> (DynArray[uint256, 8], uint256, Bytes[32]): nonpayable
    def removeLiquidity(removed: Removal) -> (uint256, DynArray[uint256, 8], Bytes[32]): nonpayable

MILLION: constant(uint256) = 10**6
UNBALANCED: constant(uint8) = 1
PROPORTIONAL: constant(uint8) = 0
VAULT: immutable(address)
moved: transient(uint256)


@deploy
def __init__(vault: address):
    VAULT = vault


@external
def fill(pool: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    extcall Vault(VAULT).unlock(
        abi_encode(
            msg.sender,
            pool,
            tokens,
            amounts,
            method_id=method_id("filling(address,address,address[],uint256[])"),
        )
    )


@external
def filling(payer: address, pool: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    assert msg.sender == VAULT
    extcall Vault(VAULT).initialize(pool, self, tokens, amounts, 0, b"")
    self._pay_all(payer, tokens, amounts)


@external
def add(pool: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    extcall Vault(VAULT).unlock(
        abi_encode(
            msg.sender,
            pool,
            tokens,
            amounts,
            method_id=method_id("adding(address,address,address[],uint256[])"),
        )
    )


@external
def adding(payer: address, pool: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    assert msg.sender == VAULT
    extcall Vault(VAULT).addLiquidity(
        Addition(pool=pool, to=self, amounts_max=amounts, share_min=0, kind=UNBALANCED, user_data=b"")
    )
    self._pay_all(payer, tokens, amounts)


@external
def remove(pool: address, tokens: DynArray[address, 8], share_ppm: uint256):
    """
    @notice Take some of what it keeps of a pool out, in all of its tokens; whoever calls gets them.
    """
    extcall Vault(VAULT).unlock(
        abi_encode(
            msg.sender,
            pool,
            tokens,
            share_ppm,
            method_id=method_id("removing(address,address,address[],uint256)"),
        )
    )


@external
def removing(paid: address, pool: address, tokens: DynArray[address, 8], share_ppm: uint256):
    assert msg.sender == VAULT
    share: uint256 = staticcall IERC20(pool).balanceOf(self) * share_ppm // MILLION
    least: DynArray[uint256, 8] = []
    for token: address in tokens:
        least.append(0)
    burnt: uint256 = 0
    amounts: DynArray[uint256, 8] = []
    told: Bytes[32] = b""
    burnt, amounts, told = extcall Vault(VAULT).removeLiquidity(
        Removal(
            pool=pool, owner=self, share_max=share, amounts_min=least, kind=PROPORTIONAL, user_data=b""
        )
    )
    for i: uint256 in range(len(tokens), bound=8):
        extcall Vault(VAULT).sendTo(tokens[i], paid, amounts[i])


@external
def swap(kind: uint8, pool: address, token_in: address, token_out: address, amount: uint256) -> uint256:
    """
    @return What was bought where `kind` is 0 and `amount` is paid, what was paid where it is 1.
    """
    extcall Vault(VAULT).unlock(
        abi_encode(
            msg.sender,
            kind,
            pool,
            token_in,
            token_out,
            amount,
            method_id=method_id("swapping(address,uint8,address,address,address,uint256)"),
        )
    )
    return self.moved


@external
def swapping(
    payer: address, kind: uint8, pool: address, token_in: address, token_out: address, amount: uint256
):
    assert msg.sender == VAULT
    paid: uint256 = 0
    bought: uint256 = 0
    self.moved, paid, bought = self._swapped(kind, pool, token_in, token_out, amount)
    self._pay(payer, token_in, paid)
    extcall Vault(VAULT).sendTo(token_out, payer, bought)


@external
def ask(kind: uint8, pool: address, token_in: address, token_out: address, amount: uint256) -> uint256:
    """
    @notice To be called by nobody, with no transaction. It leaves nothing changed, so that many may be asked in one
        call: the vault itself would keep what a question did until that ends.
    @return What the same swap would return.
    """
    question: Bytes[4096] = abi_encode(
        kind,
        pool,
        token_in,
        token_out,
        amount,
        method_id=method_id("asking(uint8,address,address,address,uint256)"),
    )
    is_kept: bool = False
    told: Bytes[64] = b""
    is_kept, told = raw_call(
        VAULT, abi_encode(question, method_id=method_id("quote(bytes)")), max_outsize=64, revert_on_failure=False
    )
    assert not is_kept and len(told) == 32
    return convert(slice(told, 0, 32), uint256)


@external
def asking(kind: uint8, pool: address, token_in: address, token_out: address, amount: uint256):
    assert msg.sender == VAULT
    found: uint256 = 0
    paid: uint256 = 0
    bought: uint256 = 0
    found, paid, bought = self._swapped(kind, pool, token_in, token_out, amount)
    raw_revert(abi_encode(found))


def _swapped(
    kind: uint8, pool: address, token_in: address, token_out: address, amount: uint256
) -> (uint256, uint256, uint256):
    return extcall Vault(VAULT).swap(
        Swap(
            kind=kind,
            pool=pool,
            token_in=token_in,
            token_out=token_out,
            amount=amount,
            limit=0 if kind == 0 else max_value(uint256),
            user_data=b"",
        )
    )


def _pay_all(payer: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    for i: uint256 in range(len(tokens), bound=8):
        if amounts[i] > 0:
            self._pay(payer, tokens[i], amounts[i])


def _pay(payer: address, token: address, amount: uint256):
    assert extcall IERC20(token).transferFrom(payer, VAULT, amount)
    extcall Vault(VAULT).settle(token, amount)
