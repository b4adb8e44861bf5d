# pragma version 0.4.3
"""
@title A paymaster for entry point v0.6 that pays for what its signer has signed
@notice paymasterAndData = this address (20) ‖ abi.encode(validUntil, validAfter) (64) ‖ signature (65).
        The hash is mixed from the operation's fields, not from its raw call data as the original does: ask getHash.
"""

import user_operation

interface EntryPoint:
    def depositTo(account: address): payable
    def balanceOf(account: address) -> uint256: view
    def withdrawTo(withdrawAddress: address, withdrawAmount: uint256): nonpayable

SIGNATURE_OFFSET: constant(uint256) = 84

entryPoint: public(immutable(address))
verifyingSigner: public(immutable(address))
owner: public(immutable(address))
senderNonce: public(HashMap[address, uint256])


@deploy
def __init__(entry_point: address, signer: address, its_owner: address):
    entryPoint = entry_point
    verifyingSigner = signer
    owner = its_owner


@external
@payable
def deposit():
    extcall EntryPoint(entryPoint).depositTo(self, value=msg.value)


@external
@view
def getDeposit() -> uint256:
    return staticcall EntryPoint(entryPoint).balanceOf(self)


@external
def withdrawTo(withdrawAddress: address, amount: uint256):
    assert msg.sender == owner, "Ownable: caller is not the owner"
    extcall EntryPoint(entryPoint).withdrawTo(withdrawAddress, amount)


@external
@view
def getHash(userOp: user_operation.UserOperation, validUntil: uint48, validAfter: uint48) -> bytes32:
    """
    @notice What the signer signs. It depends on neither paymasterAndData nor signature, which do not exist yet.
    """
    return self._hash(userOp, validUntil, validAfter)


@external
@pure
def parsePaymasterAndData(paymasterAndData: Bytes[512]) -> (uint48, uint48, Bytes[512]):
    until: uint256 = extract32(paymasterAndData, 20, output_type=uint256)
    after: uint256 = extract32(paymasterAndData, 52, output_type=uint256)
    signature: Bytes[512] = slice(paymasterAndData, SIGNATURE_OFFSET, len(paymasterAndData) - SIGNATURE_OFFSET)
    return convert(until, uint48), convert(after, uint48), signature


@external
def validatePaymasterUserOp(
    userOp: user_operation.UserOperation, userOpHash: bytes32, maxCost: uint256
) -> (Bytes[32], uint256):
    assert msg.sender == entryPoint, "Sender not EntryPoint"
    size: uint256 = len(userOp.paymasterAndData)
    assert size >= SIGNATURE_OFFSET, "VerifyingPaymaster: invalid signature length in paymasterAndData"
    until: uint256 = extract32(userOp.paymasterAndData, 20, output_type=uint256)
    after: uint256 = extract32(userOp.paymasterAndData, 52, output_type=uint256)
    signature: Bytes[512] = slice(userOp.paymasterAndData, SIGNATURE_OFFSET, size - SIGNATURE_OFFSET)
    assert len(signature) in [64, 65], "VerifyingPaymaster: invalid signature length in paymasterAndData"

    digest: bytes32 = self._hash(userOp, convert(until, uint48), convert(after, uint48))
    self.senderNonce[userOp.sender] += 1
    packed: uint256 = (until << 160) | (after << 208)
    if user_operation.signer(digest, signature) != verifyingSigner:
        packed |= 1
    return b"", packed


@internal
@view
def _hash(op: user_operation.UserOperation, until: uint48, after: uint48) -> bytes32:
    return keccak256(
        abi_encode(
            op.sender,
            op.nonce,
            keccak256(op.initCode),
            keccak256(op.callData),
            op.callGasLimit,
            op.verificationGasLimit,
            op.preVerificationGas,
            op.maxFeePerGas,
            op.maxPriorityFeePerGas,
            chain.id,
            self,
            self.senderNonce[op.sender],
            until,
            after,
        )
    )
