"""The chain: blocks over a state, a mempool, mining, and reorganisations that take blocks back."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from eth_utils import keccak

from . import commitments
from .blocks import Block, PlacedLog, Receipt, placed_logs, seal
from .mempool import Mempool, Refused
from .state import BlockContext, InvalidMessage, Message, Outcome, State
from .transactions import Transaction

COINBASE = "0x" + "c0" * 20
SAFE_DEPTH = 8
FINALIZED_DEPTH = 16
MAX_NONCE_GAP = 1_000  # how far ahead of the state the pool keeps transactions
HEAD_START = 600  # seconds: genesis lies this far back, so that many quick blocks do not run into the future


@dataclass(frozen=True)
class ChainOptions:
    """What stays the same for a chain's life."""

    chain_id: int = 31_337
    gas_limit: int = 30_000_000
    base_fee: int = 10**9
    genesis_time: int | None = None  # seconds since the epoch


class Listener:
    """Told of what happens, in order, before the call that caused it returns."""

    def mined(self, block: Block, logs: list[PlacedLog]) -> None:
        """A block became the head."""

    def removed(self, logs: list[PlacedLog]) -> None:
        """Blocks with these logs are no longer part of the chain."""

    def pending(self, transaction: Transaction) -> None:
        """The pool took a transaction."""

    def cut(self) -> None:
        """The connection to whoever listens is to break."""


class Chain:
    """Synchronous, and all of it belongs to one thread."""

    def __init__(
        self, options: ChainOptions, fill_genesis: Callable[[State, BlockContext], None],
        now: Callable[[], float] = time.time,
    ):
        self.options = options
        self.state = State(options.chain_id, options.gas_limit)
        self.pool = Mempool()
        self.listeners: list[Listener] = []
        self.base_fee = options.base_fee
        self.clock_offset = 0  # seconds, added to the clock
        self.next_timestamp: int | None = None  # for the next block only
        self.is_automining = True
        self._now = now
        self._forks = 0
        self._blocks: list[Block] = []
        self._by_hash: dict[str, Block] = {}  # also of blocks that were taken back
        self._places: dict[str, tuple[Block, Receipt]] = {}  # by transaction hash, on the chain only
        genesis_time = int(now()) - HEAD_START if options.genesis_time is None else options.genesis_time
        context = self._context(0, genesis_time)
        fill_genesis(self.state, context)
        self._append(context, [], b"avs devchain")

    # --- Reading

    @property
    def head(self) -> Block:
        return self._blocks[-1]

    def height(self, tag: str | int) -> int:
        """Returns the number that a tag names, or the number itself, which may be above the head."""
        match tag:
            case int(): return tag
            case "latest" | "pending": return self.head.number
            case "safe": return max(0, self.head.number - SAFE_DEPTH)
            case "finalized": return max(0, self.head.number - FINALIZED_DEPTH)
            case "earliest": return 0
        raise ValueError(f"unknown block tag {tag}")

    def block(self, tag: str | int) -> Block | None:
        height = self.height(tag)
        return self._blocks[height] if 0 <= height < len(self._blocks) else None

    def block_by_hash(self, block_hash: str) -> Block | None:
        return self._by_hash.get(block_hash)

    def is_canonical(self, block: Block) -> bool:
        return block.number < len(self._blocks) and self._blocks[block.number] is block

    def place(self, transaction_hash: str) -> tuple[Block, Receipt] | None:
        """Returns where on the chain a transaction is."""
        return self._places.get(transaction_hash)

    def blocks(self, first: int, last: int) -> list[Block]:
        return self._blocks[max(0, first):max(0, last + 1)]

    def pending_nonce(self, address: str) -> int:
        return self.pool.next_nonce(address, self.state.account(address).nonce)

    def pending_context(self) -> BlockContext:
        """What a block that is mined now would be."""
        return self._context(self.head.number + 1, self._next_time())

    # --- Taking transactions

    def submit(self, transaction: Transaction) -> str:
        """Takes a transaction into the pool, and mines if it can run and the chain is set so. Raises Refused."""
        self._check(transaction)
        self.pool.add(transaction)
        for listener in self.listeners:
            listener.pending(transaction)
        is_next = transaction.nonce == self.state.account(transaction.sender).nonce
        if self.is_automining and is_next and transaction.max_fee >= self.base_fee:
            self.mine()
        return transaction.hash

    def _check(self, transaction: Transaction) -> None:
        account = self.state.account(transaction.sender)
        cost = transaction.value + transaction.gas * transaction.max_fee
        wanted = self.options.chain_id
        if transaction.chain_id not in (None, wanted):
            raise Refused(f"invalid chain id for signer: have {transaction.chain_id} want {wanted}")
        if transaction.hash in self._places:
            raise Refused("already known")
        if transaction.nonce < account.nonce:
            raise Refused(f"nonce too low: next nonce {account.nonce}, tx nonce {transaction.nonce}")
        if transaction.nonce > account.nonce + MAX_NONCE_GAP:
            raise Refused(f"nonce too high: next nonce {account.nonce}, tx nonce {transaction.nonce}")
        if transaction.gas > self.options.gas_limit:
            raise Refused(f"exceeds block gas limit: {transaction.gas} > {self.options.gas_limit}")
        if transaction.gas < transaction.intrinsic_gas:
            raise Refused(f"intrinsic gas too low: gas {transaction.gas}, minimum needed {transaction.intrinsic_gas}")
        if transaction.tip > transaction.max_fee:
            raise Refused("max priority fee per gas higher than max fee per gas")
        if account.balance < cost:
            raise Refused(f"insufficient funds for gas * price + value: balance {account.balance}, tx cost {cost}")

    # --- Adding blocks

    def mine(self, timestamp: int | None = None, extra: bytes = b"") -> Block:
        """Puts what is executable into a new block and tells the listeners."""
        context = self._context(self.head.number + 1, self._next_time() if timestamp is None else timestamp)
        if context.timestamp <= self.head.timestamp:
            raise ValueError(f"timestamp {context.timestamp} is not after the head's, {self.head.timestamp}")
        self.next_timestamp = None
        block = self._append(context, self._run_executable(context), extra)
        logs = placed_logs(block)
        for listener in self.listeners:
            listener.mined(block, logs)
        return block

    def _context(self, number: int, timestamp: int) -> BlockContext:
        randomness = keccak(f"{number} {timestamp} {self._forks}".encode())
        return BlockContext(number, timestamp, self.base_fee, self.options.gas_limit, COINBASE, randomness)

    def _next_time(self) -> int:
        if self.next_timestamp is not None:
            return self.next_timestamp
        return max(self.head.timestamp + 1, int(self._now()) + self.clock_offset)

    def _append(self, context: BlockContext, receipts: list[Receipt], extra: bytes) -> Block:
        parent = self._blocks[-1] if self._blocks else None
        changes = self.state.digest_since(parent.mark if parent else 0)
        state_root = keccak((parent.state_root if parent else b"") + changes)
        block = seal(context, parent, receipts, extra, state_root, self.state.mark)
        self._blocks.append(block)
        self._by_hash[block.hash] = block
        self._places.update({receipt.transaction.hash: (block, receipt) for receipt in receipts})
        self._forget_impossible()
        return block

    def _run_executable(self, context: BlockContext) -> list[Receipt]:
        receipts: list[Receipt] = []
        gas = logs = 0
        nonces = {sender: self.state.account(sender).nonce for sender in self.pool.senders()}
        for transaction in self.pool.executable(nonces, context.base_fee):
            if gas + transaction.gas > context.gas_limit:
                continue
            self.pool.remove(transaction)
            try:
                outcome = self._run(transaction, context)
            except InvalidMessage:
                continue  # its sender has spent the money since the pool took it
            nonces[transaction.sender] += 1
            gas += outcome.gas_used
            receipts.append(Receipt(
                transaction, len(receipts), outcome.is_success, outcome.gas_used, gas,
                transaction.price(context.base_fee), outcome.created, outcome.logs, logs,
                commitments.bloom_of(outcome.logs)))
            logs += len(outcome.logs)
        return receipts

    def _run(self, transaction: Transaction, context: BlockContext) -> Outcome:
        """Runs one transaction and applies what it did, fees included."""
        price = transaction.price(context.base_fee)
        sender = self.state.account(transaction.sender)
        # A creation raises the nonce itself, and takes the new address from the one before. The gas is charged
        # afterwards: the EVM wants to find the money for it, but does not take it.
        mark = self.state.mark
        nonce = sender.nonce + (transaction.to is not None)
        self.state.apply({(transaction.sender, None): sender._replace(nonce=nonce)})
        message = Message(
            transaction.sender, transaction.to, transaction.data, transaction.value, transaction.gas, price,
            transaction.access_list)
        try:
            outcome = self.state.run(message, context)
        except InvalidMessage:
            self.state.rewind(mark)
            raise
        self.state.apply(outcome.changes)
        self._pay(transaction.sender, -outcome.gas_used * price, sender.nonce + 1)
        self._pay(COINBASE, outcome.gas_used * (price - context.base_fee), 0)
        return outcome

    def _pay(self, address: str, amount: int, nonce: int) -> None:
        account = self.state.account(address)
        self.state.apply({(address, None): account._replace(nonce=nonce, balance=account.balance + amount)})

    # --- Taking blocks back

    def reorganise(self, depth: int, length: int, keeps_transactions: bool) -> tuple[list[Block], list[Block]]:
        """Takes back `depth` blocks and mines `length` others. Returns (dropped, new).

        The transactions of the dropped blocks return to the pool, or are forgotten.
        """
        if not 1 <= depth <= self.head.number:
            raise ValueError(f"depth must be 1 to {self.head.number}, is {depth}")
        if length < 0:
            raise ValueError(f"the number of new blocks must not be negative, is {length}")
        self._forks += 1
        dropped = self._take_back(depth, keeps_transactions)
        # The other branch begins when the dropped one did, and says in each block that it is another.
        start = self.head.timestamp
        return dropped, [self.mine(start + n + 1, f"fork {self._forks}".encode()) for n in range(length)]

    def return_to(self, block: Block, mark: int) -> None:
        """Takes back all blocks above `block` and all changes since `mark`; their transactions are forgotten."""
        depth = self.head.number - block.number
        if not self.is_canonical(block):
            raise ValueError(f"block {block.hash} is not on the chain any more")
        if depth:
            self._forks += 1
            self._take_back(depth, keeps_transactions=False)
        self.state.rewind(mark)

    def _take_back(self, depth: int, keeps_transactions: bool) -> list[Block]:
        dropped = self._blocks[-depth:]
        del self._blocks[-depth:]
        self.state.rewind(self.head.mark)
        for block in dropped:
            for receipt in block.receipts:
                del self._places[receipt.transaction.hash]
                if keeps_transactions:
                    self.pool.restore(receipt.transaction)
        self._forget_impossible()
        logs = [log for block in dropped for log in placed_logs(block, is_removed=True)]
        for listener in self.listeners:
            listener.removed(logs)
        return dropped

    def _forget_impossible(self) -> None:
        for sender in self.pool.senders():
            self.pool.forget_below(sender, self.state.account(sender).nonce)
