"""eth_getLogs and the filters."""

from typing import Any

from . import render
from .blocks import Block, placed_logs
from .filters import LogFilter
from .jsonrpc import INVALID_PARAMS, LIMIT_EXCEEDED, SERVER_ERROR, RPCError, hash32, mapping
from .methods import METHODS
from .node import Node

method = METHODS.named


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
