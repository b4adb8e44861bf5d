"""The bundler's endpoint: user operations sent, estimated, replaced, refused and found again."""

import pytest
from conftest import Chain
from test_smart_wallets import RECEIVER, Wallet
from web3 import Web3

MEMBERS = ("sender", "nonce", "initCode", "callData", "callGasLimit", "verificationGasLimit", "preVerificationGas",
           "maxFeePerGas", "maxPriorityFeePerGas", "paymasterAndData", "signature")


class Bundled:
    """A chain with a bundler."""

    def __init__(self, chain: Chain):
        self.chain = chain
        self.bundler = Chain(chain.process, chain.start, Web3(Web3.HTTPProvider(chain.start["bundler"])))
        self.wallet = Wallet(chain)
        self.entry_point = chain.start["contracts"]["entryPoint"]

    def operation(self, call=None, **fields) -> dict:
        """A sponsored and signed operation that increments the counter, or does `call`."""
        counter = self.chain.contract("counter")
        call = call or self.wallet.code.functions.execute(
            counter.address, 0, counter.functions.increment()._encode_transaction_data())
        operation = self.wallet.operation(call, **{"verificationGasLimit": 2_000_000, **fields})
        return self.wallet.signed(self.wallet.sponsored(operation))

    def json(self, operation: dict) -> dict:
        return {name: hex(value) if isinstance(value, int) else value if isinstance(value, str) else "0x" + value.hex()
                for name, value in operation.items()}

    def send(self, operation: dict) -> str:
        return self.bundler.rpc("eth_sendUserOperation", self.json(operation), self.entry_point)

    def refused(self, operation: dict) -> dict:
        return self.bundler.error("eth_sendUserOperation", self.json(operation), self.entry_point)


@pytest.fixture
def bundled(fresh_chain):
    return Bundled(fresh_chain("--bundler-port", "0"))


def test_an_operation_is_sent_mined_and_found(bundled):
    operation = bundled.operation()
    sent = bundled.send(operation)
    assert sent == "0x" + bundled.wallet.entry_point.functions.getUserOpHash(tuple(operation.values())).call().hex()
    receipt = bundled.bundler.rpc("eth_getUserOperationReceipt", sent)
    assert receipt["success"] is True and receipt["sender"] == bundled.wallet.address and receipt["nonce"] == "0x0"
    assert receipt["receipt"]["blockNumber"] == "0x1" and receipt["receipt"]["status"] == "0x1"
    counter = bundled.chain.contract("counter")
    assert [log["address"] for log in receipt["logs"]][-1] == counter.address.lower()
    assert counter.functions.lastCaller().call() == bundled.wallet.address
    found = bundled.bundler.rpc("eth_getUserOperationByHash", sent)
    assert found["transactionHash"] == receipt["receipt"]["transactionHash"]
    assert {k: v.lower() for k, v in found["userOperation"].items()} == \
           {k: v.lower() for k, v in bundled.json(operation).items()}


def test_what_it_says_of_itself(bundled):
    assert bundled.bundler.rpc("eth_chainId") == "0x7a69"
    assert bundled.bundler.rpc("eth_supportedEntryPoints") == [bundled.entry_point]
    assert bundled.bundler.error("eth_simulateUserOperation", {}, bundled.entry_point, "latest")["code"] == -32601
    for unknown in ("0x" + "12" * 32,):
        assert bundled.bundler.rpc("eth_getUserOperationReceipt", unknown) is None
        assert bundled.bundler.rpc("eth_getUserOperationByHash", unknown) is None


def test_estimates_are_enough(bundled):
    draft = bundled.json(bundled.operation()) | {"signature": "0x" + "11" * 65}
    for name in ("callGasLimit", "verificationGasLimit", "preVerificationGas"):
        draft[name] = "0x0"
    estimated = bundled.bundler.rpc("eth_estimateUserOperationGas", draft, bundled.entry_point, {})
    gas = {name: int(value, 16) for name, value in estimated.items()}
    receipt = bundled.bundler.rpc("eth_getUserOperationReceipt", bundled.send(bundled.operation(**gas)))
    assert receipt["success"] is True


def test_an_estimate_of_a_failing_call_says_why(bundled):
    counter = bundled.chain.contract("counter")
    call = bundled.wallet.code.functions.execute(
        counter.address, 0, counter.functions.fail("closed")._encode_transaction_data())
    operation = bundled.json(bundled.operation(call))
    error = bundled.bundler.error("eth_estimateUserOperationGas", operation, bundled.entry_point, {})
    assert error["code"] == -32521 and error["message"] == "execution reverted: closed"
    receipt = bundled.bundler.rpc("eth_getUserOperationReceipt", bundled.send(bundled.operation(call)))
    assert receipt["success"] is False and b"closed".hex() in receipt["reason"]


def test_refusals_carry_the_reason(bundled):
    good, stranger = bundled.operation(), bundled.chain.signer("account 9")
    wallet = bundled.wallet
    refusals = [
        (wallet.signed(good, stranger), -32507, "AA24 signature error"),
        (wallet.signed(good | {"nonce": 1}), -32500, "AA25 invalid account nonce"),
        (wallet.signed(good | {"paymasterAndData": b""}), -32500, "AA21 didn't pay prefund"),
        (wallet.signed(wallet.sponsored(good, stranger)), -32507, "AA24 signature error"),
        (wallet.signed(wallet.sponsored(good, until=1)), -32503, "AA22 expired or not due"),
        (wallet.signed(good | {"initCode": b""}), -32500, "AA20 account not deployed"),
        (wallet.signed(good | {"paymasterAndData": b"\1" * 20}), -32501, "AA31 paymaster deposit too low"),
    ]
    for operation, code, reason in refusals:
        assert bundled.refused(operation) == {"code": code, "message": reason}
    assert bundled.chain.web3.eth.block_number == 0


def test_malformed_operations_are_named_as_such(bundled):
    good = bundled.json(bundled.operation())
    for change in ({"nonce": "one"}, {"sender": "0x12"}, {"signature": None}, {"callData": "0x1"}):
        error = bundled.bundler.error("eth_sendUserOperation", good | change, bundled.entry_point)
        assert error["code"] == -32602 and "invalid UserOperation struct/fields" in error["message"]
    del good["callGasLimit"]
    error = bundled.bundler.error("eth_sendUserOperation", good, bundled.entry_point)
    assert "callGasLimit is missing" in error["message"]
    assert bundled.bundler.error("eth_sendUserOperation", good, RECEIVER)["code"] == -32602


def test_operations_wait_when_told_to(bundled):
    bundled.bundler.rpc("debug_bundler_setBundlingMode", "manual")
    operation = bundled.operation()
    sent = bundled.send(operation)
    assert bundled.send(operation) == sent
    assert bundled.bundler.rpc("eth_getUserOperationReceipt", sent) is None
    assert bundled.bundler.rpc("eth_getUserOperationByHash", sent)["blockNumber"] is None
    assert [op["nonce"] for op in bundled.bundler.rpc("debug_bundler_dumpMempool", bundled.entry_point)] == ["0x0"]
    assert bundled.refused(bundled.operation(callGasLimit=1))["message"] == "replacement operation underpriced"
    dearer = bundled.send(bundled.operation(maxFeePerGas=4 * 10**9))
    transaction = bundled.bundler.rpc("debug_bundler_sendBundleNow")["transactionHash"]
    receipt = bundled.bundler.rpc("eth_getUserOperationReceipt", dearer)
    assert receipt["receipt"]["transactionHash"] == transaction
    assert bundled.bundler.rpc("eth_getUserOperationReceipt", sent) is None
    assert bundled.bundler.rpc("debug_bundler_sendBundleNow")["transactionHash"] is None


def test_an_operation_that_no_longer_validates_is_dropped(bundled):
    bundled.bundler.rpc("debug_bundler_setBundlingMode", "manual")
    bundled.send(bundled.operation())
    bundled.wallet.handle(bundled.operation())  # somebody else's bundle takes the nonce
    assert bundled.bundler.rpc("debug_bundler_sendBundleNow")["transactionHash"] is None
    assert bundled.bundler.rpc("debug_bundler_dumpMempool", bundled.entry_point) == []


def test_a_reorganisation_takes_an_operation_back_and_mines_it_again(bundled):
    sent = bundled.send(bundled.operation())
    before = bundled.bundler.rpc("eth_getUserOperationReceipt", sent)["receipt"]["blockHash"]
    bundled.chain.rpc("dev_reorg", 1, 0)
    assert bundled.bundler.rpc("eth_getUserOperationReceipt", sent) is None
    bundled.chain.mine()
    assert bundled.bundler.rpc("eth_getUserOperationReceipt", sent)["receipt"]["blockHash"] != before


def test_it_can_be_told_to_fail(bundled):
    error = {"code": -32602, "message": "no"}
    bundled.bundler.rpc("dev_setFaults", [{"method": "eth_sendUserOperation", "error": error}])
    assert bundled.refused(bundled.operation()) == error
    assert bundled.send(bundled.operation())
