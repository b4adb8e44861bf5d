"""The ERC-4337 contracts: addresses, hashes, and user operations from end to end."""

import re

import pytest
from conftest import GENESIS_TIME
from eth_abi import decode, encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak, to_checksum_address
from eth_utils.abi import abi_to_signature
from web3.exceptions import ContractCustomError
from web3.logs import DISCARD

GWEI = 10**9
PAYMASTER_VALIDITY = 900
RECEIVER = to_checksum_address("0x" + "3a" * 20)


class Wallet:
    """A smart wallet of account 0, and the making of its operations."""

    def __init__(self, chain, salt: int = 0):
        self.chain, self.salt = chain, salt
        self.owner, self.controller = chain.signer("account 0"), chain.signer("controller")
        self.entry_point, self.factory = chain.contract("entryPoint"), chain.contract("factory")
        self.paymaster = chain.contract("paymaster")
        self.address = self.factory.functions.getAddress(self.owner.address, salt).call()
        self.code = chain.web3.eth.contract(address=self.address, abi=chain.rpc("dev_abi", "account"))

    def init_code(self) -> bytes:
        call = self.factory.functions.createAccount(self.owner.address, self.salt)._encode_transaction_data()
        return bytes.fromhex(self.factory.address[2:] + call[2:])

    def operation(self, call, **fields) -> dict:
        is_new = self.chain.web3.eth.get_code(self.address) == b""
        operation = {
            "sender": self.address,
            "nonce": self.entry_point.functions.getNonce(self.address, 0).call(),
            "initCode": self.init_code() if is_new else b"",
            "callData": bytes.fromhex(call._encode_transaction_data()[2:]) if call else b"",
            "callGasLimit": 400_000, "verificationGasLimit": 1_000_000, "preVerificationGas": 50_000,
            "maxFeePerGas": 3 * GWEI, "maxPriorityFeePerGas": 2 * GWEI, "paymasterAndData": b"", "signature": b"",
        }
        return operation | fields

    def sponsored(self, operation: dict, signer=None, until: int | None = None) -> dict:
        """Adds the paymaster's part, made as the aggregator makes it; valid for a quarter of an hour."""
        if until is None:
            until = int(self.chain.rpc("eth_getBlockByNumber", "pending", False)["timestamp"], 16) + PAYMASTER_VALIDITY
        dummy = operation | {"paymasterAndData": b"\1" * 149, "signature": b"\1" * 65}
        digest = self.paymaster.functions.getHash(tuple(dummy.values()), until, 0).call()
        signature = (signer or self.controller).sign_message(encode_defunct(digest)).signature
        head = bytes.fromhex(self.paymaster.address[2:]) + encode(["uint48", "uint48"], [until, 0])
        return operation | {"paymasterAndData": head + signature}

    def signed(self, operation: dict, signer=None) -> dict:
        digest = self.entry_point.functions.getUserOpHash(tuple(operation.values())).call()
        return operation | {"signature": (signer or self.controller).sign_message(encode_defunct(digest)).signature}

    def handle(self, *operations: dict) -> dict:
        """Sends the operations as a bundler does, and mines."""
        call = self.entry_point.functions.handleOps([tuple(op.values()) for op in operations], RECEIVER)
        gas = 500_000 + sum(op["callGasLimit"] + 3 * op["verificationGasLimit"] for op in operations)
        return self.chain.mined(self.chain.send_call("bundler", call, gas=gas))

    def refusal(self, *operations: dict) -> str:
        """Returns the reason of the FailedOp with which the entry point refuses."""
        call = self.entry_point.functions.handleOps([tuple(op.values()) for op in operations], RECEIVER)
        with pytest.raises(ContractCustomError) as raised:
            call.call({"from": self.chain.signer("bundler").address})
        data = raised.value.data
        assert data[:10] == "0x" + keccak(text="FailedOp(uint256,string)")[:4].hex()
        return re.search(r"AA\d\d[\x20-\x7e]*", bytes.fromhex(data[10:]).decode("latin-1")).group()

    def event(self, receipt, name: str = "UserOperationEvent") -> dict:
        (event,) = self.entry_point.events[name]().process_receipt(receipt, errors=DISCARD)
        return event["args"]


@pytest.fixture
def wallet(chain):
    return Wallet(chain)


@pytest.fixture
def funded(chain):
    """A wallet with code and ten ether."""
    wallet = Wallet(chain)
    chain.mined(chain.send_call("account 1", wallet.factory.functions.createAccount(wallet.owner.address, 0)))
    chain.mined(chain.send("account 1", to=wallet.address, value=10 * 10**18))
    return wallet


# --- Interfaces

def test_selectors_and_topics_are_those_of_the_specification(chain):
    def ids(name, kind):
        size = 4 if kind == "function" else 32
        return {entry["name"]: keccak(text=abi_to_signature(entry))[:size].hex()
                for entry in chain.rpc("dev_abi", name) if entry["type"] == kind}
    assert ids("factory", "function").items() >= {"createAccount": "5fbfb9cf", "getAddress": "8cb84e18"}.items()
    assert ids("entryPoint", "function")["getNonce"] == "35567e1a"
    assert ids("account", "function").items() >= {
        "execute": "b61d27f6", "executeBatch": "18dfb3c7", "executeBatchWithValues": "c3ff72fc"}.items()
    assert ids("paymaster", "function").items() >= {
        "getHash": "94e1fc19", "verifyingSigner": "23d9ac9b", "owner": "8da5cb5b"}.items()
    assert ids("token", "function").items() >= {
        "transfer": "a9059cbb", "approve": "095ea7b3", "balanceOf": "70a08231", "allowance": "dd62ed3e",
        "decimals": "313ce567", "symbol": "95d89b41", "name": "06fdde03", "totalSupply": "18160ddd"}.items()
    assert ids("priceFeed", "function").items() >= {"latestRoundData": "feaf968c", "getRoundData": "9a6fc8f5"}.items()
    assert ids("token", "event")["Transfer"].startswith("ddf252ad")
    assert ids("token", "event")["Approval"].startswith("8c5be1e5")
    assert ids("priceFeed", "event")["AnswerUpdated"].startswith("0559884f")
    assert ids("entryPoint", "event")["UserOperationEvent"].startswith("49628fd1")


def test_hashes_and_signatures_are_those_of_the_specification(fresh_chain):
    """The vectors of execution-engine.md 7.4, on their chain."""
    chain = fresh_chain("--chain-id", "11155111", "--no-mining")
    wallet, signer = Wallet(chain), Account.from_key(b"\1" * 32)
    call = wallet.code.functions.execute(to_checksum_address("0x" + "33" * 20), 1000, b"")
    sender = to_checksum_address("0x" + "22" * 20)
    plain = wallet.operation(call, sender=sender, nonce=7, initCode=b"", callGasLimit=200_000)
    init = bytes.fromhex("b99bc2e399e06cddcf5e725c0ea341e8f0322834" "5fbfb9cf" + "00" * 12 + "11" * 20 + "00" * 32)
    time_range = encode(["uint48", "uint48"], [1700000900, 0])
    sponsor = bytes.fromhex(wallet.paymaster.address[2:]) + time_range + b"\xaa" * 65
    vectors = [
        (plain, "2f0231cca728d00feb8707b40432aad5520b877005a076185da36925c91da905",
         "b5aff98256094432113c60b39660adff0626385bb1b858520031ac85537dab52"
         "79bb28f92fed184fa14268271dfdf958570f6d47f2f41b2c5669e9c83754735f1c"),
        (plain | {"nonce": 0, "initCode": init}, "69350b2fc427df2a7aafd8a40f7fcabf27d72065874a5eb239299ad19eaee4aa",
         "42b9ea9a5fb229a45e42c36b6f4730439c74aa9efcd79e9532747d1e4c1f9d77"
         "1484de838f83f96cdf7a40eae41aab4bbef91f5dedca06477ead255d3e832ad21b"),
        (plain | {"paymasterAndData": sponsor},
         "c0cf0f3326e45e5c7f2b2885c9c2117b888c5e2877c56f62809141cb26f702ed", None),
    ]
    for operation, expected, signature in vectors:
        assert wallet.entry_point.functions.getUserOpHash(tuple(operation.values())).call().hex() == expected
        if signature:
            assert wallet.signed(operation, signer)["signature"].hex() == signature


def test_roles(chain):
    paymaster = chain.contract("paymaster").functions
    assert paymaster.verifyingSigner().call() == chain.signer("controller").address
    assert paymaster.owner().call() == chain.signer("paymaster owner").address
    assert paymaster.getDeposit().call() == 1_000 * 10**18


# --- Wallets

def test_the_factory_makes_a_wallet_where_it_said(chain):
    seen = set()
    for salt in (0, 1, 2**255):
        wallet = Wallet(chain, salt)
        create = wallet.factory.functions.createAccount(wallet.owner.address, salt)
        assert create.call() == wallet.address
        chain.mined(chain.send_call("account 3", create))
        assert wallet.code.functions.owner().call() == wallet.owner.address
        assert create.call() == wallet.address  # a second time it is the same one
        seen.add(wallet.address)
    assert len(seen) == 3
    other = wallet.factory.functions.getAddress(chain.signer("account 1").address, 0).call()
    assert other not in seen


def test_only_owner_and_entry_point_may_use_a_wallet(chain, funded):
    execute = funded.code.functions.execute(RECEIVER, 1, b"")
    assert chain.mined(chain.send_call("account 1", execute))["status"] == 0
    assert chain.mined(chain.send_call("account 0", execute))["status"] == 1
    assert chain.web3.eth.get_balance(RECEIVER) == 1
    assert chain.mined(chain.send_call("account 0", funded.code.functions.initialize(RECEIVER)))["status"] == 0


# --- Operations

def test_the_first_operation_makes_the_wallet_and_the_paymaster_pays(chain, wallet):
    deposit = wallet.entry_point.functions.balanceOf(wallet.paymaster.address).call()
    counter = chain.contract("counter")
    call = wallet.code.functions.execute(counter.address, 0, counter.functions.increment()._encode_transaction_data())
    operation = wallet.signed(wallet.sponsored(wallet.operation(call, verificationGasLimit=3_000_000)))
    receipt = wallet.handle(operation)
    event = wallet.event(receipt)
    assert receipt["status"] == 1 and event["success"] is True and event["sender"] == wallet.address
    assert event["paymaster"] == wallet.paymaster.address and event["nonce"] == 0
    assert event["userOpHash"] == wallet.entry_point.functions.getUserOpHash(tuple(operation.values())).call()
    assert wallet.event(receipt, "AccountDeployed")["factory"] == wallet.factory.address
    assert counter.functions.count().call() == 1 and counter.functions.lastCaller().call() == wallet.address
    paid = deposit - wallet.entry_point.functions.balanceOf(wallet.paymaster.address).call()
    assert paid == event["actualGasCost"] == chain.web3.eth.get_balance(RECEIVER) > 0
    assert wallet.entry_point.functions.getNonce(wallet.address, 0).call() == 1
    assert wallet.paymaster.functions.senderNonce(wallet.address).call() == 1


@pytest.mark.parametrize("name", ["owner", "controller"])
def test_a_wallet_pays_for_itself(chain, funded, name):
    call = funded.code.functions.execute(RECEIVER, 10**18, b"")
    receipt = funded.handle(funded.signed(funded.operation(call), getattr(funded, name)))
    event = funded.event(receipt)
    assert event["success"] is True and event["paymaster"] == "0x" + "00" * 20
    left = chain.web3.eth.get_balance(funded.address) + funded.entry_point.functions.balanceOf(funded.address).call()
    assert left == 9 * 10**18 - event["actualGasCost"]
    assert chain.web3.eth.get_balance(RECEIVER) == 10**18 + event["actualGasCost"]


def test_a_batch_with_values_reimburses(chain, funded):
    token, owner = chain.contract("token"), chain.signer("paymaster owner").address
    before = chain.web3.eth.get_balance(owner)
    chain.mined(chain.send_call("account 1", token.functions.mint(funded.address, 100)))
    calls = funded.code.functions.executeBatchWithValues(
        [token.address, owner], [0, 12345], [token.functions.transfer(RECEIVER, 40)._encode_transaction_data(), b""])
    receipt = funded.handle(funded.signed(funded.sponsored(funded.operation(calls))))
    assert funded.event(receipt)["success"] is True
    assert token.functions.balanceOf(RECEIVER).call() == 40 and chain.web3.eth.get_balance(owner) == before + 12345
    two = funded.code.functions.executeBatch([RECEIVER, owner], [b"", b""])
    assert funded.event(funded.handle(funded.signed(funded.operation(two))))["success"] is True


def test_a_failing_call_is_charged_and_reported(chain, funded):
    counter = chain.contract("counter")
    fail = counter.functions.fail("too late")._encode_transaction_data()
    call = funded.code.functions.execute(counter.address, 0, fail)
    receipt = funded.handle(funded.signed(funded.operation(call)))
    event = funded.event(receipt)
    assert receipt["status"] == 1 and event["success"] is False and event["actualGasCost"] > 0
    reason = funded.event(receipt, "UserOperationRevertReason")["revertReason"]
    assert b"too late" in reason and counter.functions.count().call() == 0
    assert funded.entry_point.functions.getNonce(funded.address, 0).call() == 1


def test_a_call_gets_the_gas_it_asked_for_and_no_more(chain, funded):
    counter = chain.contract("counter")
    call = funded.code.functions.execute(counter.address, 0, counter.functions.increment()._encode_transaction_data())
    assert funded.event(funded.handle(funded.signed(funded.operation(call, callGasLimit=30_000))))["success"] is False
    assert funded.event(funded.handle(funded.signed(funded.operation(call))))["success"] is True


def test_several_operations_in_one_bundle(chain, funded):
    other = Wallet(chain, 1)
    call = funded.code.functions.execute(RECEIVER, 1, b"")
    first = funded.signed(funded.operation(call))
    second = funded.signed(funded.operation(call, nonce=1))
    third = other.signed(other.sponsored(other.operation(other.code.functions.execute(RECEIVER, 0, b""))))
    receipt = funded.handle(first, second, third)
    events = funded.entry_point.events.UserOperationEvent().process_receipt(receipt, errors=DISCARD)
    assert [(e["args"]["sender"], e["args"]["nonce"]) for e in events] == [
        (funded.address, 0), (funded.address, 1), (other.address, 0)]
    assert all(e["args"]["success"] for e in events)


def test_nonces_have_keys(chain, funded):
    key = 5
    nonce = funded.entry_point.functions.getNonce(funded.address, key).call()
    assert nonce == key << 64
    call = funded.code.functions.execute(RECEIVER, 1, b"")
    assert funded.event(funded.handle(funded.signed(funded.operation(call, nonce=nonce))))["nonce"] == nonce
    assert funded.entry_point.functions.getNonce(funded.address, key).call() == nonce + 1
    assert funded.entry_point.functions.getNonce(funded.address, 0).call() == 0


def test_what_the_entry_point_refuses(chain, funded):
    call = funded.code.functions.execute(RECEIVER, 1, b"")
    good, stranger = funded.operation(call), chain.signer("account 9")
    new, now = Wallet(chain, 8), chain.web3.eth.get_block("latest")["timestamp"]
    poor = Wallet(chain, 9)
    refusals = [
        (funded.signed(good, stranger), "AA24 signature error"),
        (funded.signed(good) | {"signature": b"\1" * 65}, "AA24 signature error"),
        (funded.signed(good) | {"signature": b"\1" * 64}, "AA24 signature error"),
        (funded.signed(good | {"nonce": 1}), "AA25 invalid account nonce"),
        (funded.signed(good | {"initCode": funded.init_code()}), "AA10 sender already constructed"),
        (new.signed(new.operation(call, initCode=b"")), "AA20 account not deployed"),
        (new.signed(new.operation(call, initCode=poor.init_code())), "AA14 initCode must return sender"),
        (new.signed(new.operation(call, initCode=new.init_code()[:30])), "AA13 initCode failed or OOG"),
        (poor.signed(poor.operation(call)), "AA21 didn't pay prefund"),
        (funded.signed(good | {"paymasterAndData": b"\1" * 19}), "AA93 invalid paymasterAndData"),
        (funded.signed(good | {"paymasterAndData": bytes.fromhex(RECEIVER[2:])}), "AA31 paymaster deposit too low"),
        (funded.signed(good | {"paymasterAndData": bytes.fromhex(funded.paymaster.address[2:])}),
         "AA33 reverted: VerifyingPaymaster: invalid signature length in paymasterAndData"),
        (funded.signed(funded.sponsored(good, signer=stranger)), "AA34 signature error"),
        (funded.signed(funded.sponsored(good, until=now - 1)), "AA32 paymaster expired or not due"),
        (funded.signed(good | {"callGasLimit": 2**120}), "AA94 gas values overflow"),
        (funded.signed(good | {"verificationGasLimit": 3_000}), "AA23 reverted (or OOG)"),
    ]
    assert [funded.refusal(operation) for operation, _ in refusals] == [reason for _, reason in refusals]


def test_a_changed_operation_breaks_both_signatures(chain, funded):
    operation = funded.signed(funded.sponsored(funded.operation(funded.code.functions.execute(RECEIVER, 1, b""))))
    call = funded.code.functions.execute(RECEIVER, 2, b"")
    changed = operation | {"callData": bytes.fromhex(call._encode_transaction_data()[2:])}
    assert funded.refusal(changed) == "AA24 signature error"
    assert funded.refusal(funded.signed(changed)) == "AA34 signature error"


def test_a_sender_can_be_asked_for_and_validation_simulated(chain, wallet):
    def revert_data(function):
        with pytest.raises(ContractCustomError) as raised:
            function.call()
        return raised.value.data
    answer = revert_data(wallet.entry_point.functions.getSenderAddress(wallet.init_code()))
    selector = keccak(text="SenderAddressResult(address)")[:4].hex()
    assert answer == f"0x{selector}{wallet.address[2:].lower().rjust(64, '0')}"
    until = GENESIS_TIME + PAYMASTER_VALIDITY
    operation = wallet.signed(wallet.sponsored(wallet.operation(None), until=until))
    answer = revert_data(wallet.entry_point.functions.simulateValidation(tuple(operation.values())))
    kinds = ["(uint256,uint256,bool,uint48,uint48,bytes)"] + ["(uint256,uint256)"] * 3
    assert answer[:10] == "0x" + keccak(text=f"ValidationResult({','.join(kinds)})")[:4].hex()
    (info, *stakes) = decode(kinds, bytes.fromhex(answer[10:]))
    assert info[2] is False and info[4] == until and info[5] == b"" and stakes == [(0, 0)] * 3


def test_a_deposit_can_be_withdrawn_by_its_owner_only(chain):
    paymaster = chain.contract("paymaster")
    withdraw = paymaster.functions.withdrawTo(RECEIVER, 10**18)
    assert chain.mined(chain.send_call("account 0", withdraw))["status"] == 0
    assert chain.mined(chain.send_call("paymaster owner", withdraw))["status"] == 1
    assert chain.web3.eth.get_balance(RECEIVER) == 10**18
    assert paymaster.functions.getDeposit().call() == 999 * 10**18
