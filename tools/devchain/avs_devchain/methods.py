"""The methods of `eth_`, `net_`, `web3_` and `txpool_`: reading the chain and its state, and sending transactions."""

from typing import Any

from eth_account.messages import encode_defunct
from eth_utils import keccak, to_checksum_address

from . import messages, render
from .blocks import Block, placed_logs
from .filters import LogFilter
from .jsonrpc import (
    INVALID_PARAMS, LIMIT_EXCEEDED, SERVER_ERROR, Methods, RPCError, address, binary, hash32, mapping, quantity,
)
from .mempool import Refused
from .node import Node
from .transactions import InvalidTransaction, Transaction, signed

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


# --- Transactions ----------------------------------------------------------------------------------------------------

@method("eth_sendRawTransaction")
def send_raw(node: Node, raw: Any) -> str:
    try:
        return node.chain.submit(Transaction.decode(binary(raw)))
    except (InvalidTransaction, Refused) as error:
        raise RPCError(SERVER_ERROR, str(error)) from error


@method("eth_sendTransaction")
def send(node: Node, value: Any) -> str:
    """Signs with one of the known keys; what is missing is filled in."""
    try:
        return node.chain.submit(sign(node, mapping(value)))
    except (InvalidTransaction, Refused) as error:
        raise RPCError(SERVER_ERROR, str(error)) from error


@method("eth_signTransaction")
def sign_transaction(node: Node, value: Any) -> dict[str, Any]:
    transaction = sign(node, mapping(value))
    return {"raw": render.hex_data(transaction.raw), "tx": render.transaction_json(transaction)}


def sign(node: Node, value: dict) -> Transaction:
    signer = signer_of(node, value.get("from"))
    chain = node.chain
    fields: dict[str, Any] = {
        "chainId": chain.options.chain_id,
        "nonce": quantity(value["nonce"]) if "nonce" in value else chain.pending_nonce(signer.address.lower()),
        "value": quantity(value.get("value") or 0),
        "data": binary(value.get("input") or value.get("data") or "0x"),
        "gas": quantity(value.get("gas") or estimate_gas(node, value, "pending")),
    }
    if value.get("to"):
        fields["to"] = to_checksum_address(address(value["to"]))
    if "gasPrice" in value:
        fields["gasPrice"] = quantity(value["gasPrice"])
    else:
        fields["maxPriorityFeePerGas"] = quantity(value.get("maxPriorityFeePerGas", TIP))
        fallback = 2 * chain.base_fee + fields["maxPriorityFeePerGas"]
        fields["maxFeePerGas"] = quantity(value.get("maxFeePerGas", fallback))
    return signed(signer, fields)


def signer_of(node: Node, who: Any):
    signer = node.signers.get(address(who))
    if signer is None:
        raise RPCError(SERVER_ERROR, f"unknown account {who}")
    return signer


@method("eth_sign")
def sign_message(node: Node, who: Any, data: Any) -> str:
    message = encode_defunct(primitive=binary(data))
    return render.hex_data(bytes(signer_of(node, who).sign_message(message).signature))


@method("personal_sign")
def personal_sign(node: Node, data: Any, who: Any, password: Any = None) -> str:
    return sign_message(node, who, data)


@method("eth_getTransactionByHash")
def transaction_by_hash(node: Node, transaction_hash: Any) -> dict[str, Any] | None:
    wanted = hash32(transaction_hash)
    if place := node.chain.place(wanted):
        block, receipt = place
        return render.transaction_json(receipt.transaction, block, receipt)
    waiting = node.chain.pool.get(wanted)
    return waiting and render.transaction_json(waiting)


@method("eth_getRawTransactionByHash")
def raw_transaction(node: Node, transaction_hash: Any) -> str | None:
    wanted = hash32(transaction_hash)
    place = node.chain.place(wanted)
    transaction = place[1].transaction if place else node.chain.pool.get(wanted)
    return transaction and render.hex_data(transaction.raw)


@method("eth_getTransactionReceipt")
def transaction_receipt(node: Node, transaction_hash: Any) -> dict[str, Any] | None:
    place = node.chain.place(hash32(transaction_hash))
    return place and render.receipt_json(*place)


@method("eth_getTransactionByBlockNumberAndIndex")
def transaction_by_number(node: Node, parameter: Any, index: Any) -> dict[str, Any] | None:
    return transaction_at(node.find(parameter), quantity(index))


@method("eth_getTransactionByBlockHashAndIndex")
def transaction_by_block_hash(node: Node, block_hash: Any, index: Any) -> dict[str, Any] | None:
    return transaction_at(node.chain.block_by_hash(hash32(block_hash)), quantity(index))


def transaction_at(block: Block | None, index: int) -> dict[str, Any] | None:
    if block is None or index >= len(block.receipts):
        return None
    receipt = block.receipts[index]
    return render.transaction_json(receipt.transaction, block, receipt)


@method("txpool_status")
def pool_status(node: Node) -> dict[str, str]:
    content = pool_content(node)
    return {part: hex(sum(map(len, content[part].values()))) for part in content}


@method("txpool_content")
def pool_content(node: Node) -> dict[str, dict]:
    """Returns what can run next (pending) and what waits behind a gap (queued), per sender and nonce."""
    content: dict[str, dict] = {"pending": {}, "queued": {}}
    for sender, queue in node.chain.pool.queues().items():
        free = node.chain.pending_nonce(sender)
        for nonce, transaction in queue.items():
            part = content["pending" if nonce < free else "queued"]
            part.setdefault(to_checksum_address(sender), {})[str(nonce)] = render.transaction_json(transaction)
    return content


# --- Logs and filters ------------------------------------------------------------------------------------------------

@method("eth_getLogs")
def get_logs(node: Node, options: Any) -> list[dict[str, Any]]:
    options = mapping(options)
    wanted = LogFilter.parse(options)
    blocks = blocks_asked(node, options)
    found = [
        log for block in blocks if block.bloom and wanted.may_match(block.bloom)
        for log in placed_logs(block) if wanted.matches(log.log)
    ]
    if node.limits.logs is not None and len(found) > node.limits.logs:
        raise RPCError(LIMIT_EXCEEDED, f"query returned more than {node.limits.logs} results")
    return [render.log_json(log) for log in found]


def blocks_asked(node: Node, options: dict) -> list[Block]:
    if options.get("blockHash") is not None:
        if options.get("fromBlock") is not None or options.get("toBlock") is not None:
            raise RPCError(INVALID_PARAMS, "cannot specify both blockHash and fromBlock/toBlock")
        block = node.chain.block_by_hash(hash32(options["blockHash"]))
        if block is None:
            raise RPCError(SERVER_ERROR, "unknown block")
        return [block]
    first, last = (node.height(options.get(name) or "latest") for name in ("fromBlock", "toBlock"))
    if first > last:
        raise RPCError(INVALID_PARAMS, f"invalid block range params: {first} is after {last}")
    if node.limits.log_range is not None and last - first >= node.limits.log_range:
        raise RPCError(LIMIT_EXCEEDED, f"block range exceeds the limit of {node.limits.log_range}")
    return node.chain.blocks(first, last)


@method("eth_newFilter")
def new_filter(node: Node, options: Any) -> str:
    return node.filters.install("logs", mapping(options))


@method("eth_newBlockFilter")
def new_block_filter(node: Node) -> str:
    return node.filters.install("blocks")


@method("eth_newPendingTransactionFilter")
def new_transaction_filter(node: Node) -> str:
    return node.filters.install("transactions")


@method("eth_getFilterChanges")
def filter_changes(node: Node, identifier: str) -> list:
    return node.filters.take(identifier)


@method("eth_getFilterLogs")
def filter_logs(node: Node, identifier: str) -> list[dict[str, Any]]:
    return get_logs(node, node.filters.get(identifier).options)


@method("eth_uninstallFilter")
def uninstall_filter(node: Node, identifier: str) -> bool:
    return node.filters.uninstall(identifier)
