"""What the methods work on: the chain, its known accounts, filters, snapshots, and the views of earlier states."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .accounts import DevAccount
from .blocks import Block
from .chain import Chain
from .faults import Faults
from .filters import FilterTable
from .genesis import Placed
from .jsonrpc import INVALID_PARAMS, SERVER_ERROR, RPCError, hash32, quantity
from .state import BlockContext

TAGS = ("latest", "pending", "safe", "finalized", "earliest")


@dataclass(frozen=True)
class Limits:
    """What one eth_getLogs may ask for; None is no limit."""

    log_range: int | None = None  # blocks
    logs: int | None = None


@dataclass(frozen=True)
class Snapshot:
    """A moment to return to."""

    block: Block
    mark: int


class Node:
    """One chain as its methods see it."""

    def __init__(
        self, chain: Chain, accounts: list[DevAccount], contracts: dict[str, Placed], limits: Limits = Limits()
    ):
        self.chain = chain
        self.contracts = contracts
        self.limits = limits
        self.accounts = accounts
        self.signers = {account.address: account.signer for account in accounts}
        self.filters = FilterTable()
        self.faults = Faults()
        self.snapshots: dict[int, Snapshot] = {}
        self.snapshot_count = 0
        self.block_time: float | None = None  # seconds between blocks; None: not by the clock
        self.is_block_time_new = asyncio.Event()
        chain.listeners.append(self.filters)

    def set_block_time(self, seconds: float | None) -> None:
        self.block_time = seconds
        self.is_block_time_new.set()

    def find(self, parameter: Any) -> Block | None:
        """Returns the block on the chain that a block parameter names, `pending` being the head."""
        match parameter:
            case {"blockHash": value}:
                block = self.chain.block_by_hash(hash32(value))
                return block if block and self.chain.is_canonical(block) else None
            case {"blockNumber": value}:
                return self.chain.block(quantity(value))
            case None:
                return self.chain.head
            case str() if parameter in TAGS:
                return self.chain.block(parameter)
            case str() | int():
                return self.chain.block(quantity(parameter))
        raise RPCError(INVALID_PARAMS, f"invalid block parameter {parameter!r}")

    def height(self, parameter: Any) -> int:
        """Returns the number that a tag or number names; it may lie above the head."""
        return self.chain.height(parameter if parameter in TAGS else quantity(parameter))

    def require(self, parameter: Any) -> Block:
        block = self.find(parameter)
        if block is None:
            raise RPCError(SERVER_ERROR, "header not found")
        return block

    @contextmanager
    def viewing(self, parameter: Any) -> Iterator[BlockContext]:
        """Turns the state into what it was after a block, for the time of the `with`; whatever is changed is undone.

        Yields what a message sees of the block. Only synchronous code may run inside.
        """
        block = self.require(parameter)
        state = self.chain.state
        mark = state.mark
        if block is not self.chain.head:
            state.apply(state.changes_back_to(block.mark))
        try:
            yield self.chain.pending_context() if parameter == "pending" else block.context
        finally:
            state.rewind(mark)
