# pragma version 0.4.3
"""
@notice An ERC-20 that keeps a share of every transfer: who is paid gets less than who pays gives.
"""

from ethereum.ercs import IERC20

implements: IERC20

FEE_PPM: constant(uint256) = 10_000

name: public(constant(String[32])) = "Fee on Transfer"
symbol: public(constant(String[32])) = "FEE"
decimals: public(constant(uint8)) = 18
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
collector: public(address)


@deploy
def __init__():
    self.collector = msg.sender


@external
def mint(to: address, amount: uint256):
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


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


@internal
def _move(owner: address, to: address, amount: uint256):
    fee: uint256 = amount * FEE_PPM // 1_000_000
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount - fee
    self.balanceOf[self.collector] += fee
    log IERC20.Transfer(sender=owner, receiver=to, value=amount - fee)
    log IERC20.Transfer(sender=owner, receiver=self.collector, value=fee)
