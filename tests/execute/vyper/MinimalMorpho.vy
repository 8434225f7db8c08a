# pragma version 0.4.3
"""
@notice Lends as Morpho Blue does, and nothing else: no package carries Morpho's own bytecode.
@dev Source: morpho-blue, Morpho.sol, flashLoan; selectors and order of the calls are its own.
"""

interface Token:
    def transfer(to: address, size: uint256) -> bool: nonpayable
    def transferFrom(giver: address, to: address, size: uint256) -> bool: nonpayable

interface Borrower:
    def onMorphoFlashLoan(assets: uint256, data: Bytes[2048]): nonpayable

event FlashLoan:
    caller: indexed(address)
    token: indexed(address)
    assets: uint256


@external
def flashLoan(token: address, assets: uint256, data: Bytes[2048]):
    assert assets != 0, "zero assets"
    log FlashLoan(caller=msg.sender, token=token, assets=assets)
    assert extcall Token(token).transfer(msg.sender, assets, default_return_value=True)
    extcall Borrower(msg.sender).onMorphoFlashLoan(assets, data)
    assert extcall Token(token).transferFrom(msg.sender, self, assets, default_return_value=True)
