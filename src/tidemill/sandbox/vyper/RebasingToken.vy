# pragma version 0.4.3
"""
@notice An ERC-20 whose balances are shares of a pot: `rebase` changes everyone's balance without a transfer.
"""

from ethereum.ercs import IERC20

implements: IERC20

event Rebase:
    total: uint256

# Shares of one unit before the first rebase.
SHARE: constant(uint256) = 10 ** 9

name: public(constant(String[32])) = "Rebasing"
symbol: public(constant(String[32])) = "REB"
decimals: public(constant(uint8)) = 18
shares: HashMap[address, uint256]
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
total_shares: uint256


@external
def mint(to: address, amount: uint256):
    minted: uint256 = self._shares(amount)
    self.totalSupply += amount
    self.total_shares += minted
    self.shares[to] += minted
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@external
def rebase(total: uint256):
    assert self.total_shares > 0
    self.totalSupply = total
    log Rebase(total=total)


@view
@external
def balanceOf(owner: address) -> uint256:
    if self.total_shares == 0:
        return 0
    return self.shares[owner] * self.totalSupply // self.total_shares


@external
def transfer(to: address, amount: uint256) -> bool:
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self.allowance[owner][msg.sender] -= amount
    self._move(owner, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@view
@internal
def _shares(amount: uint256) -> uint256:
    if self.total_shares == 0:
        return amount * SHARE
    return amount * self.total_shares // self.totalSupply


@internal
def _move(owner: address, to: address, amount: uint256):
    moved: uint256 = self._shares(amount)
    self.shares[owner] -= moved
    self.shares[to] += moved
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)
