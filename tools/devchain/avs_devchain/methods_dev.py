"""The methods that real nodes do not have: mining at will, reorganisations, snapshots, time, and writing the state."""

from typing import Any

from .faults import Fault
from .genesis import ETHER
from .jsonrpc import (
    INVALID_PARAMS, MAX_BASE_FEE, MAX_NONCE, MAX_TIME, RPCError, address, binary, bounded, mapping, quantity,
)
from .methods import METHODS
from .node import Node, Snapshot
from .state import AccountState

method = METHODS.named

MAX_BLOCKS = 10_000  # in one call: about a second
MAX_SECONDS = 10**9  # in one step of the clock


def checked(function, *arguments):
    """Turns what the chain refuses into invalid params."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise RPCError(INVALID_PARAMS, str(error)) from error


@method("dev_info")
def info(node: Node) -> dict[str, Any]:
    """What the start line says, without the addresses to connect to."""
    return {
        "chainId": node.chain.options.chain_id,
        "contracts": {name: placed.address for name, placed in node.contracts.items()},
        "accounts": [account.described() for account in node.accounts],
    }


@method("dev_abi")
def abi(node: Node, name: str) -> list[dict]:
    """The ABI of a contract by its name in `contracts`."""
    if name not in node.contracts:
        raise RPCError(INVALID_PARAMS, f"no contract {name!r}; there are {', '.join(node.contracts)}")
    return node.contracts[name].abi


@method("dev_methods")
def methods(node: Node) -> list[str]:
    return METHODS.names()


# --- Mining ----------------------------------------------------------------------------------------------------------

@method("dev_mine")
def mine(node: Node, count: Any = 1, interval: Any = None) -> str:
    """Mines `count` blocks, `interval` seconds apart if given, and returns the hash of the last."""
    blocks, seconds = quantity(count), None if interval is None else bounded(interval, MAX_SECONDS)
    if not 1 <= blocks <= MAX_BLOCKS:
        raise RPCError(INVALID_PARAMS, f"count must be 1 to {MAX_BLOCKS}, is {blocks}")
    for _ in range(blocks):
        timestamp = None if seconds is None else node.chain.head.timestamp + seconds
        checked(node.chain.mine, timestamp)
    return node.chain.head.hash


@method("evm_mine")
def evm_mine(node: Node, parameter: Any = None) -> str:
    """Mines one block, at a timestamp if one is given (a number or {"timestamp": …})."""
    if isinstance(parameter, dict):
        parameter = parameter.get("timestamp")
    checked(node.chain.mine, None if parameter is None else bounded(parameter, MAX_TIME))
    return "0x0"


@method("evm_setAutomine")
def set_automine(node: Node, is_on: bool) -> bool:
    node.chain.is_automining = bool(is_on)
    return True


@method("evm_setIntervalMining")
def set_interval(node: Node, milliseconds: Any) -> bool:
    """Sets the time between blocks; 0 stops mining by the clock."""
    node.set_block_time(bounded(milliseconds, 1_000 * MAX_SECONDS) / 1_000 or None)
    return True


@method("dev_reorg")
def reorg(node: Node, depth: Any, length: Any = None, options: Any = None) -> dict[str, Any]:
    """Takes back `depth` blocks and mines `length` others, by default one more than were taken.

    Their transactions return to the pool, unless options say {"keepTransactions": false}.
    """
    count = quantity(depth)
    wanted = count + 1 if length is None else quantity(length)
    if wanted > MAX_BLOCKS:
        raise RPCError(INVALID_PARAMS, f"length must be at most {MAX_BLOCKS}, is {wanted}")
    keeps = bool(mapping(options or {}).get("keepTransactions", True))
    dropped, new = checked(node.chain.reorganise, count, wanted, keeps)
    return {"dropped": [block.hash for block in dropped], "mined": [block.hash for block in new]}


@method("dev_dropTransaction")
def drop_transaction(node: Node, transaction_hash: str) -> bool:
    """Takes a waiting transaction out of the pool, as a node may do at any time."""
    transaction = node.chain.pool.get(transaction_hash)
    if transaction:
        node.chain.pool.remove(transaction)
    return transaction is not None


@method("dev_setFaults")
def set_faults(node: Node, faults: list) -> bool:
    """Sets how the next requests are to fail, in place of what was set before; [] ends it.

    Each is {"method": name (default: any), "count": how many requests (1), "delay": milliseconds} with one of
    "error": {"code", "message", "data"}, "result": any value, "status": HTTP status, "body": text, "close": true.
    """
    node.faults.set([Fault.parse(fault) for fault in faults])
    return True


@method("dev_cutSockets")
def cut_sockets(node: Node) -> bool:
    """Breaks every WebSocket connection without a word, as a provider's restart does."""
    for listener in list(node.chain.listeners):
        listener.cut()
    return True


# --- Snapshots -------------------------------------------------------------------------------------------------------

@method("evm_snapshot")
def snapshot(node: Node) -> str:
    node.snapshot_count += 1
    node.snapshots[node.snapshot_count] = Snapshot(node.chain.head, node.chain.state.mark)
    return hex(node.snapshot_count)


@method("evm_revert")
def revert(node: Node, identifier: Any) -> bool:
    """Returns to a snapshot; it and the later ones are used up. False if there is none, or its block was dropped."""
    number = quantity(identifier)
    taken = node.snapshots.get(number)
    node.snapshots = {n: s for n, s in node.snapshots.items() if n < number}
    if taken is None or not node.chain.is_canonical(taken.block):
        return False
    node.chain.return_to(taken.block, taken.mark)
    return True


# --- Time and fees ---------------------------------------------------------------------------------------------------

@method("evm_increaseTime")
def increase_time(node: Node, seconds: Any) -> str:
    """Puts the clock ahead of the machine's, for all blocks from now on; returns how far it is."""
    node.chain.clock_offset += bounded(seconds, MAX_SECONDS)
    return hex(node.chain.clock_offset)


@method("evm_setNextBlockTimestamp")
def set_next_timestamp(node: Node, timestamp: Any) -> bool:
    wanted = bounded(timestamp, MAX_TIME)
    if wanted <= node.chain.head.timestamp:
        raise RPCError(INVALID_PARAMS, f"timestamp {wanted} is not after the head's, {node.chain.head.timestamp}")
    node.chain.next_timestamp = wanted
    return True


@method("dev_setBaseFee")
def set_base_fee(node: Node, wei: Any) -> bool:
    """Sets the base fee of the blocks to come; it stays until set anew."""
    node.chain.base_fee = bounded(wei, MAX_BASE_FEE)
    return True


# --- Writing the state -----------------------------------------------------------------------------------------------

def change_account(node: Node, who: Any, **changes: Any) -> bool:
    name = address(who)
    account: AccountState = node.chain.state.account(name)
    node.chain.state.apply({(name, None): account._replace(**changes)})
    return True


@method("dev_setBalance")
def set_balance(node: Node, who: Any, wei: Any) -> bool:
    return change_account(node, who, balance=quantity(wei))


@method("dev_fund")
def fund(node: Node, who: Any, ether: Any = 1) -> bool:
    """Adds whole ether to a balance."""
    balance = node.chain.state.account(address(who)).balance
    return change_account(node, who, balance=balance + bounded(ether, 10**18) * ETHER)


@method("dev_setCode")
def set_code(node: Node, who: Any, code: Any) -> bool:
    return change_account(node, who, code=binary(code))


@method("dev_setNonce")
def set_nonce(node: Node, who: Any, nonce: Any) -> bool:
    return change_account(node, who, nonce=bounded(nonce, MAX_NONCE))


@method("dev_setStorageAt")
def set_storage(node: Node, who: Any, slot: Any, word: Any) -> bool:
    node.chain.state.apply({(address(who), quantity(slot)): quantity(word)})
    return True
