"""Simulations: eth_simulateV1, and debug_traceCall with the two tracers that wallets ask for."""

from dataclasses import replace
from typing import Any

from . import messages, render
from .blocks import ZERO_HASH
from .jsonrpc import INVALID_PARAMS, RPCError, mapping
from .methods import METHODS
from .node import Node
from .state import AccountState, BlockContext, Outcome

method = METHODS.named

MAX_SIMULATED_BLOCKS = 256
MAX_SIMULATED_CALLS = 1_000


@method("eth_simulateV1")
def simulate(node: Node, options: Any, at: Any = "latest") -> list[dict[str, Any]]:
    """Runs calls one after the other, each on what those before it left; nothing stays.

    Understood of each entry of blockStateCalls: blockOverrides, stateOverrides, calls. Fees are not charged.
    """
    entries = [mapping(entry) for entry in mapping(options).get("blockStateCalls") or []]
    calls = sum(len(entry.get("calls") or []) for entry in entries)
    if len(entries) > MAX_SIMULATED_BLOCKS or calls > MAX_SIMULATED_CALLS:
        raise RPCError(INVALID_PARAMS, f"at most {MAX_SIMULATED_BLOCKS} blocks and {MAX_SIMULATED_CALLS} calls")
    with node.viewing(at) as context:
        answers = []
        for entry in entries:
            context = replace(context, number=context.number + 1, timestamp=context.timestamp + 1)
            context = messages.overridden(context, entry.get("blockOverrides"))
            messages.apply_overrides(node.chain.state, entry.get("stateOverrides"))
            calls = [simulated_call(node, call, context) for call in entry.get("calls") or []]
            answers.append(simulated_block(context, number_logs(calls)))
        return answers


def simulated_call(node: Node, value: Any, context: BlockContext) -> dict[str, Any]:
    outcome = messages.run(node, messages.message_of(value, node.chain.options.gas_limit), context)
    node.chain.state.apply(outcome.changes)
    answer: dict[str, Any] = {
        "returnData": render.hex_data(outcome.output),
        "gasUsed": hex(outcome.gas_used),
        "status": hex(outcome.is_success),
        "logs": [simulated_log(log, context) for log in outcome.logs],
    }
    if not outcome.is_success:
        answer["error"] = messages.failure(outcome).described()
    return answer


def simulated_log(log, context: BlockContext) -> dict[str, Any]:
    return {
        "address": log.address, "topics": list(log.topics), "data": log.data, "blockNumber": hex(context.number),
        "blockHash": ZERO_HASH, "transactionHash": ZERO_HASH, "transactionIndex": "0x0", "logIndex": "0x0",
        "removed": False,
    }


def number_logs(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    count = 0
    for index, call in enumerate(calls):
        for log in call["logs"]:
            log["transactionIndex"], log["logIndex"] = hex(index), hex(count)
            count += 1
    return calls


def simulated_block(context: BlockContext, calls: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "number": hex(context.number), "timestamp": hex(context.timestamp), "gasLimit": hex(context.gas_limit),
        "gasUsed": hex(sum(int(call["gasUsed"], 16) for call in calls)), "baseFeePerGas": hex(context.base_fee),
        "hash": ZERO_HASH, "calls": calls,
    }


@method("debug_traceCall")
def trace_call(node: Node, transaction: Any, at: Any = "latest", options: Any = None) -> dict[str, Any]:
    """Traces a call: `callTracer` gives the outermost frame with all logs, `prestateTracer` in diffMode the changes."""
    fields = mapping(options or {})
    message = messages.message_of(transaction, node.chain.options.gas_limit)
    with node.viewing(at) as context:
        messages.apply_overrides(node.chain.state, fields.get("stateOverrides"))
        outcome = messages.run(node, message, messages.overridden(context, fields.get("blockOverrides")))
        match fields.get("tracer"):
            case "callTracer": return outermost_frame(message, outcome)
            case "prestateTracer" if mapping(fields.get("tracerConfig") or {}).get("diffMode"):
                return {"pre": changed_state(node, outcome, False), "post": changed_state(node, outcome, True)}
    raise RPCError(INVALID_PARAMS, "tracers are callTracer, and prestateTracer with diffMode")


def outermost_frame(message: messages.Message, outcome: Outcome) -> dict[str, Any]:
    frame: dict[str, Any] = {
        "type": "CALL" if message.to else "CREATE", "from": message.sender, "to": message.to or outcome.created,
        "value": hex(message.value), "gas": hex(message.gas), "gasUsed": hex(outcome.gas_used),
        "input": render.hex_data(message.data), "output": render.hex_data(outcome.output),
        "logs": [
            {"address": log.address, "topics": list(log.topics), "data": log.data, "position": "0x0"}
            for log in outcome.logs
        ],
    }
    if not outcome.is_success:
        frame["error"] = outcome.halt_reason or "execution reverted"
        if reason := messages.revert_reason(outcome.output):
            frame["revertReason"] = reason
    return frame


def changed_state(node: Node, outcome: Outcome, is_after: bool) -> dict[str, Any]:
    """Returns what the message changes, as it was before or is after."""
    state: dict[str, Any] = {}
    for key, after in outcome.changes.items():
        name, slot = key
        value = after if is_after else node.chain.state.value(key)
        entry = state.setdefault(name, {})
        if isinstance(value, AccountState):
            entry.update(balance=hex(value.balance), nonce=value.nonce)
            if value.code:
                entry["code"] = render.hex_data(value.code)
        else:
            entry.setdefault("storage", {})[f"0x{slot:064x}"] = f"0x{value:064x}"
    return state
