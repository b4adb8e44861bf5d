# pragma version 0.4.3
"""
@title A smart wallet for entry point v0.6: the code behind the factory's proxies
@notice Its owner and the controller may sign operations; its owner and the entry point may have it call others.
"""

import user_operation

event SimpleAccountInitialized:
    entryPoint: indexed(address)
    owner: indexed(address)

MAX_CALLS: constant(uint256) = 8
MAX_CALL_DATA: constant(uint256) = 8192
SIGNATURE_FAILED: constant(uint256) = 1

entryPoint: public(immutable(address))
controller: public(immutable(address))
owner: public(address)


@deploy
def __init__(entry_point: address, its_controller: address):
    entryPoint = entry_point
    controller = its_controller
    self.owner = entry_point  # nobody can claim the code itself


@external
def initialize(its_owner: address):
    assert self.owner == empty(address), "account: already initialized"
    self.owner = its_owner
    log SimpleAccountInitialized(entryPoint=entryPoint, owner=its_owner)


@external
@payable
def __default__():
    pass


@external
def validateUserOp(
    userOp: user_operation.UserOperation, userOpHash: bytes32, missingAccountFunds: uint256
) -> uint256:
    assert msg.sender == entryPoint, "account: not from EntryPoint"
    if missingAccountFunds != 0:
        # Whether it was enough is for the entry point to see.
        is_sent: bool = raw_call(msg.sender, b"", value=missingAccountFunds, revert_on_failure=False)
    signer: address = user_operation.signer(userOpHash, userOp.signature)
    if signer != empty(address) and (signer == self.owner or signer == controller):
        return 0
    return SIGNATURE_FAILED


@external
def execute(dest: address, amount: uint256, func: Bytes[MAX_CALL_DATA]):
    self._require_authorized()
    raw_call(dest, func, value=amount)


@external
def executeBatch(dest: DynArray[address, MAX_CALLS], func: DynArray[Bytes[MAX_CALL_DATA], MAX_CALLS]):
    self._require_authorized()
    assert len(dest) == len(func), "wrong array lengths"
    for i: uint256 in range(len(dest), bound=MAX_CALLS):
        raw_call(dest[i], func[i])


@external
def executeBatchWithValues(
    dest: DynArray[address, MAX_CALLS],
    values: DynArray[uint256, MAX_CALLS],
    func: DynArray[Bytes[MAX_CALL_DATA], MAX_CALLS],
):
    self._require_authorized()
    assert len(dest) == len(values) and len(dest) == len(func), "wrong array lengths"
    for i: uint256 in range(len(dest), bound=MAX_CALLS):
        raw_call(dest[i], func[i], value=values[i])


@internal
@view
def _require_authorized():
    assert msg.sender == entryPoint or msg.sender == self.owner, "account: not Owner or EntryPoint"
