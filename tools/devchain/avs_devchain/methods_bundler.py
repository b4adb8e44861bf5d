"""The methods of the bundler's own endpoint."""

from typing import Any

from eth_abi import decode
from eth_utils import to_checksum_address

from . import render
from .blocks import placed_logs
from .bundler import ENTRY_POINT, ESTIMATION_GAS, REASON_EVENT, Bundler, Operation
from .faults import Fault
from .jsonrpc import INVALID_PARAMS, Methods, RPCError, address, hash32, mapping

METHODS = Methods()
method = METHODS.named


def require_entry_point(value: Any) -> None:
    if address(value) != ENTRY_POINT:
        raise RPCError(INVALID_PARAMS, f"unsupported entry point {value}; it is {to_checksum_address(ENTRY_POINT)}")


@method("eth_chainId")
def chain_id(bundler: Bundler) -> str:
    return hex(bundler.node.chain.options.chain_id)


@method("web3_clientVersion")
def client_version(bundler: Bundler) -> str:
    return "avs-devchain-bundler/1"


@method("eth_supportedEntryPoints")
def supported_entry_points(bundler: Bundler) -> list[str]:
    return [to_checksum_address(ENTRY_POINT)]


@method("eth_sendUserOperation")
def send(bundler: Bundler, operation: Any, entry_point: Any) -> str:
    require_entry_point(entry_point)
    return bundler.accept(Operation.parse(operation))


@method("eth_estimateUserOperationGas")
def estimate(bundler: Bundler, operation: Any, entry_point: Any, overrides: Any = None) -> dict[str, str]:
    """Estimates with fees of zero and ample gas, whatever the operation says; signatures may be dummies."""
    require_entry_point(entry_point)
    asked = {
        **mapping(operation), "callGasLimit": 0, "verificationGasLimit": ESTIMATION_GAS, "preVerificationGas": 0,
        "maxFeePerGas": 0, "maxPriorityFeePerGas": 0,
    }
    return bundler.estimate(Operation.parse(asked, {"initCode": "0x", "paymasterAndData": "0x", "signature": "0x"}))


@method("eth_getUserOperationByHash")
def by_hash(bundler: Bundler, operation_hash: Any) -> dict[str, Any] | None:
    operation = bundler.known.get(hash32(operation_hash))
    if operation is None:
        return None
    place = bundler.event(hash32(operation_hash))
    return {
        "userOperation": operation.described(),
        "entryPoint": to_checksum_address(ENTRY_POINT),
        "blockNumber": place and hex(place[0].number),
        "blockHash": place and place[0].hash,
        "transactionHash": place and place[1].transaction.hash,
    }


@method("eth_getUserOperationReceipt")
def receipt(bundler: Bundler, operation_hash: Any) -> dict[str, Any] | None:
    wanted = hash32(operation_hash)
    place = bundler.event(wanted)
    if place is None:
        return None
    block, transaction_receipt, event = place
    nonce, is_success, cost, gas = decode(["uint256", "bool", "uint256", "uint256"], bytes.fromhex(event.data[2:]))
    answer = {
        "userOpHash": wanted,
        "entryPoint": to_checksum_address(ENTRY_POINT),
        "sender": to_checksum_address("0x" + event.topics[2][-40:]),
        "paymaster": to_checksum_address("0x" + event.topics[3][-40:]),
        "nonce": hex(nonce), "success": is_success, "actualGasCost": hex(cost), "actualGasUsed": hex(gas),
        "logs": [render.log_json(log) for log in logs_of(block, transaction_receipt, event)],
        "receipt": render.receipt_json(block, transaction_receipt),
    }
    for log in transaction_receipt.logs:
        if log.topics[:2] == (REASON_EVENT, wanted):
            answer["reason"] = "0x" + decode(["uint256", "bytes"], bytes.fromhex(log.data[2:]))[1].hex()
    return answer


def logs_of(block, transaction_receipt, event) -> list:
    """Returns the logs that the operation's own call wrote: those between the event before its own and its own."""
    own: list = []
    for placed in placed_logs(block):
        if placed.receipt is not transaction_receipt:
            continue
        if placed.log is event:
            break
        own = [] if placed.log.topics[:1] == event.topics[:1] else own + [placed]
    return [placed for placed in own if placed.log.address != ENTRY_POINT]


@method("debug_bundler_dumpMempool")
def dump(bundler: Bundler, entry_point: Any) -> list[dict[str, str]]:
    require_entry_point(entry_point)
    return [operation.described() for operation in bundler.waiting.values()]


@method("debug_bundler_sendBundleNow")
def send_now(bundler: Bundler) -> dict[str, str | None]:
    return {"transactionHash": bundler.send_bundle()}


@method("debug_bundler_setBundlingMode")
def set_mode(bundler: Bundler, mode: str) -> str:
    """`auto` sends each operation as it comes, `manual` waits for debug_bundler_sendBundleNow."""
    if mode not in ("auto", "manual"):
        raise RPCError(INVALID_PARAMS, f"no mode {mode!r}; there are auto and manual")
    bundler.is_automatic = mode == "auto"
    return "ok"


@method("debug_bundler_clearState")
def clear(bundler: Bundler) -> str:
    bundler.waiting.clear()
    bundler.known.clear()
    return "ok"


@method("dev_setFaults")
def set_faults(bundler: Bundler, faults: list) -> bool:
    """As on the chain's endpoint, for this one."""
    bundler.faults.set([Fault.parse(fault) for fault in faults])
    return True
