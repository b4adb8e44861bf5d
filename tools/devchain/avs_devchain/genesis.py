"""What is there before the first block: funded accounts, and contracts at fixed addresses."""

from dataclasses import dataclass

from eth_abi import encode
from eth_utils import keccak, to_checksum_address

from .accounts import DevAccount
from .contracts import Contract
from .state import AccountState, BlockContext, Message, State

# The defaults of the aggregator's configuration.
ENTRY_POINT = "0x5ff137d4b0fdcd49dca30c7cf57e578a026d2789"
FACTORY = "0xb99bc2e399e06cddcf5e725c0ea341e8f0322834"
PAYMASTER = "0xf023ea291f5beda4bf59bbdc9004f1d18be19d6f"
AP_CONFIG = "0xb8abbb082ecaae8d1cd68378cf3b060f6f0e07eb"

ETHER = 10**18
ACCOUNT_BALANCE = 10_000 * ETHER
PAYMASTER_DEPOSIT = 1_000 * ETHER
TOKENS_PER_ACCOUNT = 1_000_000 * 10**6
FIRST_ANSWER = 2_500 * 10**8


@dataclass(frozen=True)
class Placed:
    """A contract of the genesis block."""

    name: str
    address: str
    abi: list[dict]


def own_address(name: str) -> str:
    """Returns the address of a contract that has no default elsewhere: from keccak-256 of its name."""
    return "0x" + keccak(text=f"avs devchain contract {name}")[12:].hex()


class Genesis:
    """Fills an empty state. Constructors run in the EVM; what they made is then put at the address we want."""

    def __init__(self, state: State, block: BlockContext, contracts: dict[str, Contract]):
        self._state = state
        self._block = block
        self._contracts = contracts
        self.placed: dict[str, Placed] = {}

    def fill(self, accounts: list[DevAccount]) -> None:
        by_name = {account.name: account.address for account in accounts}
        funds = {(account.address, None): AccountState(balance=ACCOUNT_BALANCE) for account in accounts}
        self._state.apply(funds)
        controller, owner = by_name["controller"], by_name["paymaster owner"]
        account_code = own_address("account")

        self._place("entryPoint", "EntryPoint", ENTRY_POINT)
        self._place("account", "Account", account_code, ("address", ENTRY_POINT), ("address", controller))
        self._place("factory", "AccountFactory", FACTORY, ("address", account_code))
        self._place("paymaster", "Paymaster", PAYMASTER,
                    ("address", ENTRY_POINT), ("address", controller), ("address", owner))
        self._place("apConfig", "APConfig", AP_CONFIG)
        for name, source in (("token", "Token"), ("counter", "Counter"), ("priceFeed", "PriceFeed")):
            self._place(name, source, own_address(name))

        self._call(ENTRY_POINT, "depositTo(address)", ("address", PAYMASTER), value=PAYMASTER_DEPOSIT)
        for account in accounts:
            self._call(own_address("token"), "mint(address,uint256)",
                       ("address", account.address), ("uint256", TOKENS_PER_ACCOUNT))
        self._call(own_address("priceFeed"), "setAnswer(int256)", ("int256", FIRST_ANSWER))

    def _place(self, name: str, source: str, address: str, *arguments: tuple[str, str]) -> None:
        contract = self._contracts[source]
        outcome = self._run(None, contract.init_code + encoded(arguments))
        made = outcome.created
        for (changed, slot), value in outcome.changes.items():
            if changed == made and slot is not None:
                self._state.apply({(address, slot): value})
        code = outcome.changes[(made, None)].code
        self._state.apply({(address, None): AccountState(nonce=1, code=code)})
        self.placed[name] = Placed(name, to_checksum_address(address), contract.abi)

    def _call(self, to: str, signature: str, *arguments: tuple[str, str | int], value: int = 0) -> None:
        self._state.apply(self._run(to, keccak(text=signature)[:4] + encoded(arguments), value).changes)

    def _run(self, to: str | None, data: bytes, value: int = 0):
        """Runs a message from an address that has what it sends, and nothing afterwards."""
        maker = own_address("genesis")
        mark = self._state.mark
        self._state.apply({(maker, None): AccountState(balance=value)})
        outcome = self._state.run(Message(maker, to, data, value), self._block)
        self._state.rewind(mark)
        if not outcome.is_success:
            raise RuntimeError(f"genesis: a message to {to} failed: {outcome.halt_reason} {outcome.output!r}")
        outcome.changes.pop((maker, None), None)
        return outcome


def encoded(arguments: tuple[tuple[str, str | int], ...]) -> bytes:
    return encode([kind for kind, _ in arguments], [value for _, value in arguments])
