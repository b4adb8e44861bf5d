# pragma version 0.4.3
"""
@title Makes smart wallets at addresses that follow from owner and salt
@notice A wallet is a minimal proxy (ERC-1167) made by CREATE2.
"""

interface Account:
    def initialize(its_owner: address): nonpayable

event AccountCreated:
    account: indexed(address)
    owner: indexed(address)
    salt: uint256

accountImplementation: public(immutable(address))


@deploy
def __init__(implementation: address):
    accountImplementation = implementation


@external
@view
def getAddress(owner: address, salt: uint256) -> address:
    return self._address(owner, salt)


@external
def createAccount(owner: address, salt: uint256) -> address:
    """
    @notice Makes the wallet, or returns the one that is there.
    """
    account: address = self._address(owner, salt)
    if account.is_contract:
        return account
    account = create_minimal_proxy_to(accountImplementation, salt=self._salt(owner, salt))
    extcall Account(account).initialize(owner)
    log AccountCreated(account=account, owner=owner, salt=salt)
    return account


@internal
@pure
def _salt(owner: address, salt: uint256) -> bytes32:
    return keccak256(abi_encode(owner, salt))


@internal
@view
def _address(owner: address, salt: uint256) -> address:
    # What `create_minimal_proxy_to` runs: the constructor (9 bytes) and the proxy (45 bytes) around the address.
    code: Bytes[54] = concat(
        x"602d3d8160093d39f3363d3d373d3d3d363d73",
        convert(accountImplementation, bytes20),
        x"5af43d82803e903d91602b57fd5bf3",
    )
    digest: bytes32 = keccak256(concat(x"ff", convert(self, bytes20), self._salt(owner, salt), keccak256(code)))
    return convert(convert(digest, uint256) & (2**160 - 1), address)
