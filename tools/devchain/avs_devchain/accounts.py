"""The accounts that everybody who uses this chain knows: worthless, never to be used anywhere else."""

from dataclasses import dataclass

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

DEV_ACCOUNT_COUNT = 10


@dataclass(frozen=True)
class DevAccount:
    """A key whose every bit is public: keccak-256 of `avs devchain <name>`."""

    name: str
    signer: LocalAccount

    @classmethod
    def named(cls, name: str) -> "DevAccount":
        return cls(name, Account.from_key(keccak(text=f"avs devchain {name}")))

    @property
    def address(self) -> str:
        """Lower case, as everywhere inside the chain."""
        return self.signer.address.lower()

    def described(self) -> dict[str, str]:
        """What the start line says of the account; the address is checksummed."""
        return {"name": self.name, "address": self.signer.address, "privateKey": "0x" + self.signer.key.hex()}


def dev_accounts() -> list[DevAccount]:
    """Returns account 0 to 9, then those with a role: controller (signs for wallets and paymaster), bundler, owner."""
    numbered = [DevAccount.named(f"account {n}") for n in range(DEV_ACCOUNT_COUNT)]
    return numbered + [DevAccount.named(role) for role in ("controller", "bundler", "paymaster owner")]
