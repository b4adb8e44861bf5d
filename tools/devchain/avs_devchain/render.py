"""Blocks, transactions, receipts and logs as the JSON that nodes give."""

from typing import Any

from .blocks import ZERO_HASH, Block, PlacedLog, Receipt, placed_logs
from .commitments import EMPTY_OMMERS, bloom_bytes
from .transactions import Transaction


def hex_data(data: bytes) -> str:
    return "0x" + data.hex()


def header_json(block: Block) -> dict[str, Any]:
    """What newHeads sends: a block without its transactions."""
    return {
        "number": hex(block.number),
        "hash": block.hash,
        "parentHash": block.parent_hash,
        "nonce": "0x0000000000000000",
        "sha3Uncles": hex_data(EMPTY_OMMERS),
        "logsBloom": hex_data(bloom_bytes(block.bloom)),
        "transactionsRoot": hex_data(block.transactions_root),
        "stateRoot": hex_data(block.state_root),
        "receiptsRoot": hex_data(block.receipts_root),
        "miner": block.context.coinbase,
        "difficulty": "0x0",
        "extraData": hex_data(block.extra),
        "gasLimit": hex(block.context.gas_limit),
        "gasUsed": hex(block.gas_used),
        "timestamp": hex(block.timestamp),
        "mixHash": hex_data(block.context.randomness),
        "baseFeePerGas": hex(block.context.base_fee),
    }


def block_json(block: Block, is_full: bool) -> dict[str, Any]:
    transactions = [
        transaction_json(receipt.transaction, block, receipt) if is_full else receipt.transaction.hash
        for receipt in block.receipts
    ]
    return {
        **header_json(block), "totalDifficulty": "0x0", "size": hex(block.size), "uncles": [],
        "transactions": transactions,
    }


def transaction_json(
    transaction: Transaction, block: Block | None = None, receipt: Receipt | None = None
) -> dict[str, Any]:
    """A transaction at its place, or a pending one."""
    price = receipt.price if receipt else transaction.max_fee
    body: dict[str, Any] = {
        "hash": transaction.hash,
        "type": hex(transaction.type),
        "nonce": hex(transaction.nonce),
        "blockHash": block and block.hash,
        "blockNumber": block and hex(block.number),
        "transactionIndex": receipt and hex(receipt.index),
        "from": transaction.sender,
        "to": transaction.to,
        "value": hex(transaction.value),
        "gas": hex(transaction.gas),
        "gasPrice": hex(price),
        "input": hex_data(transaction.data),
        "v": hex(transaction.v),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if transaction.chain_id is not None:
        body["chainId"] = hex(transaction.chain_id)
    if transaction.type != 0:
        body["yParity"] = hex(transaction.v)
        body["accessList"] = [
            {"address": address, "storageKeys": [f"0x{slot:064x}" for slot in slots]}
            for address, slots in transaction.access_list
        ]
    if transaction.type == 2:
        body["maxFeePerGas"] = hex(transaction.max_fee)
        body["maxPriorityFeePerGas"] = hex(transaction.tip)
    return body


def receipt_json(block: Block, receipt: Receipt) -> dict[str, Any]:
    transaction = receipt.transaction
    logs = [log for log in placed_logs(block) if log.receipt is receipt]
    return {
        "transactionHash": transaction.hash,
        "transactionIndex": hex(receipt.index),
        "blockHash": block.hash,
        "blockNumber": hex(block.number),
        "from": transaction.sender,
        "to": transaction.to,
        "cumulativeGasUsed": hex(receipt.cumulative_gas),
        "gasUsed": hex(receipt.gas_used),
        "effectiveGasPrice": hex(receipt.price),
        "contractAddress": receipt.created,
        "logs": [log_json(log) for log in logs],
        "logsBloom": hex_data(bloom_bytes(receipt.bloom)),
        "status": hex(receipt.is_success),
        "type": hex(transaction.type),
    }


def log_json(placed: PlacedLog) -> dict[str, Any]:
    return {
        "address": placed.log.address,
        "topics": list(placed.log.topics),
        "data": placed.log.data,
        "blockNumber": hex(placed.block.number),
        "blockHash": placed.block.hash,
        "blockTimestamp": hex(placed.block.timestamp),
        "transactionHash": placed.receipt.transaction.hash,
        "transactionIndex": hex(placed.receipt.index),
        "logIndex": hex(placed.index),
        "removed": placed.is_removed,
    }


def pending_block_json(header: dict[str, Any], transactions: list, number: int, timestamp: int) -> dict[str, Any]:
    """The block that would be mined now, made of the head's header."""
    return {
        **header, "number": hex(number), "timestamp": hex(timestamp), "parentHash": header["hash"], "hash": None,
        "nonce": None, "logsBloom": None, "miner": None, "gasUsed": "0x0", "totalDifficulty": None, "size": "0x0",
        "uncles": [], "transactions": transactions, "stateRoot": ZERO_HASH,
    }
