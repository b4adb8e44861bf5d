"""Transactions that wait for a block: per sender by nonce, with gaps and replacement, ordered by what they pay."""

import heapq
from collections.abc import Iterator

from .transactions import Transaction

# More than any test needs, so that a runaway sender is refused instead of eating the machine's memory.
CAPACITY = 16_384
REPLACEMENT_PERCENT = 110


class Refused(ValueError):
    """The pool does not take the transaction; the text is the one that nodes use."""


class Mempool:
    """Knows nothing of state: who asks says which nonce each sender is at."""

    def __init__(self) -> None:
        self._by_sender: dict[str, dict[int, Transaction]] = {}
        self._by_hash: dict[str, Transaction] = {}

    def __len__(self) -> int:
        return len(self._by_hash)

    def get(self, transaction_hash: str) -> Transaction | None:
        return self._by_hash.get(transaction_hash)

    def senders(self) -> list[str]:
        return list(self._by_sender)

    def queues(self) -> dict[str, dict[int, Transaction]]:
        """Returns sender → nonce → transaction, nonces ascending."""
        return {sender: dict(sorted(queue.items())) for sender, queue in self._by_sender.items()}

    def add(self, transaction: Transaction) -> None:
        """Adds it, or puts it in the place of one that pays at least a tenth less."""
        if transaction.hash in self._by_hash:
            raise Refused("already known")
        old = self._by_sender.get(transaction.sender, {}).get(transaction.nonce)
        if old is None and len(self) >= CAPACITY:
            raise Refused("txpool is full")
        if old is not None and not pays_for_replacing(transaction, old):
            raise Refused("replacement transaction underpriced")
        if old is not None:
            self.remove(old)
        self._put(transaction)

    def restore(self, transaction: Transaction) -> None:
        """Takes back what a dropped block held, unless its place has been taken meanwhile."""
        if transaction.nonce not in self._by_sender.get(transaction.sender, {}):
            self._put(transaction)

    def remove(self, transaction: Transaction) -> None:
        if self._by_hash.pop(transaction.hash, None) is not None:
            queue = self._by_sender[transaction.sender]
            del queue[transaction.nonce]
            if not queue:
                del self._by_sender[transaction.sender]

    def forget_below(self, sender: str, nonce: int) -> None:
        """Drops what can never run any more."""
        for transaction in list(self._by_sender.get(sender, {}).values()):
            if transaction.nonce < nonce:
                self.remove(transaction)

    def next_nonce(self, sender: str, nonce: int) -> int:
        """Returns the first nonce from `nonce` on that is free."""
        queue = self._by_sender.get(sender, {})
        while nonce in queue:
            nonce += 1
        return nonce

    def executable(self, nonces: dict[str, int], base_fee: int) -> Iterator[Transaction]:
        """Yields what may run, best paying first, each sender's in the order of nonces without a gap.

        `nonces` is read anew after each one, so a sender whose transaction was not run is passed over.
        """
        heap: list[tuple[int, int, Transaction]] = []

        def offer(sender: str) -> None:
            transaction = self._by_sender.get(sender, {}).get(nonces[sender])
            if transaction is not None and transaction.max_fee >= base_fee:
                tip = min(transaction.tip, transaction.max_fee - base_fee)
                heapq.heappush(heap, (-tip, arrival[transaction.hash], transaction))

        arrival = {transaction_hash: n for n, transaction_hash in enumerate(self._by_hash)}
        for sender in self.senders():
            offer(sender)
        while heap:
            _, _, transaction = heapq.heappop(heap)
            before = nonces[transaction.sender]
            yield transaction
            if nonces[transaction.sender] != before:
                offer(transaction.sender)

    def _put(self, transaction: Transaction) -> None:
        self._by_sender.setdefault(transaction.sender, {})[transaction.nonce] = transaction
        self._by_hash[transaction.hash] = transaction


def pays_for_replacing(new: Transaction, old: Transaction) -> bool:
    return (
        new.max_fee * 100 >= old.max_fee * REPLACEMENT_PERCENT and new.tip * 100 >= old.tip * REPLACEMENT_PERCENT
    )
