"""The methods that send and show transactions, and those of the pool."""

from typing import Any

from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address

from . import render
from .blocks import Block
from .jsonrpc import SERVER_ERROR, RPCError, address, binary, hash32, mapping, quantity
from .mempool import Refused
from .methods import METHODS, TIP, estimate_gas
from .node import Node
from .transactions import InvalidTransaction, Transaction, signed

method = METHODS.named


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


def signer_of(node: Node, who: Any) -> LocalAccount:
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
