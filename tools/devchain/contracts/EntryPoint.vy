# pragma version 0.4.3
"""
@title A subset of the ERC-4337 entry point v0.6, compatible in ABI, hashes, events and error codes
@notice Operations are validated, executed, charged and reported as the original does. See the README beside it for
        what is left out: stakes, aggregators, post-operation calls of a paymaster.
"""

import user_operation

struct DepositInfo:
    deposit: uint112
    staked: bool
    stake: uint112
    unstakeDelaySec: uint32
    withdrawTime: uint48

# What validation leaves for execution.
struct Validated:
    op_hash: bytes32
    paymaster: address
    prefund: uint256
    gas_used: uint256
    price: uint256
    is_signature_bad: bool  # the account's
    is_sponsor_bad: bool  # the paymaster's
    valid_after: uint256
    valid_until: uint256

event UserOperationEvent:
    userOpHash: indexed(bytes32)
    sender: indexed(address)
    paymaster: indexed(address)
    nonce: uint256
    success: bool
    actualGasCost: uint256
    actualGasUsed: uint256

event UserOperationRevertReason:
    userOpHash: indexed(bytes32)
    sender: indexed(address)
    nonce: uint256
    revertReason: Bytes[MAX_REASON]

event AccountDeployed:
    userOpHash: indexed(bytes32)
    sender: indexed(address)
    factory: address
    paymaster: address

event BeforeExecution:
    pass

event Deposited:
    account: indexed(address)
    totalDeposit: uint256

event Withdrawn:
    account: indexed(address)
    withdrawAddress: address
    amount: uint256

MAX_OPS: constant(uint256) = 8
MAX_REASON: constant(uint256) = 2048
FOREVER: constant(uint256) = 2**48 - 1
# What our bookkeeping around the two validation calls costs: mostly copies of the operation in memory. The original
# needs far less, so this much is not held against the operation's verificationGasLimit.
GAS_OF_OUR_OWN: constant(uint256) = 250_000

VALIDATE: constant(Bytes[4]) = method_id(
    "validateUserOp((address,uint256,bytes,bytes,uint256,uint256,uint256,uint256,uint256,bytes,bytes),bytes32,uint256)"
)
VALIDATE_PAYMASTER: constant(Bytes[4]) = method_id(
    "validatePaymasterUserOp((address,uint256,bytes,bytes,uint256,uint256,uint256,uint256,uint256,bytes,bytes),bytes32,uint256)"
)

balances: HashMap[address, uint256]
sequences: HashMap[address, HashMap[uint192, uint256]]


# --- Deposits --------------------------------------------------------------------------------------------------------

@external
@payable
def __default__():
    self._deposit(msg.sender, msg.value)


@external
@payable
def depositTo(account: address):
    self._deposit(account, msg.value)


@external
def withdrawTo(withdrawAddress: address, withdrawAmount: uint256):
    assert withdrawAmount <= self.balances[msg.sender], "Withdraw amount too large"
    self.balances[msg.sender] -= withdrawAmount
    log Withdrawn(account=msg.sender, withdrawAddress=withdrawAddress, amount=withdrawAmount)
    raw_call(withdrawAddress, b"", value=withdrawAmount)


@external
@view
def balanceOf(account: address) -> uint256:
    return self.balances[account]


@external
@view
def getDepositInfo(account: address) -> DepositInfo:
    return DepositInfo(
        deposit=convert(self.balances[account], uint112), staked=False, stake=0, unstakeDelaySec=0, withdrawTime=0
    )


@internal
def _deposit(account: address, amount: uint256):
    self.balances[account] += amount
    log Deposited(account=account, totalDeposit=self.balances[account])


# --- Nonces and hashes -----------------------------------------------------------------------------------------------

@external
@view
def getNonce(sender: address, key: uint192) -> uint256:
    return self.sequences[sender][key] | (convert(key, uint256) << 64)


@external
def incrementNonce(key: uint192):
    self.sequences[msg.sender][key] += 1


@external
@view
def getUserOpHash(userOp: user_operation.UserOperation) -> bytes32:
    return self._hash(userOp)


@internal
@view
def _hash(op: user_operation.UserOperation) -> bytes32:
    return keccak256(abi_encode(user_operation.hash(op), self, chain.id))


# --- Handling operations ---------------------------------------------------------------------------------------------

@external
@nonreentrant
def handleOps(ops: DynArray[user_operation.UserOperation, MAX_OPS], beneficiary: address):
    """
    @notice Validates all operations, then runs them; the gas they paid for goes to the beneficiary.
            One that does not validate reverts the whole bundle with FailedOp; one whose call fails is charged.
    """
    validated: DynArray[Validated, MAX_OPS] = []
    index: uint256 = 0
    for op: user_operation.UserOperation in ops:
        result: Validated = self._validate(index, op)
        if result.is_signature_bad:
            self._fail(index, "AA24 signature error")
        if result.is_sponsor_bad:
            self._fail(index, "AA34 signature error")
        if block.timestamp > result.valid_until or block.timestamp <= result.valid_after:
            self._fail(index, "AA22 expired or not due" if result.paymaster == empty(address)
                       else "AA32 paymaster expired or not due")
        validated.append(result)
        index += 1

    log BeforeExecution()
    collected: uint256 = 0
    index = 0
    for op: user_operation.UserOperation in ops:
        collected += self._execute(index, op, validated[index])
        index += 1
    assert beneficiary != empty(address), "AA90 invalid beneficiary"
    raw_call(beneficiary, b"", value=collected)


@external
def simulateValidation(userOp: user_operation.UserOperation):
    """
    @notice Always reverts: with ValidationResult if the operation validates, else with FailedOp.
    """
    result: Validated = self._validate(0, userOp)
    no_stake: uint256[2] = empty(uint256[2])
    raw_revert(
        abi_encode(
            # A tuple with a dynamic member is encoded behind an offset; the three stake infos stand in the head.
            convert(224, uint256), no_stake, no_stake, no_stake,
            result.gas_used, result.prefund, result.is_signature_bad or result.is_sponsor_bad,
            result.valid_after, result.valid_until,
            convert(192, uint256), convert(0, uint256),
            method_id=method_id(
                "ValidationResult((uint256,uint256,bool,uint48,uint48,bytes),(uint256,uint256),(uint256,uint256),(uint256,uint256))"
            ),
        )
    )


@external
def getSenderAddress(initCode: Bytes[512]):
    """
    @notice Always reverts: with SenderAddressResult and the address that this init code makes.
    """
    raw_revert(abi_encode(self._create(initCode), method_id=method_id("SenderAddressResult(address)")))


@internal
def _validate(index: uint256, op: user_operation.UserOperation) -> Validated:
    gas_before: uint256 = msg.gas
    self._require_bounded_gas(index, op)
    op_hash: bytes32 = self._hash(op)
    paymaster: address = empty(address)
    if len(op.paymasterAndData) != 0:
        if len(op.paymasterAndData) < 20:
            self._fail(index, "AA93 invalid paymasterAndData")
        paymaster = convert(slice(op.paymasterAndData, 0, 20), address)

    gas_factor: uint256 = 1 if paymaster == empty(address) else 3
    prefund: uint256 = op.maxFeePerGas * (
        op.callGasLimit + op.verificationGasLimit * gas_factor + op.preVerificationGas
    )
    self._deploy_sender(index, op, op_hash, paymaster)
    validation: uint256 = self._validate_account(index, op, op_hash, paymaster, prefund)
    if op.nonce & (2**64 - 1) != self.sequences[op.sender][convert(op.nonce >> 64, uint192)]:
        self._fail(index, "AA25 invalid account nonce")
    self.sequences[op.sender][convert(op.nonce >> 64, uint192)] += 1
    sponsor_validation: uint256 = 0
    if paymaster != empty(address):
        sponsor_validation = self._validate_paymaster(index, op, op_hash, paymaster, prefund)
    result: Validated = self._meet(validation, sponsor_validation)
    result.op_hash = op_hash
    result.paymaster = paymaster
    result.prefund = prefund
    # BASEFEE reads as zero in this EVM, so an operation pays its priority fee at least and its maximum at most.
    result.price = min(op.maxFeePerGas, op.maxPriorityFeePerGas + block.basefee)
    used: uint256 = gas_before - msg.gas
    if used > op.verificationGasLimit + GAS_OF_OUR_OWN:
        self._fail(index, "AA40 over verificationGasLimit")
    result.gas_used = used + op.preVerificationGas
    return result


@internal
@pure
def _require_bounded_gas(index: uint256, op: user_operation.UserOperation):
    together: uint256 = op.preVerificationGas | op.verificationGasLimit | op.callGasLimit
    if (together | op.maxFeePerGas | op.maxPriorityFeePerGas) >= 2**120:
        self._fail(index, "AA94 gas values overflow")


@internal
def _deploy_sender(index: uint256, op: user_operation.UserOperation, op_hash: bytes32, paymaster: address):
    if len(op.initCode) == 0:
        if not op.sender.is_contract:
            self._fail(index, "AA20 account not deployed")
        return
    if op.sender.is_contract:
        self._fail(index, "AA10 sender already constructed")
    created: address = self._create(op.initCode)
    if created == empty(address):
        self._fail(index, "AA13 initCode failed or OOG")
    if created != op.sender:
        self._fail(index, "AA14 initCode must return sender")
    if not created.is_contract:
        self._fail(index, "AA15 initCode must create sender")
    factory: address = convert(slice(op.initCode, 0, 20), address)
    log AccountDeployed(userOpHash=op_hash, sender=op.sender, factory=factory, paymaster=paymaster)


@internal
def _create(init_code: Bytes[512]) -> address:
    """
    @notice Calls the factory named by the first 20 bytes with the rest; the zero address if that fails.
            The original calls through a helper contract, so that a factory cannot mistake it for the entry point.
    """
    if len(init_code) < 20:
        return empty(address)
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        convert(slice(init_code, 0, 20), address),
        slice(init_code, 20, len(init_code) - 20),
        max_outsize=32,
        revert_on_failure=False,
    )
    if not success or len(answer) != 32:
        return empty(address)
    return convert(convert(answer, uint256) & (2**160 - 1), address)


@internal
def _validate_account(
    index: uint256, op: user_operation.UserOperation, op_hash: bytes32, paymaster: address, prefund: uint256
) -> uint256:
    missing: uint256 = 0
    if paymaster == empty(address) and self.balances[op.sender] < prefund:
        missing = prefund - self.balances[op.sender]
    success: bool = False
    answer: Bytes[MAX_REASON] = b""
    success, answer = raw_call(
        op.sender,
        abi_encode(op, op_hash, missing, method_id=VALIDATE),
        gas=op.verificationGasLimit,
        max_outsize=MAX_REASON,
        revert_on_failure=False,
    )
    if not success or len(answer) < 32:
        self._fail(index, concat("AA23 reverted", self._reason(answer)))
    if paymaster == empty(address):
        if self.balances[op.sender] < prefund:
            self._fail(index, "AA21 didn't pay prefund")
        self.balances[op.sender] -= prefund
    return extract32(answer, 0, output_type=uint256)


@internal
def _validate_paymaster(
    index: uint256, op: user_operation.UserOperation, op_hash: bytes32, paymaster: address, prefund: uint256
) -> uint256:
    """
    @notice Takes the prefund from the paymaster's deposit and asks it; its context is ignored (no postOp here).
    """
    if self.balances[paymaster] < prefund:
        self._fail(index, "AA31 paymaster deposit too low")
    self.balances[paymaster] -= prefund
    success: bool = False
    answer: Bytes[MAX_REASON] = b""
    success, answer = raw_call(
        paymaster,
        abi_encode(op, op_hash, prefund, method_id=VALIDATE_PAYMASTER),
        gas=op.verificationGasLimit,
        max_outsize=MAX_REASON,
        revert_on_failure=False,
    )
    if not success or len(answer) < 64:
        self._fail(index, concat("AA33 reverted", self._reason(answer)))
    return extract32(answer, 32, output_type=uint256)


@internal
@pure
def _meet(account: uint256, paymaster: uint256) -> Validated:
    """
    @notice Intersects two packed results: authorizer (160 bits), valid until (48, zero = for ever), valid after (48).
    """
    until: uint256 = self._until(account)
    other: uint256 = self._until(paymaster)
    result: Validated = empty(Validated)
    result.is_signature_bad = account & (2**160 - 1) != 0
    result.is_sponsor_bad = paymaster & (2**160 - 1) != 0
    result.valid_until = min(until, other)
    result.valid_after = max(account >> 208, paymaster >> 208)
    return result


@internal
@pure
def _until(packed: uint256) -> uint256:
    until: uint256 = (packed >> 160) & FOREVER
    return FOREVER if until == 0 else until


@internal
def _execute(index: uint256, op: user_operation.UserOperation, validated: Validated) -> uint256:
    """
    @notice Runs the operation's call, refunds what its prefund had too much, and reports it.
    @return What it cost, in wei.
    """
    gas_before: uint256 = msg.gas
    if msg.gas * 63 // 64 < op.callGasLimit + 5000:
        self._fail(index, "AA95 out of gas")
    success: bool = True
    reason: Bytes[MAX_REASON] = b""
    if len(op.callData) != 0:
        success, reason = raw_call(
            op.sender, op.callData, gas=op.callGasLimit, max_outsize=MAX_REASON, revert_on_failure=False
        )
    if not success and len(reason) != 0:
        log UserOperationRevertReason(
            userOpHash=validated.op_hash, sender=op.sender, nonce=op.nonce, revertReason=reason
        )
    gas_used: uint256 = gas_before - msg.gas + validated.gas_used
    cost: uint256 = gas_used * validated.price
    if cost > validated.prefund:
        cost = validated.prefund  # the original reverts with AA51; here the dearer bookkeeping is ours to bear
    payer: address = op.sender if validated.paymaster == empty(address) else validated.paymaster
    self.balances[payer] += validated.prefund - cost
    log UserOperationEvent(
        userOpHash=validated.op_hash,
        sender=op.sender,
        paymaster=validated.paymaster,
        nonce=op.nonce,
        success=success,
        actualGasCost=cost,
        actualGasUsed=gas_used,
    )
    return cost


# --- Errors ----------------------------------------------------------------------------------------------------------

@internal
@pure
def _fail(index: uint256, reason: String[512]):
    raw_revert(abi_encode(index, reason, method_id=method_id("FailedOp(uint256,string)")))


@internal
@pure
def _reason(answer: Bytes[MAX_REASON]) -> String[499]:
    """
    @notice `: text` if the answer is Error(text), else ` (or OOG)`, as the original words it.
    """
    if len(answer) >= 68 and slice(answer, 0, 4) == method_id("Error(string)"):
        size: uint256 = extract32(answer, 36, output_type=uint256)
        if size <= 256 and 68 + size <= len(answer):
            return concat(": ", convert(slice(answer, 68, size), String[256]))
    return " (or OOG)"
