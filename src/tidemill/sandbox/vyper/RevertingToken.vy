# pragma version 0.4.3
"""
@notice An ERC-20 whose views all revert while it is silent; transfers work all the same.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

is_silent: public(bool)
balances: HashMap[address, uint256]
allowances: HashMap[address, HashMap[address, uint256]]
supply: uint256


@external
def fall_silent(is_silent: bool):
    self.is_silent = is_silent


@external
def mint(to: address, amount: uint256):
    self.supply += amount
    self.balances[to] += amount
    log Transfer(sender=empty(address), receiver=to, value=amount)


@external
def transfer(to: address, amount: uint256) -> bool:
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self.allowances[owner][msg.sender] -= amount
    self._move(owner, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowances[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@view
@external
def name() -> String[32]:
    self._speak()
    return "Reverting"


@view
@external
def symbol() -> String[32]:
    self._speak()
    return "REV"


@view
@external
def decimals() -> uint8:
    self._speak()
    return 18


@view
@external
def totalSupply() -> uint256:
    self._speak()
    return self.supply


@view
@external
def balanceOf(owner: address) -> uint256:
    self._speak()
    return self.balances[owner]


@view
@external
def allowance(owner: address, spender: address) -> uint256:
    self._speak()
    return self.allowances[owner][spender]


@view
@internal
def _speak():
    assert not self.is_silent, "silent"


@internal
def _move(owner: address, to: address, amount: uint256):
    self.balances[owner] -= amount
    self.balances[to] += amount
    log Transfer(sender=owner, receiver=to, value=amount)
