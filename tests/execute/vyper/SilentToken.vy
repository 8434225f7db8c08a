# pragma version 0.4.3
"""
@notice A token as Tether's on Ethereum: its functions return nothing, and an allowance is set only from or to zero.
"""

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])

event Transfer:
    giver: indexed(address)
    to: indexed(address)
    size: uint256


@external
def mint(to: address, size: uint256):
    self.balanceOf[to] += size
    log Transfer(giver=empty(address), to=to, size=size)


@external
def approve(taker: address, size: uint256):
    assert size == 0 or self.allowance[msg.sender][taker] == 0, "allowance stands"
    self.allowance[msg.sender][taker] = size


@external
def transfer(to: address, size: uint256):
    self._move(msg.sender, to, size)


@external
def transferFrom(giver: address, to: address, size: uint256):
    self.allowance[giver][msg.sender] -= size
    self._move(giver, to, size)


@internal
def _move(giver: address, to: address, size: uint256):
    self.balanceOf[giver] -= size
    self.balanceOf[to] += size
    log Transfer(giver=giver, to=to, size=size)
