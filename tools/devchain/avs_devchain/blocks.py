"""Blocks, receipts and logs as values, and the sealing of a block."""

from dataclasses import dataclass

import rlp

from . import commitments
from .state import BlockContext, EventLog
from .transactions import Transaction

ZERO_HASH = "0x" + "00" * 32


@dataclass(frozen=True)
class Receipt:
    """What one transaction did in its block."""

    transaction: Transaction
    index: int
    is_success: bool
    gas_used: int
    cumulative_gas: int
    price: int
    created: str | None
    logs: tuple[EventLog, ...]
    first_log_index: int
    bloom: int

    def encoded(self) -> bytes:
        """The bytes that the receipts' root commits to."""
        logs = [
            [bytes.fromhex(log.address[2:]), [bytes.fromhex(t[2:]) for t in log.topics], bytes.fromhex(log.data[2:])]
            for log in self.logs
        ]
        body = rlp.encode([
            b"\1" if self.is_success else b"", commitments.number(self.cumulative_gas),
            commitments.bloom_bytes(self.bloom), logs,
        ])
        return bytes([self.transaction.type]) + body if self.transaction.type else body


@dataclass(frozen=True)
class Block:
    """A block on or off the chain. `mark` is where the state's undo log stood after it."""

    hash: str
    parent_hash: str
    context: BlockContext
    extra: bytes
    gas_used: int
    bloom: int
    transactions_root: bytes
    receipts_root: bytes
    state_root: bytes
    size: int
    receipts: tuple[Receipt, ...]
    mark: int

    @property
    def number(self) -> int:
        return self.context.number

    @property
    def timestamp(self) -> int:
        return self.context.timestamp


@dataclass(frozen=True)
class PlacedLog:
    """A log with its place on the chain, as filters and subscriptions see it."""

    log: EventLog
    block: Block
    receipt: Receipt
    index: int
    is_removed: bool = False


def placed_logs(block: Block, is_removed: bool = False) -> list[PlacedLog]:
    """Returns the block's logs in their order."""
    return [
        PlacedLog(log, block, receipt, receipt.first_log_index + n, is_removed)
        for receipt in block.receipts for n, log in enumerate(receipt.logs)
    ]


def seal(
    context: BlockContext, parent: Block | None, receipts: list[Receipt], extra: bytes, state_root: bytes, mark: int
) -> Block:
    """Makes a block whose hash is that of its header, with true bloom, transactions' root and receipts' root.

    The state's root is a digest of the changes, not that of a Merkle trie.
    """
    parent_hash = parent.hash if parent else ZERO_HASH
    bloom = 0
    for receipt in receipts:
        bloom |= receipt.bloom
    gas_used = receipts[-1].cumulative_gas if receipts else 0
    transactions_root = commitments.list_root([receipt.transaction.raw for receipt in receipts])
    receipts_root = commitments.list_root([receipt.encoded() for receipt in receipts])
    header = commitments.header([
        bytes.fromhex(parent_hash[2:]), commitments.EMPTY_OMMERS, bytes.fromhex(context.coinbase[2:]), state_root,
        transactions_root, receipts_root, commitments.bloom_bytes(bloom), 0, context.number, context.gas_limit,
        gas_used, context.timestamp, extra, context.randomness, bytes(8), context.base_fee,
    ])
    size = len(header) + sum(len(receipt.transaction.raw) for receipt in receipts)
    block_hash = "0x" + commitments.keccak(header).hex()
    return Block(block_hash, parent_hash, context, extra, gas_used, bloom, transactions_root, receipts_root,
                 state_root, size, tuple(receipts), mark)
