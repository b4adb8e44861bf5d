"""The methods that read the chain and its state. Those in the other files are registered in the same table."""

from typing import Any

from eth_utils import keccak

from . import messages, render
from .blocks import Block
from .jsonrpc import INVALID_PARAMS, Methods, RPCError, address, binary, hash32, quantity
from .node import Node

METHODS = Methods()
method = METHODS.named

TIP = 10**9
MAX_FEE_HISTORY = 1_024


# --- About the node --------------------------------------------------------------------------------------------------

@method("web3_clientVersion")
def client_version(node: Node) -> str:
    return "avs-devchain/1 (pyrevm)"


@method("web3_sha3")
def sha3(node: Node, data: Any) -> str:
    return "0x" + keccak(binary(data)).hex()


@method("net_version")
def net_version(node: Node) -> str:
    return str(node.chain.options.chain_id)


@method("net_listening")
def listening(node: Node) -> bool:
    return True


@method("net_peerCount")
def peer_count(node: Node) -> str:
    return "0x0"


@method("eth_chainId")
def chain_id(node: Node) -> str:
    return hex(node.chain.options.chain_id)


@method("eth_syncing")
def syncing(node: Node) -> bool:
    return False


@method("eth_mining")
def mining(node: Node) -> bool:
    return node.chain.is_automining or node.block_time is not None


@method("eth_coinbase")
def coinbase(node: Node) -> str:
    return node.chain.head.context.coinbase


@method("eth_accounts")
def accounts(node: Node) -> list[str]:
    return [account.signer.address for account in node.accounts]


# --- Fees ------------------------------------------------------------------------------------------------------------

@method("eth_gasPrice")
def gas_price(node: Node) -> str:
    return hex(node.chain.base_fee + TIP)


@method("eth_maxPriorityFeePerGas")
def max_priority_fee(node: Node) -> str:
    return hex(TIP)


@method("eth_feeHistory")
def fee_history(node: Node, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
    last = node.require(newest).number
    first = max(0, last + 1 - min(quantity(count), MAX_FEE_HISTORY))
    blocks = node.chain.blocks(first, last)
    answer: dict[str, Any] = {
        "oldestBlock": hex(first),
        "baseFeePerGas": [hex(block.context.base_fee) for block in blocks] + [hex(node.chain.base_fee)],
        "gasUsedRatio": [block.gas_used / block.context.gas_limit for block in blocks],
    }
    if percentiles:
        if not all(isinstance(p, (int, float)) and 0 <= p <= 100 for p in percentiles):
            raise RPCError(INVALID_PARAMS, "reward percentiles must be numbers from 0 to 100")
        answer["reward"] = [[hex(tip_at(block, percentile)) for percentile in percentiles] for block in blocks]
    return answer


def tip_at(block: Block, percentile: float) -> int:
    """Returns the priority fee below which this share of the block's gas was paid."""
    paid = sorted((receipt.price - block.context.base_fee, receipt.gas_used) for receipt in block.receipts)
    threshold, gas = block.gas_used * percentile / 100, 0
    for tip, used in paid:
        gas += used
        if gas >= threshold:
            return tip
    return 0


# --- Blocks ----------------------------------------------------------------------------------------------------------

@method("eth_blockNumber")
def block_number(node: Node) -> str:
    return hex(node.chain.head.number)


@method("eth_getBlockByNumber")
def block_by_number(node: Node, parameter: Any, is_full: bool = False) -> dict[str, Any] | None:
    if parameter == "pending":
        return pending_block(node, is_full)
    block = node.find(parameter)
    return block and render.block_json(block, is_full)


def pending_block(node: Node, is_full: bool) -> dict[str, Any]:
    chain = node.chain
    nonces = {sender: chain.state.account(sender).nonce for sender in chain.pool.senders()}
    waiting = []
    for transaction in chain.pool.executable(nonces, chain.base_fee):
        nonces[transaction.sender] += 1
        waiting.append(render.transaction_json(transaction) if is_full else transaction.hash)
    context = chain.pending_context()
    return render.pending_block_json(render.header_json(chain.head), waiting, context.number, context.timestamp)


@method("eth_getBlockByHash")
def block_by_hash(node: Node, block_hash: Any, is_full: bool = False) -> dict[str, Any] | None:
    block = node.chain.block_by_hash(hash32(block_hash))
    return block and render.block_json(block, is_full)


@method("eth_getBlockTransactionCountByNumber")
def count_by_number(node: Node, parameter: Any) -> str | None:
    block = node.find(parameter)
    return block and hex(len(block.receipts))


@method("eth_getBlockTransactionCountByHash")
def count_by_hash(node: Node, block_hash: Any) -> str | None:
    block = node.chain.block_by_hash(hash32(block_hash))
    return block and hex(len(block.receipts))


@method("eth_getUncleCountByBlockNumber", "eth_getUncleCountByBlockHash")
def uncle_count(node: Node, parameter: Any) -> str:
    return "0x0"


@method("eth_getBlockReceipts")
def block_receipts(node: Node, parameter: Any) -> list[dict] | None:
    is_hash = isinstance(parameter, str) and len(parameter) == 66
    block = node.find({"blockHash": parameter} if is_hash else parameter)
    return block and [render.receipt_json(block, receipt) for receipt in block.receipts]


# --- State -----------------------------------------------------------------------------------------------------------

@method("eth_getBalance")
def balance(node: Node, who: Any, at: Any = "latest") -> str:
    with node.viewing(at):
        return hex(node.chain.state.account(address(who)).balance)


@method("eth_getCode")
def code(node: Node, who: Any, at: Any = "latest") -> str:
    with node.viewing(at):
        return render.hex_data(node.chain.state.account(address(who)).code)


@method("eth_getStorageAt")
def storage_at(node: Node, who: Any, slot: Any, at: Any = "latest") -> str:
    with node.viewing(at):
        return f"0x{node.chain.state.slot(address(who), quantity(slot)):064x}"


@method("eth_getTransactionCount")
def transaction_count(node: Node, who: Any, at: Any = "latest") -> str:
    if at == "pending":
        return hex(node.chain.pending_nonce(address(who)))
    with node.viewing(at):
        return hex(node.chain.state.account(address(who)).nonce)


@method("eth_call")
def call(node: Node, transaction: Any, at: Any = "latest", overrides: Any = None, block_overrides: Any = None) -> str:
    message = messages.message_of(transaction, node.chain.options.gas_limit)
    with node.viewing(at) as context:
        messages.apply_overrides(node.chain.state, overrides)
        outcome = messages.run(node, message, messages.overridden(context, block_overrides))
    return render.hex_data(messages.output_or_error(outcome))


@method("eth_estimateGas")
def estimate_gas(node: Node, transaction: Any, at: Any = "latest", overrides: Any = None) -> str:
    message = messages.message_of(transaction, node.chain.options.gas_limit)
    with node.viewing(at) as context:
        messages.apply_overrides(node.chain.state, overrides)
        return hex(messages.estimate(node, message, context))
