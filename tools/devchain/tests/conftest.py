"""Starts the development chain as its users do: as a process, reading the line that it prints."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

PROGRAM = Path(__file__).resolve().parents[1] / "devchain"
GENESIS_TIME = 1_700_000_000
BASE_FEE = 10**9


@dataclass
class Chain:
    """A running chain and an independent client of it."""

    process: subprocess.Popen
    start: dict
    web3: Web3

    def rpc(self, method: str, *parameters):
        """Calls a method and returns its result; an error fails the test."""
        answer = self.web3.provider.make_request(method, list(parameters))
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def error(self, method: str, *parameters) -> dict:
        """Calls a method that must fail and returns its error object."""
        answer = self.web3.provider.make_request(method, list(parameters))
        assert "error" in answer, answer
        return answer["error"]

    def mine(self, count: int = 1) -> None:
        self.rpc("dev_mine", count)

    def signer(self, name: str) -> LocalAccount:
        (key,) = (account["privateKey"] for account in self.start["accounts"] if account["name"] == name)
        return Account.from_key(key)

    def contract(self, name: str) -> Contract:
        return self.web3.eth.contract(address=self.start["contracts"][name], abi=self.rpc("dev_abi", name))

    def sign(self, name: str, nonce: int | None = None, **fields) -> bytes:
        """Signs a transaction of type 2 with one of the known keys."""
        signer = self.signer(name)
        transaction = {
            "chainId": self.start["chainId"], "gas": 100_000, "value": 0, "to": signer.address, "data": b"",
            "maxFeePerGas": 3 * BASE_FEE, "maxPriorityFeePerGas": BASE_FEE,
            "nonce": self.web3.eth.get_transaction_count(signer.address, "pending") if nonce is None else nonce,
        } | fields
        return signer.sign_transaction({k: v for k, v in transaction.items() if v is not None}).raw_transaction

    def send(self, name: str, nonce: int | None = None, **fields) -> str:
        return self.web3.eth.send_raw_transaction(self.sign(name, nonce, **fields)).to_0x_hex()

    def send_call(self, name: str, function, **fields) -> str:
        """Sends a call of a contract's function."""
        fields = {"gas": 300_000} | fields
        return self.send(name, to=function.address, data=function._encode_transaction_data(), **fields)

    def mined(self, transaction_hash: str) -> dict:
        """Mines a block and returns the receipt."""
        self.mine()
        return self.web3.eth.get_transaction_receipt(transaction_hash)


def start_chain(*options: str) -> Chain:
    process = subprocess.Popen(
        [PROGRAM, "--port", "0", "--until-stdin-closes", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    start = json.loads(process.stdout.readline())
    return Chain(process, start, Web3(Web3.HTTPProvider(start["http"])))


def stop_chain(chain: Chain) -> None:
    chain.process.terminate()
    chain.process.communicate(timeout=10)


@pytest.fixture(scope="session")
def shared_chain() -> Iterator[Chain]:
    chain = start_chain("--no-mining", "--genesis-time", str(GENESIS_TIME))
    yield chain
    stop_chain(chain)


@pytest.fixture
def chain(shared_chain: Chain) -> Iterator[Chain]:
    """A chain at its genesis block that mines only when asked; put back by the test's end."""
    snapshot = shared_chain.rpc("evm_snapshot")
    yield shared_chain
    assert shared_chain.rpc("evm_revert", snapshot)
    shared_chain.rpc("evm_setAutomine", False)
    shared_chain.rpc("evm_setIntervalMining", 0)
    shared_chain.rpc("dev_setBaseFee", BASE_FEE)
    for queue in shared_chain.rpc("txpool_content").values():
        for transactions in queue.values():
            for transaction in transactions.values():
                shared_chain.rpc("dev_dropTransaction", transaction["hash"])


@pytest.fixture
def fresh_chain():
    """Starts chains of the test's own, with its options."""
    chains = []

    def start(*options: str) -> Chain:
        chains.append(start_chain(*options))
        return chains[-1]

    yield start
    for chain in chains:
        stop_chain(chain)
