"""An ERC-4337 bundler on top of the chain: checks user operations, keeps them, and sends them in bundles."""

from dataclasses import dataclass
from typing import Any

from eth_abi import decode, encode
from eth_account.signers.local import LocalAccount
from eth_utils import keccak, to_checksum_address

from .commitments import bloom_of
from .faults import Faults
from .genesis import ENTRY_POINT
from .jsonrpc import INVALID_PARAMS, RPCError, address, binary, mapping, quantity
from .messages import failure, output_or_error, revert_reason, run
from .mempool import Refused
from .node import Node
from .state import EventLog, Message, Outcome
from .transactions import signed

OPERATION_TYPE = "(address,uint256,bytes,bytes,uint256,uint256,uint256,uint256,uint256,bytes,bytes)"
RETURN_INFO = "(uint256,uint256,bool,uint48,uint48,bytes)"
STAKE_INFO = "(uint256,uint256)"


def selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


HANDLE_OPS = selector(f"handleOps({OPERATION_TYPE}[],address)")
SIMULATE_VALIDATION = selector(f"simulateValidation({OPERATION_TYPE})")
GET_HASH = selector(f"getUserOpHash({OPERATION_TYPE})")
FAILED_OP = selector("FailedOp(uint256,string)")
VALIDATION_RESULT = selector(f"ValidationResult({RETURN_INFO},{STAKE_INFO},{STAKE_INFO},{STAKE_INFO})")
OPERATION_EVENT = "0x" + keccak(
    text="UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)").hex()
REASON_EVENT = "0x" + keccak(text="UserOperationRevertReason(bytes32,address,uint256,bytes)").hex()

# Error codes of the ERC-4337 RPC.
REJECTED = -32500
PAYMASTER_REJECTED = -32501
EXPIRED = -32503
BAD_SIGNATURE = -32507
CALL_REVERTED = -32521

MAX_WAITING = 1_000
MAX_KNOWN = 10_000  # operations that can be asked for by hash; the oldest are forgotten
MAX_BUNDLE = 8  # what our entry point takes
BUNDLE_OVERHEAD = 500_000
MIN_VALID_SECONDS = 30
REPLACEMENT_PERCENT = 110
ESTIMATION_GAS = 5_000_000


@dataclass(frozen=True)
class Operation:
    """A user operation of entry point v0.6, its members in the order of the ABI."""

    sender: str
    nonce: int
    init_code: bytes
    call_data: bytes
    call_gas: int
    verification_gas: int
    pre_verification_gas: int
    max_fee: int
    tip: int
    paymaster_and_data: bytes
    signature: bytes

    MEMBERS = (
        ("sender", address), ("nonce", quantity), ("initCode", binary), ("callData", binary),
        ("callGasLimit", quantity), ("verificationGasLimit", quantity), ("preVerificationGas", quantity),
        ("maxFeePerGas", quantity), ("maxPriorityFeePerGas", quantity), ("paymasterAndData", binary),
        ("signature", binary),
    )

    @classmethod
    def parse(cls, value: Any, defaults: dict[str, Any] | None = None) -> "Operation":
        """Reads the JSON form; all members must be there, but for those with a default."""
        fields = {**(defaults or {}), **mapping(value)}
        try:
            return cls(*(read(fields[name]) for name, read in cls.MEMBERS))
        except KeyError as missing:
            raise invalid_operation(f"{missing.args[0]} is missing") from missing
        except RPCError as error:
            raise invalid_operation(error.message) from error

    @property
    def values(self) -> tuple:
        return (
            self.sender, self.nonce, self.init_code, self.call_data, self.call_gas, self.verification_gas,
            self.pre_verification_gas, self.max_fee, self.tip, self.paymaster_and_data, self.signature,
        )

    def described(self) -> dict[str, str]:
        return {name: shown(name, value) for (name, _), value in zip(self.MEMBERS, self.values)}

    @property
    def gas(self) -> int:
        """What a bundle must leave for it."""
        factor = 3 if self.paymaster_and_data else 1
        return self.call_gas + factor * self.verification_gas + self.pre_verification_gas


def shown(name: str, value: Any) -> str:
    if name == "sender":
        return to_checksum_address(value)
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def invalid_operation(text: str) -> RPCError:
    return RPCError(INVALID_PARAMS, f"invalid UserOperation struct/fields: {text}")


class Bundler:
    """Operations that wait, and those that were sent. `is_automatic` sends each at once."""

    def __init__(self, node: Node, signer: LocalAccount):
        self.node = node
        self.faults = Faults()
        self.is_automatic = True
        self.waiting: dict[str, Operation] = {}
        self.known: dict[str, Operation] = {}
        self._signer = signer

    def accept(self, operation: Operation) -> str:
        """Checks an operation as it would run now, and keeps it or sends it. Returns its hash."""
        operation_hash = self.hash_of(operation)
        if operation_hash in self.waiting:
            return operation_hash
        self._check_validation(self.simulate(operation))
        self._replace_or_refuse(operation)
        self.waiting[operation_hash] = self.known[operation_hash] = operation
        while len(self.known) > MAX_KNOWN:
            del self.known[next(iter(self.known))]
        if self.is_automatic:
            self.send_bundle()
        return operation_hash

    def hash_of(self, operation: Operation) -> str:
        return "0x" + output_or_error(self._run(GET_HASH + encode([OPERATION_TYPE], [operation.values]))).hex()

    def simulate(self, operation: Operation) -> tuple:
        """Returns (preOpGas, prefund, sigFailed, validAfter, validUntil, context); a refusal raises RPCError."""
        outcome = self._run(SIMULATE_VALIDATION + encode([OPERATION_TYPE], [operation.values]))
        if outcome.output[:4] == VALIDATION_RESULT:
            return decode([RETURN_INFO, STAKE_INFO, STAKE_INFO, STAKE_INFO], outcome.output[4:])[0]
        raise refusal(outcome)

    def send_bundle(self) -> str | None:
        """Sends what waits and still validates, one operation of each sender; returns the transaction's hash."""
        bundle: list[Operation] = []
        gas = BUNDLE_OVERHEAD
        for operation_hash, operation in list(self.waiting.items()):
            is_full = len(bundle) == MAX_BUNDLE or gas + operation.gas > self.node.chain.options.gas_limit
            if is_full or any(other.sender == operation.sender for other in bundle):
                continue
            del self.waiting[operation_hash]
            if self._run(self._handle_ops([operation])).is_success:
                bundle.append(operation)
                gas += operation.gas
        return self._send(bundle, gas) if bundle else None

    def _send(self, bundle: list[Operation], gas: int) -> str:
        chain = self.node.chain
        tip = max(1, min(operation.tip for operation in bundle))
        transaction = signed(self._signer, {
            "chainId": chain.options.chain_id, "nonce": chain.pending_nonce(self._signer.address.lower()), "value": 0,
            "to": ENTRY_POINT, "data": self._handle_ops(bundle), "gas": gas, "maxPriorityFeePerGas": tip,
            "maxFeePerGas": 2 * chain.base_fee + tip,
        })
        try:
            return chain.submit(transaction)
        except Refused as error:
            raise RPCError(REJECTED, f"the bundle was refused: {error}") from error

    def _handle_ops(self, bundle: list[Operation]) -> bytes:
        values = [operation.values for operation in bundle]
        return HANDLE_OPS + encode([f"{OPERATION_TYPE}[]", "address"], [values, self._signer.address])

    def _check_validation(self, info: tuple) -> None:
        _, _, is_signature_bad, valid_after, valid_until, _ = info
        now = self.node.chain.pending_context().timestamp
        if is_signature_bad:
            raise RPCError(BAD_SIGNATURE, "AA24 signature error")
        if valid_until < now + MIN_VALID_SECONDS or valid_after >= now:
            raise RPCError(EXPIRED, "AA22 expired or not due")

    def _replace_or_refuse(self, operation: Operation) -> None:
        for operation_hash, other in list(self.waiting.items()):
            if (other.sender, other.nonce) == (operation.sender, operation.nonce):
                if operation.max_fee * 100 < other.max_fee * REPLACEMENT_PERCENT:
                    raise RPCError(INVALID_PARAMS, "replacement operation underpriced")
                del self.waiting[operation_hash]
        if len(self.waiting) >= MAX_WAITING:
            raise RPCError(REJECTED, f"{MAX_WAITING} operations are waiting already")

    def _run(self, data: bytes) -> Outcome:
        message = Message(self._signer.address.lower(), ENTRY_POINT, data)
        return run(self.node, message, self.node.chain.pending_context())

    # --- Estimates

    def estimate(self, operation: Operation) -> dict[str, str]:
        """Returns gas limits with which the operation runs on the present state; its signatures may be dummies."""
        used = self.simulate(operation)[0] - operation.pre_verification_gas
        call = self._estimate_call(operation) if operation.call_data else 0
        packed = len(encode([OPERATION_TYPE], [operation.values]))
        return {
            "preVerificationGas": hex(45_000 + 12 * packed),
            "verificationGasLimit": hex(used * 13 // 10),
            "callGasLimit": hex(call),
        }

    def _estimate_call(self, operation: Operation) -> int:
        """Returns the gas of the call from the entry point, after the wallet was made if it is yet to be."""
        state = self.node.chain.state
        with self.node.viewing("pending") as context:
            if operation.init_code:
                factory = "0x" + operation.init_code[:20].hex()
                state.apply(run(self.node, Message(ENTRY_POINT, factory, operation.init_code[20:]), context).changes)
            outcome = run(self.node, Message(ENTRY_POINT, operation.sender, operation.call_data), context)
        if not outcome.is_success:
            reason = failure(outcome)
            raise RPCError(CALL_REVERTED, reason.message, reason.data)
        return outcome.gas_used * 12 // 10 + 10_000

    # --- What became of them

    def event(self, operation_hash: str):
        """Returns (block, receipt, log) of the operation's event on the chain."""
        bits = bloom_of([EventLog(ENTRY_POINT, (OPERATION_EVENT, operation_hash), "0x")])
        chain = self.node.chain
        for block in reversed(chain.blocks(0, chain.head.number)):
            if block.bloom & bits == bits:
                for receipt in block.receipts:
                    for log in receipt.logs:
                        if log.topics[:2] == (OPERATION_EVENT, operation_hash) and log.address == ENTRY_POINT:
                            return block, receipt, log
        return None


def refusal(outcome: Outcome) -> RPCError:
    """Returns the error for what the entry point said instead of a result."""
    if outcome.output[:4] != FAILED_OP:
        return RPCError(REJECTED, f"validation failed: {outcome.halt_reason or revert_reason(outcome.output)}")
    _, reason = decode(["uint256", "string"], outcome.output[4:])
    code = PAYMASTER_REJECTED if reason.startswith("AA3") else REJECTED
    return RPCError(BAD_SIGNATURE if "signature error" in reason else code, reason)
