"""The chain's state: accounts and storage in dictionaries, an undo log, and the EVM that runs against them.

The dictionaries are the truth. pyrevm holds a second copy in its database, and runs every message between `snapshot`
and `revert`, so its journal is empty again afterwards and each transaction finds all accounts and slots cold: gas and
refunds come out as on a real chain. What a message changed is read from the journal before the revert.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyrevm
from eth_utils import keccak

EMPTY_CODE_HASH = keccak(b"")
EVM_SPEC = "CANCUN"


class AccountState(NamedTuple):
    """What an address holds besides its storage."""

    nonce: int = 0
    balance: int = 0
    code: bytes = b""


NOBODY = AccountState()

# (address, None) → AccountState, (address, slot) → value. Addresses are lower-case text everywhere.
Key = tuple[str, int | None]
Changes = dict[Key, AccountState | int]


@dataclass(frozen=True)
class BlockContext:
    """What the EVM can see of the block that it runs in."""

    number: int
    timestamp: int
    base_fee: int
    gas_limit: int
    coinbase: str
    randomness: bytes


@dataclass(frozen=True)
class Message:
    """One call from outside. `to` is None for the creation of a contract; gas is not charged here."""

    sender: str
    to: str | None
    data: bytes = b""
    value: int = 0
    gas: int = 30_000_000
    gas_price: int = 0
    access_list: tuple[tuple[str, tuple[int, ...]], ...] = ()


class EventLog(NamedTuple):
    """One log entry as a contract wrote it."""

    address: str
    topics: tuple[str, ...]
    data: str


@dataclass(frozen=True)
class Outcome:
    """What a message did. After a failure `changes` holds at most the sender's nonce."""

    is_success: bool
    gas_used: int
    output: bytes = b""
    created: str | None = None
    logs: tuple[EventLog, ...] = ()
    changes: Changes = field(default_factory=dict)
    halt_reason: str | None = None


class InvalidMessage(Exception):
    """The message cannot run at all: too little gas to begin with, or less balance than it sends."""


class State:
    """Accounts and storage. Everything that changes them can be taken back to an earlier mark."""

    def __init__(self, chain_id: int, gas_limit: int):
        self._accounts: dict[str, AccountState] = {}
        self._storage: dict[str, dict[int, int]] = {}
        self._undo: list[tuple[Key, AccountState | int]] = []
        environment = pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id))
        self._evm = pyrevm.EVM(env=environment, gas_limit=gas_limit, spec_id=EVM_SPEC)

    # --- Reading

    def account(self, address: str) -> AccountState:
        return self._accounts.get(address, NOBODY)

    def slot(self, address: str, slot: int) -> int:
        return self._storage.get(address, {}).get(slot, 0)

    def slots(self, address: str) -> dict[int, int]:
        """Returns all storage of an address that is not zero."""
        return {slot: value for slot, value in self._storage.get(address, {}).items() if value}

    def value(self, key: Key) -> AccountState | int:
        address, slot = key
        return self.account(address) if slot is None else self.slot(address, slot)

    # --- Changing

    @property
    def mark(self) -> int:
        """A place to come back to."""
        return len(self._undo)

    def apply(self, changes: Mapping[Key, AccountState | int]) -> None:
        for key, value in changes.items():
            previous = self.value(key)
            if previous != value:
                self._undo.append((key, previous))
                self._set(key, value)

    def rewind(self, mark: int) -> None:
        """Takes back everything since `mark`."""
        self.apply(self.changes_back_to(mark))
        del self._undo[mark:]

    def digest_since(self, mark: int) -> bytes:
        """Returns a digest of what is different from the state at `mark`: it stands where a Merkle root would."""
        changed = sorted(self.changes_back_to(mark), key=lambda key: (key[0], -1 if key[1] is None else key[1]))
        return keccak(repr([(key, self.value(key)) for key in changed]).encode())

    def changes_back_to(self, mark: int) -> Changes:
        """Returns what would turn the present state into that at `mark`."""
        changes: Changes = {}
        for key, previous in self._undo[mark:]:
            changes.setdefault(key, previous)  # the oldest entry of a key is its value at the mark
        return changes

    def _set(self, key: Key, value: AccountState | int) -> None:
        address, slot = key
        if isinstance(value, AccountState):
            self._accounts[address] = value
            self._evm.insert_account_info(address, evm_account(value))
            return
        self._storage.setdefault(address, {})[slot] = value
        # The insertion loads the account into the journal; the revert takes it out, and leaves the database written.
        snapshot = self._evm.snapshot()
        self._evm.insert_account_storage(address, slot, value)
        self._evm.revert(snapshot)

    # --- Running

    def run(self, message: Message, block: BlockContext) -> Outcome:
        """Runs a message and returns what it would change; applies nothing.

        - Raises InvalidMessage if it cannot even begin.
        """
        self._evm.set_block_env(
            pyrevm.BlockEnv(
                number=block.number, timestamp=block.timestamp, basefee=block.base_fee, gas_limit=block.gas_limit,
                coinbase=block.coinbase, prevrandao=block.randomness,
            )
        )
        access_list = [(address, list(slots)) for address, slots in message.access_list]
        self._evm.set_tx_env(pyrevm.TxEnv(access_list=access_list))
        snapshot = self._evm.snapshot()
        try:
            self._let_contract_send(message.sender)
            return self._run(message)
        finally:
            self._evm.revert(snapshot)
            self._evm.reset_transient_storage()

    def _run(self, message: Message) -> Outcome:
        error = ""
        answer: bytes | str = b""
        try:
            if message.to is None:
                answer = self._evm.deploy(
                    message.sender, message.data, value=message.value, gas=message.gas, gas_price=message.gas_price)
            else:
                answer = self._evm.message_call(
                    message.sender, message.to, calldata=message.data, value=message.value, gas=message.gas,
                    gas_price=message.gas_price)
        except RuntimeError as raised:
            error = str(raised)
        result = self._evm.result
        if result is None:
            raise InvalidMessage(error)
        changes = self._journalled_changes()
        if not result.is_success:
            halted = re.match(r"Halt \{ reason: (\w+)", error)
            reverted = re.search(r"output: 0x([0-9a-f]*)", error)
            return Outcome(
                False, result.gas_used, bytes.fromhex(reverted.group(1)) if reverted else b"", changes=changes,
                halt_reason=halted.group(1) if halted else None)
        created = answer.lower() if isinstance(answer, str) else None
        output = answer if isinstance(answer, bytes) else b""
        logs = tuple(event_log(entry) for entry in result.logs)
        return Outcome(True, result.gas_used, output, created, logs, changes)

    def _let_contract_send(self, sender: str) -> None:
        """Lets an address with code be the sender of a call, as nodes do in eth_call.

        The EVM refuses such senders (EIP-3607) by their code hash, and runs their code by the code itself.
        """
        account = self.account(sender)
        if account.code:
            self._evm.basic(sender)  # into the journal, where the next line does not compute the hash anew
            self._evm.insert_account_info(
                sender,
                pyrevm.AccountInfo(
                    nonce=account.nonce, balance=account.balance, code=account.code, code_hash=EMPTY_CODE_HASH))

    def _journalled_changes(self) -> Changes:
        """Returns what the journal holds that differs from our dictionaries."""
        changes: Changes = {}
        infos = {address.lower(): info for address, info in self._evm.journal_state.items()}
        for address, slots, is_destroyed in journalled_accounts(self._evm.journal_str):
            if is_destroyed:
                changes[(address, None)] = NOBODY
                changes.update({((address, slot), 0) for slot in self.slots(address)})
                continue
            info, before = infos[address], self.account(address)
            code = before.code or code_of(info)
            after = AccountState(info.nonce, info.balance, code)
            if after != before:
                changes[(address, None)] = after
            for slot, value in slots:
                if value != self.slot(address, slot):
                    changes[(address, slot)] = value
        return changes


# --- pyrevm's shapes -------------------------------------------------------------------------------------------------

def evm_account(account: AccountState) -> pyrevm.AccountInfo:
    return pyrevm.AccountInfo(nonce=account.nonce, balance=account.balance, code=account.code or None)


def code_of(info: pyrevm.AccountInfo) -> bytes:
    """Returns the code without the zeros that the EVM's analysis has put behind it."""
    if bytes(info.code_hash) == EMPTY_CODE_HASH:
        return b""
    code = bytes(info.code)
    padded = 33
    for end in (len(code), len(code) - padded):
        if keccak(code[:end]) == bytes(info.code_hash):
            return code[:end]
    raise RuntimeError(f"the EVM padded {len(code)} bytes of code in a new way")


def event_log(entry: pyrevm.Log) -> EventLog:
    topics, data = entry.data
    return EventLog(entry.address.lower(), tuple("0x" + bytes(t).hex() for t in topics), "0x" + bytes(data).hex())


# The journal's storage is to be had as Rust's debug text only. Pinned with pyrevm's version, and tested.
JOURNALLED_ACCOUNT = re.compile(
    r"(0x[0-9a-f]{40}): Account \{ info: AccountInfo \{.*?\}, "
    r"storage: \{((?:\d+: StorageSlot \{[^}]*\}(?:, )?)*)\}, status: AccountStatus\(([^)]*)\) \}"
)
JOURNALLED_SLOT = re.compile(r"(\d+): StorageSlot \{ previous_or_original_value: \d+, present_value: (\d+) \}")


def journalled_accounts(journal: str) -> list[tuple[str, list[tuple[int, int]], bool]]:
    """Parses the journal: (address, [(slot, value)], was it destroyed)."""
    state = journal[: journal.index("}, transient_storage: {")]
    return [
        (
            address,
            [(int(slot), int(value)) for slot, value in JOURNALLED_SLOT.findall(storage)],
            "SelfDestructed" in status,
        )
        for address, storage, status in JOURNALLED_ACCOUNT.findall(state)
    ]
