# pragma version 0.4.3
"""
@title What the ERC-4337 contracts here share: the operation of entry point v0.6, its hash, and who signed it
@notice The lengths are ours, to bound the memory that Vyper sets aside; the ABI is `bytes` all the same.
"""

MAX_CALL_DATA: constant(uint256) = 8192
MAX_OTHER: constant(uint256) = 512

struct UserOperation:
    sender: address
    nonce: uint256
    initCode: Bytes[MAX_OTHER]
    callData: Bytes[MAX_CALL_DATA]
    callGasLimit: uint256
    verificationGasLimit: uint256
    preVerificationGas: uint256
    maxFeePerGas: uint256
    maxPriorityFeePerGas: uint256
    paymasterAndData: Bytes[MAX_OTHER]
    signature: Bytes[MAX_OTHER]


@internal
@pure
def hash(op: UserOperation) -> bytes32:
    """
    @notice The inner hash: everything but the signature. The entry point adds its address and the chain to it.
    """
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
            keccak256(op.paymasterAndData),
        )
    )


@internal
@pure
def signer(digest: bytes32, signature: Bytes[MAX_OTHER]) -> address:
    """
    @notice Who signed the digest as a personal message (EIP-191); the zero address if nobody did.
    """
    if len(signature) != 65:
        return empty(address)
    message: bytes32 = keccak256(concat(b"\x19Ethereum Signed Message:\n32", digest))
    r: bytes32 = extract32(signature, 0)
    s: bytes32 = extract32(signature, 32)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    return ecrecover(message, v, r, s)
