"""Running messages that are not transactions: eth_call, estimates and simulations, with overrides."""

from dataclasses import replace
from typing import Any

from eth_abi import decode
from eth_abi.exceptions import DecodingError

from .jsonrpc import (
    MAX_BASE_FEE, MAX_HEIGHT, MAX_NONCE, MAX_TIME, REVERTED, SERVER_ERROR, RPCError, address, binary, bounded, hash32,
    mapping, quantity,
)
from .node import Node
from .state import AccountState, BlockContext, Changes, InvalidMessage, Message, Outcome, State

ZERO_ADDRESS = "0x" + "00" * 20
ERROR_SELECTOR = bytes.fromhex("08c379a0")
STIPEND = 2_300


def message_of(value: Any, gas_limit: int) -> Message:
    """Reads a transaction object; gas defaults to, and is capped by, what fits into a block."""
    fields = mapping(value)
    price = fields.get("gasPrice", fields.get("maxFeePerGas"))
    entries = [mapping(entry) for entry in fields.get("accessList") or []]
    return Message(
        sender=address(fields.get("from") or ZERO_ADDRESS),
        to=address(fields["to"]) if fields.get("to") else None,
        data=binary(fields.get("input") or fields.get("data") or "0x"),
        value=quantity(fields.get("value") or 0),
        gas=min(gas_limit, quantity(fields.get("gas") or gas_limit)),
        gas_price=quantity(price or 0),
        access_list=tuple(
            (address(entry.get("address")), tuple(int(hash32(key), 16) for key in entry.get("storageKeys") or []))
            for entry in entries),
    )


def apply_overrides(state: State, overrides: Any) -> None:
    """Applies the state overrides of eth_call: balance, nonce, code, and `state` or `stateDiff`."""
    for key, value in mapping(overrides or {}).items():
        name, fields = address(key), mapping(value)
        before = state.account(name)
        after = AccountState(
            bounded(fields.get("nonce", before.nonce), MAX_NONCE),
            quantity(fields.get("balance", before.balance)),
            binary(fields["code"]) if "code" in fields else before.code,
        )
        changes: Changes = {(name, None): after}
        if "state" in fields:
            changes.update({(name, slot): 0 for slot in state.slots(name)})
        for slot, word in mapping(fields.get("state") or fields.get("stateDiff") or {}).items():
            changes[(name, quantity(slot))] = quantity(word)
        state.apply(changes)


def overridden(context: BlockContext, overrides: Any) -> BlockContext:
    """Returns the block's context with `number`, `time`, `baseFeePerGas`, `gasLimit`, `feeRecipient` replaced."""
    fields = mapping(overrides or {})
    members = {
        "number": ("number", MAX_HEIGHT), "time": ("timestamp", MAX_TIME),
        "baseFeePerGas": ("base_fee", MAX_BASE_FEE), "gasLimit": ("gas_limit", MAX_HEIGHT),
    }
    changes: dict[str, Any] = {
        ours: bounded(fields[theirs], maximum) for theirs, (ours, maximum) in members.items() if theirs in fields
    }
    if "feeRecipient" in fields:
        changes["coinbase"] = address(fields["feeRecipient"])
    return replace(context, **changes)


def run(node: Node, message: Message, context: BlockContext) -> Outcome:
    """Runs on the present state. Raises RPCError if the message cannot begin."""
    try:
        return node.chain.state.run(message, context)
    except InvalidMessage as error:
        text = str(error)
        if "LackOfFund" in text:
            text = "insufficient funds for gas * price + value"
        elif "gas" in text.lower():
            text = "intrinsic gas too low"
        raise RPCError(SERVER_ERROR, f"err: {text} (supplied gas {message.gas})") from error


def output_or_error(outcome: Outcome) -> bytes:
    """Returns what a successful message returned. Raises RPCError as nodes do for the others."""
    if outcome.is_success:
        return outcome.output
    raise failure(outcome)


def failure(outcome: Outcome) -> RPCError:
    if outcome.halt_reason is not None:
        return RPCError(SERVER_ERROR, "out of gas" if outcome.halt_reason == "OutOfGas" else outcome.halt_reason)
    reason = revert_reason(outcome.output)
    text = f"execution reverted: {reason}" if reason else "execution reverted"
    return RPCError(REVERTED, text, "0x" + outcome.output.hex())


def revert_reason(output: bytes) -> str:
    """Returns the text of Error(string), or nothing."""
    if output[:4] != ERROR_SELECTOR:
        return ""
    try:
        return decode(["string"], output[4:])[0]
    except (DecodingError, UnicodeDecodeError):
        return ""


def estimate(node: Node, message: Message, context: BlockContext) -> int:
    """Returns the least gas limit with which the message succeeds."""
    outcome = run(node, message, context)
    output_or_error(outcome)
    low, high = outcome.gas_used - 1, message.gas  # fails with `low` or nearly so, succeeds with `high`
    guess = outcome.gas_used * 64 // 63 + STIPEND  # usually enough: inner calls get 63 of 64 parts, transfers a stipend
    while low + 1 < high:
        guess = min(guess, high - 1)
        if succeeds(node, replace(message, gas=guess), context):
            high = guess
        else:
            low = guess
        guess = (low + high) // 2
    return high


def succeeds(node: Node, message: Message, context: BlockContext) -> bool:
    try:
        return node.chain.state.run(message, context).is_success
    except InvalidMessage:
        return False
