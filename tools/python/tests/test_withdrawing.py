"""What leaves a wallet, by user operations on a real EVM."""

import threading
import time
import uuid

import grpc
import pytest
from avs_testbed.failures import refused
from avs_testbed.processes import Aggregator
from avs_testbed.stubs import avs
from avs_testbed.users import CALL_SECONDS, User
from avs_testbed.waiting import until

INVALID = "INVALID_ARGUMENT"
ETHER = 10**18
OTHER = "0x" + "12" * 20


def withdraw(user, *, recipient: str = OTHER, amount: str = "1", token: str = "ETH", wallet: str = ""):
    return user.call("WithdrawFunds", avs.WithdrawFundsReq(
        recipient_address=recipient, amount=amount, token=token, smart_wallet_address=wallet))


@pytest.fixture
def funded(user, wallet, chain) -> str:
    """The user's wallet with one ether and five of the token."""
    chain.rpc("dev_setBalance", wallet, hex(ETHER))
    sender = chain.facts["accounts"][0]["address"]
    chain.contract("token").functions.mint(wallet, 5).transact({"from": sender})
    return wallet


@pytest.mark.parametrize("change, code, text", [
    ({"recipient": ""}, 3006, "recipient address is required"), ({"amount": ""}, 3006, "amount is required"),
    ({"token": ""}, 3006, "token is required"), ({"recipient": "0x12"}, 3004, "invalid recipient address format"),
    ({"token": "USDC"}, 3004, "invalid token address format"),
    ({"amount": "0"}, 3000, "invalid amount: must be a positive integer or 'max'"),
    ({"amount": "-1"}, 3000, "invalid amount: must be a positive integer or 'max'"),
    ({"amount": "1.5"}, 3000, "invalid amount: must be a positive integer or 'max'"),
    ({"amount": "0x10"}, 3000, "invalid amount: must be a positive integer or 'max'"),
    ({"amount": "maximum"}, 3000, "invalid amount: must be a positive integer or 'max'"),
    ({"amount": str(2**256)}, 3000, "invalid amount: must be a positive integer or 'max'"),
    ({"wallet": ""}, 3006, "smart wallet address is required - must be obtained from getWallet() call first"),
    ({"wallet": "0x12"}, 3004, "invalid smart wallet address format"),
    ({"wallet": OTHER}, 2002, "…not found for owner"),
    ({"recipient": "0x" + "0" * 40}, 3000, "…failed to build withdrawal calldata"),
])
def test_what_cannot_be_withdrawn_is_refused(user, funded, change, code, text):
    """API-10.2.21, API-10.2.24"""
    with refused(INVALID, code, text):
        withdraw(user, **({"wallet": funded} | change))


def test_missing_fields_are_told_in_order(user):
    """2.7: the first of them"""
    with refused(INVALID, 3006, "recipient address is required"):
        withdraw(user, recipient="", amount="", token="")


def test_a_withdrawal_needs_its_owner(user, new_user, funded):
    """API-10.2.21, API-10.2.24: and a record of the wallet, even of the default one"""
    with refused("UNAUTHENTICATED", 1000):
        user.call("WithdrawFunds", avs.WithdrawFundsReq(), token="no.such.token")
    with refused(INVALID, 2002, "…not found for owner"):
        withdraw(new_user(), wallet=funded)


def test_no_more_than_there_is(user, funded, chain):
    """API-10.2.21"""
    text = f"insufficient balance: requested {ETHER + 1} wei but wallet has {ETHER} wei"
    with refused("FAILED_PRECONDITION", 8003, text):
        withdraw(user, wallet=funded, amount=str(ETHER + 1))
    with refused(INVALID, 8003, "insufficient token balance: requested 6, but wallet has 5"):
        withdraw(user, wallet=funded, amount="6", token=chain.address("token"))


@pytest.mark.parametrize("amount", ["max", "MAX", " Max\n"])
def test_everything_of_nothing_is_refused(user, wallet, chain, amount):
    """API-10.2.24"""
    with refused(INVALID, 8003, "wallet has zero balance"):
        withdraw(user, wallet=wallet, amount=amount)
    with refused(INVALID, 8003, "token balance is zero"):
        withdraw(user, wallet=wallet, amount=amount, token=chain.address("token"))


def test_a_token_that_is_none_has_no_balance(user, funded):
    """2.7, row 13"""
    with refused("INTERNAL", 5000, "…failed to get token balance: "):
        withdraw(user, wallet=funded, token=OTHER)


# What is sent

OPERATION_EVENT = "UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"


def some_recipient() -> str:
    return "0x" + uuid.uuid4().hex + "00000000"


def with_key(user, key: str, **fields):
    """Makes the call with an idempotency key: (answer, whether it is an earlier one's)."""
    request = avs.WithdrawFundsReq(
        recipient_address=fields["recipient"], amount=fields["amount"], token="ETH", smart_wallet_address=fields["wallet"])
    metadata = [("authkey", user.token), ("idempotency-key", key)]
    answer, call = user.stub.WithdrawFunds.with_call(request, metadata=metadata, timeout=CALL_SECONDS)
    return answer, dict(call.trailing_metadata() or ()).get("idempotency-replayed") == "true"


def operations(chain, sender: str) -> list[dict]:
    """The user operations of a wallet that are on the chain, oldest first."""
    topic = "0x" + chain.web3.keccak(text=OPERATION_EVENT).hex().removeprefix("0x")
    logs = chain.rpc("eth_getLogs", {
        "address": chain.address("entryPoint"), "fromBlock": "0x0", "toBlock": "latest",
        "topics": [topic, None, "0x" + "00" * 12 + sender[2:].lower()]})
    return [{
        "hash": log["topics"][1], "transaction": log["transactionHash"], "payer": "0x" + log["topics"][3][-40:],
        "nonce": int(log["data"][2:66], 16), "success": int(log["data"][66:130], 16) == 1,
    } for log in logs]


def balance(chain, address: str) -> int:
    return int(chain.rpc("eth_getBalance", address, "latest"), 16)


def token_balance(chain, address: str) -> int:
    return chain.contract("token").functions.balanceOf(chain.web3.to_checksum_address(address)).call()


def confirmed(answer) -> bool:
    return answer.success and (answer.status, answer.message) == ("confirmed", "withdrawal transaction confirmed")


def test_coins_arrive_and_the_paymaster_pays(user, funded, chain):
    """API-10.2.20, API-10.2.22, API-10.2.23: the recipient has exactly the amount more, the receipt says 1, the inner call
    succeeded, and the wallet, which was not deployed before, has exactly the amount less"""
    recipient = some_recipient()
    assert chain.rpc("eth_getCode", funded, "latest") == "0x"
    token, user.token = user.token, None
    answer = user.call("WithdrawFunds", avs.WithdrawFundsReq(
        recipient_address=recipient, amount=str(ETHER // 3), token="ETH", smart_wallet_address=funded.lower()), token=token)
    assert confirmed(answer), answer
    assert (answer.recipient_address, answer.amount, answer.token) == (recipient, str(ETHER // 3), "ETH")
    assert answer.smart_wallet_address == funded and abs(answer.submitted_at - time.time()) < 60
    assert (balance(chain, recipient), balance(chain, funded)) == (ETHER // 3, ETHER - ETHER // 3)
    receipt = chain.rpc("eth_getTransactionReceipt", answer.transaction_hash)
    assert receipt["status"] == "0x1" and chain.rpc("eth_getCode", funded, "latest") != "0x"
    [operation] = operations(chain, funded)
    assert (operation["hash"], operation["transaction"]) == (answer.user_op_hash, answer.transaction_hash)
    assert operation["success"] and operation["payer"] == chain.address("paymaster").lower()


def test_tokens_arrive(user, funded, chain):
    """API-10.2.22, API-10.2.23: of a token that nobody listed"""
    recipient = some_recipient()
    answer = withdraw(user, wallet=funded, recipient=recipient, amount="3", token=chain.address("token").lower())
    assert confirmed(answer) and answer.token == chain.address("token").lower(), answer
    assert (token_balance(chain, recipient), token_balance(chain, funded)) == (3, 2)
    assert chain.rpc("eth_getTransactionReceipt", answer.transaction_hash)["status"] == "0x1"
    assert operations(chain, funded)[0]["success"] and balance(chain, funded) == ETHER


@pytest.mark.parametrize("amount", ["max", "MAX"])
def test_everything_leaves(user, funded, chain, amount):
    """API-10.2.24, 7.5: the paymaster is not paid back, so nothing stays"""
    recipient = some_recipient()
    answer = withdraw(user, wallet=funded, recipient=recipient, amount=amount)
    assert confirmed(answer) and answer.amount == amount, answer
    assert (balance(chain, recipient), balance(chain, funded)) == (ETHER, 0)
    answer = withdraw(user, wallet=funded, recipient=recipient, amount=amount, token=chain.address("token"))
    assert confirmed(answer) and token_balance(chain, recipient) == 5
    assert [operation["nonce"] for operation in operations(chain, funded)] == [0, 1]


def test_a_wallet_of_another_salt_is_deployed_with_its_own(user, chain):
    """7.5: the salt is the record's"""
    wallet = user.wallet(salt="987654321").address
    chain.rpc("dev_setBalance", wallet, hex(5))
    recipient = some_recipient()
    assert confirmed(withdraw(user, wallet=wallet, recipient=recipient, amount="5"))
    assert balance(chain, recipient) == 5


def test_withdrawals_of_one_wallet_wait_for_each_other(user, funded, chain):
    """7.5: balances are read when it is one's turn, so six of a quarter make four"""
    recipient, answers = some_recipient(), []

    def take() -> None:
        try:
            answers.append(withdraw(user, wallet=funded, recipient=recipient, amount=str(ETHER // 4)).status)
        except grpc.RpcError as error:
            answers.append(error.details())

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refusal = f"insufficient balance: requested {ETHER // 4} wei but wallet has 0 wei"
    assert sorted(answers) == ["confirmed"] * 4 + [refusal] * 2
    assert balance(chain, recipient) == ETHER
    assert [operation["nonce"] for operation in operations(chain, funded)] == [0, 1, 2, 3]


def test_a_repeated_call_is_the_same_withdrawal(user, funded, chain):
    """issue 4, item 7: also of everything, which is nothing by then"""
    recipient, key = some_recipient(), str(uuid.uuid4())
    request = {"wallet": funded, "recipient": recipient, "amount": "max"}
    first, was_replayed = with_key(user, key, **request)
    assert confirmed(first) and not was_replayed
    assert with_key(user, key, **request) == (first, True)
    with refused(INVALID, 3000, "the idempotency key was used for another request"):
        with_key(user, key, **(request | {"amount": "1"}))
    assert len(operations(chain, funded)) == 1


# What goes wrong

def test_a_bundler_that_refuses_is_an_answer(user, funded, chain):
    """API-10.2.20, EE-NW15, 2.7 row 17: nothing has happened, and the next try starts from there"""
    long_text = "x" * 500
    for refusal, text in [
        ({"code": -32500, "message": "AA21 didn't pay prefund"}, "the wallet has not enough ETH to pay for gas (AA21)"),
        ({"code": -32500, "message": "AA23 reverted (or OOG)"}, "AA23 reverted (or OOG)"),
        ({"code": -32000, "message": long_text}, "x" * 100),
    ]:
        chain.bundler("dev_setFaults", [{"method": "eth_sendUserOperation", "error": refusal}])
        answer = withdraw(user, wallet=funded)
        assert (answer.success, answer.status, answer.user_op_hash, answer.transaction_hash) == (False, "failed", "", "")
        assert answer.message.startswith("failed to send withdrawal transaction: ") and text in answer.message
        assert len(answer.message) <= 200 + len("failed to send withdrawal transaction: ")
    assert confirmed(withdraw(user, wallet=funded, recipient=some_recipient()))
    assert [operation["nonce"] for operation in operations(chain, funded)] == [0]


def test_a_refused_form_is_tried_once_without_the_paymaster(user, funded, chain):
    """7.8: and the wallet pays"""
    invalid = {"code": -32602, "message": "bad paymasterAndData"}
    chain.bundler("dev_setFaults", [{"method": "eth_sendUserOperation", "error": invalid}])
    assert confirmed(withdraw(user, wallet=funded, recipient=some_recipient()))
    [operation] = operations(chain, funded)
    assert operation["payer"] == "0x" + "0" * 40 and balance(chain, funded) < ETHER - 1


def test_an_answer_that_is_lost_is_looked_up(user, funded, chain):
    """XO-18: the operation is sent again only where it did not arrive"""
    for fault in [{"close": True}, {"status": 503}]:
        recipient = some_recipient()
        chain.bundler("dev_setFaults", [{"method": "eth_sendUserOperation", **fault}])
        assert confirmed(withdraw(user, wallet=funded, recipient=recipient))
        assert balance(chain, recipient) == 1
    assert [operation["nonce"] for operation in operations(chain, funded)] == [0, 1]


def test_a_reverted_call_is_told(user, funded, chain):
    """EE-NW14: the receipt says 1 and the inner call failed"""
    answer = withdraw(user, wallet=funded, recipient=chain.address("factory"))  # which takes no coins
    assert (answer.success, answer.status) == (False, "failed") and answer.transaction_hash, answer
    assert "reverted" in answer.message
    assert [operation["success"] for operation in operations(chain, funded)] == [False] and balance(chain, funded) == ETHER


@pytest.fixture
def separate(new_aggregator):
    """An aggregator that a test may kill, and a user of it."""
    aggregator: Aggregator = new_aggregator()
    aggregator.start()
    channels = []

    def new_user(account=None) -> User:
        channels.append(aggregator.channel())
        return User(channels[-1], account).sign_in()

    yield aggregator, new_user
    for channel in channels:
        channel.close()


def test_a_crash_between_sending_and_confirmation_sends_nothing_twice(separate, chain):
    """XO-16, XO-18: the repeated call finds the operation that the dead process had sent"""
    aggregator, new_user = separate
    user = new_user()
    wallet, recipient, key = user.wallet().address, some_recipient(), str(uuid.uuid4())
    chain.rpc("dev_setBalance", wallet, hex(ETHER))
    request = {"wallet": wallet, "recipient": recipient, "amount": "max"}
    chain.bundler("debug_bundler_setBundlingMode", "manual")
    try:
        chain.bundler("dev_setFaults", [{"method": "debug_bundler_sendBundleNow", "count": 1000, "error": {}}])
        call = threading.Thread(target=lambda: expect_failure(user, key, request))
        call.start()
        wait_for(lambda: chain.bundler("debug_bundler_dumpMempool", chain.address("entryPoint")))
        aggregator.kill()
        call.join()
        aggregator.start()
        chain.bundler("dev_setFaults", [])
        chain.bundler("debug_bundler_sendBundleNow")
        user = new_user(user.account)
        answer, was_replayed = with_key(user, key, **request)
    finally:
        chain.bundler("dev_setFaults", [])
        chain.bundler("debug_bundler_setBundlingMode", "auto")
    assert confirmed(answer) and not was_replayed, answer
    assert [operation["hash"] for operation in operations(chain, wallet)] == [answer.user_op_hash]
    assert balance(chain, recipient) == ETHER


def test_without_a_bundler_that_answers_nothing_is_sent(new_aggregator, chain):
    """EE-NW15: connection refused"""
    aggregator = new_aggregator()
    configuration = aggregator.configuration()
    configuration["chains"][0]["bundler_url"] = "http://127.0.0.1:1"
    aggregator.settings["chains"] = configuration["chains"]
    aggregator.configure()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        wallet = user.wallet().address
        chain.rpc("dev_setBalance", wallet, hex(ETHER))
        answer = withdraw(user, wallet=wallet)
        assert answer.status == "failed" and "bundler service unavailable" in answer.message, answer
    assert not operations(chain, wallet)


def test_a_paymaster_of_another_signer_is_not_used(new_aggregator, chain):
    """EE-X10: the controller must be who it trusts"""
    aggregator = new_aggregator(controller={"private_key": chain.account("account 1")["privateKey"]})
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        wallet = user.wallet().address
        chain.rpc("dev_setBalance", wallet, hex(ETHER))
        answer = withdraw(user, wallet=wallet)
        assert answer.status == "failed" and "trusts signer" in answer.message, answer


def expect_failure(user, key: str, request: dict) -> None:
    with pytest.raises(grpc.RpcError):
        with_key(user, key, **request)


def wait_for(condition) -> None:
    until(condition, what="the operation at the bundler")


def test_a_controller_signs_no_more_than_it_may(new_aggregator, chain):
    """KMS-7: bounds of controller.limits, for one operation and for a day; what is refused is not sent"""
    aggregator = new_aggregator(controller={
        "private_key": chain.account("controller")["privateKey"],
        "limits": {"value_per_operation": 0.5, "value_per_day": 0.75, "operations_per_minute": 100}})
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        wallet, recipient = user.wallet().address, some_recipient()
        chain.rpc("dev_setBalance", wallet, hex(ETHER))
        above = withdraw(user, wallet=wallet, recipient=recipient, amount=str(ETHER // 2 + 1))
        assert (above.success, above.status, above.user_op_hash) == (False, "failed", "")
        assert f"the value of one operation would be {ETHER // 2 + 1} wei, at most {ETHER // 2} are allowed" in above.message
        assert confirmed(withdraw(user, wallet=wallet, recipient=recipient, amount=str(ETHER // 2)))
        again = withdraw(user, wallet=wallet, recipient=recipient, amount=str(ETHER // 2))
        assert not again.success and "the value of a day would be" in again.message
        assert balance(chain, recipient) == ETHER // 2 and len(operations(chain, wallet)) == 1
    assert aggregator.stop() == 0
