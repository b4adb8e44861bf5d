"""What leaves a wallet: everything up to the sending, which is not built yet."""

import time

import pytest
from avs_testbed.failures import refused
from avs_testbed.stubs import avs

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


@pytest.mark.parametrize("amount", [str(ETHER), "max", "MAX"])
def test_an_operation_that_cannot_be_sent_is_an_answer(user, funded, amount):
    """API-10.2.20: with every field of its kind, the request's texts, and the wallet that was asked for"""
    answer = withdraw(user, wallet=funded.lower(), amount=amount)
    assert (answer.success, answer.status) == (False, "failed")
    assert answer.message.startswith("failed to send withdrawal transaction: ")
    assert (answer.recipient_address, answer.amount, answer.token) == (OTHER, amount, "ETH")
    assert answer.smart_wallet_address == funded and abs(answer.submitted_at - time.time()) < 60
    assert answer.user_op_hash == answer.transaction_hash == ""
