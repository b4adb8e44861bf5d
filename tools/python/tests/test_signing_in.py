"""Signing in, with keys and signatures by eth-account."""

import time

import pytest
from avs_testbed import tokens
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.users import User, sign_in_message, signature_of
from eth_account import Account

ZERO = "0x" + "0" * 40
INVALID = "INVALID_ARGUMENT"


def key(channel, message: str, signature: str):
    return User(channel).call("GetKey", avs.GetKeyReq(message=message, signature=signature))


def test_the_text_to_sign_has_eight_lines(channel, chain):
    """API-10.1.1"""
    wallet = Account.create().address.lower()
    lines = User(channel).call("GetSignatureFormat", avs.GetSignatureFormatReq(wallet=wallet)).message.split("\n")
    assert len(lines) == 8
    assert lines[0] == "Please sign the below text for ownership verification."
    assert lines[1] == ""
    assert lines[2] == "URI: https://app.avaprotocol.org"
    assert lines[3] == f"Chain ID: {chain.id}"
    assert lines[4].startswith("Version: ")
    assert lines[7] == f"Wallet: {wallet}"


@pytest.mark.parametrize("wallet, domain, text", [
    ("", 3006, "Wallet address is required"),
    ("0x1234", 3004, "Invalid Ethereum wallet address format"),
    (ZERO, 3004, "Wallet address cannot be the zero address"),
])
def test_a_wallet_that_is_none_gets_no_text(channel, wallet, domain, text):
    """API-10.1.2"""
    with refused(INVALID, domain, text):
        User(channel).call("GetSignatureFormat", avs.GetSignatureFormatReq(wallet=wallet))


def test_a_signature_gives_a_token(channel, chain):
    """API-10.1.3, API-10.1.7"""
    account = Account.create()
    message = User(channel).call("GetSignatureFormat", avs.GetSignatureFormatReq(wallet=account.address)).message
    answer = key(channel, message, signature_of(message, account))
    claims = tokens.claims(answer.key)
    assert claims["sub"] == account.address
    assert claims["aud"] == [str(chain.id)]
    assert claims["iss"] == "AvaProtocol"
    assert isinstance(claims["exp"], int) and claims["exp"] > time.time()
    assert (answer.address, answer.message, answer.expiry) == (account.address, message, claims["exp"])
    assert not {"iat", "nbf", "jti", "roles"} & claims.keys()


def test_a_clients_own_text_is_as_good(channel, chain):
    """API-10.1.3"""
    account = Account.create()
    message = sign_in_message(account.address.lower(), chain.id, version="anything")
    assert tokens.claims(key(channel, message, signature_of(message, account)).key)["sub"] == account.address


def test_another_chain_is_refused(channel, chain):
    """API-10.1.4"""
    account = Account.create()
    message = sign_in_message(account.address, 5)
    text = f"Invalid chainId: requested chainId 5 does not match SmartWallet chainId {chain.id}"
    with refused(INVALID, 3000, text):
        key(channel, message, signature_of(message, account))


def test_a_text_for_mainnet_is_good_everywhere(channel):
    """API-10.1.5"""
    user = User(channel)
    message = sign_in_message(user.address, 1)
    user.token = key(channel, message, signature_of(message, user.account)).key
    assert tokens.claims(user.token)["aud"] == ["1"]
    assert user.wallet().address.startswith("0x")


def test_an_api_key_takes_the_place_of_the_signature(channel, chain, aggregator):
    """API-10.1.6"""
    wallet = Account.create().address
    message = sign_in_message(wallet, chain.id)
    api_key = tokens.sign(aggregator.jwt_secret, tokens.user_claims("apikey", str(chain.id), roles=["admin"]))
    claims = tokens.claims(key(channel, message, api_key).key)
    assert claims["sub"] == wallet and claims["iss"] == "AvaProtocol" and claims["exp"] > time.time()
    assert "roles" not in claims


@pytest.mark.parametrize("claims", [
    {"sub": "apikey", "roles": ["readonly"]}, {"sub": "apikey", "roles": []}, {"sub": "apikey"},
    {"sub": "nobody", "roles": ["readonly"]}, {"sub": "0x" + "12" * 20, "roles": ["readonly"]},
    {"sub": "apikey", "roles": ["admin"], "exp": 1},
])
def test_an_api_key_without_the_right_is_refused(channel, chain, aggregator, claims):
    """API-10.1.6"""
    message = sign_in_message(Account.create().address, chain.id)
    api_key = tokens.sign(aggregator.jwt_secret, tokens.user_claims("", str(chain.id)) | claims)
    with refused("UNAUTHENTICATED", 1000, "User authentication error: API key is invalid"):
        key(channel, message, api_key)


def test_an_api_key_by_another_secret_is_refused(channel, chain):
    """API-10.1.6"""
    message = sign_in_message(Account.create().address, chain.id)
    with refused("UNAUTHENTICATED", 1000, "User authentication error: API key is invalid"):
        key(channel, message, tokens.sign(b"guessed", tokens.user_claims("apikey", "1", roles=["admin"])))


def test_somebody_elses_signature_is_refused(channel, chain):
    """API-10.1.8"""
    message = sign_in_message(Account.create().address, chain.id)
    with refused("UNAUTHENTICATED", 1002, "User Auth key is invalid"):
        key(channel, message, signature_of(message, Account.create()))


@pytest.mark.parametrize("signature", ["", "0x", "0xzz", "hello", "0x" + "11" * 64, "0x" + "11" * 66, "11" * 65])
def test_a_text_that_is_no_signature_is_refused(channel, chain, signature):
    """API-10.1.8, API-10.1.10"""
    message = sign_in_message(Account.create().address, chain.id)
    with refused(INVALID, 3005, "Unable to decode client's signature. Please check the message's format."):
        key(channel, message, signature)


@pytest.mark.parametrize("last", ["0 or 1", "1a", "1d", "ff"])
def test_any_last_byte_of_a_signature_gets_an_answer(channel, chain, last):
    """API-10.1.10: 0 and 1 mean 27 and 28, anything else is refused."""
    account = Account.create()
    message = sign_in_message(account.address, chain.id)
    signature = signature_of(message, account)
    if last == "0 or 1":
        assert key(channel, message, signature[:-2] + f"{int(signature[-2:], 16) - 27:02x}").key
    else:
        with refused("UNAUTHENTICATED", 1002):
            key(channel, message, signature[:-2] + last)


def test_an_expired_text_is_refused_last(channel, chain):
    """API-10.1.8"""
    account = Account.create()
    message = sign_in_message(account.address, chain.id, expires_in=-1)
    with refused("UNAUTHENTICATED", 1003, "Malformed Expired Time"):
        key(channel, message, signature_of(message, account))
    with refused("UNAUTHENTICATED", 1002):
        key(channel, message, signature_of(message, Account.create()))


def test_lines_come_in_any_order_and_with_carriage_returns(channel, chain):
    """API-10.1.9"""
    account = Account.create()
    lines = sign_in_message(account.address, chain.id).split("\n")
    for text in ("\n".join(lines[:3] + lines[:2:-1]), "\r\n".join(lines)):
        assert key(channel, text, signature_of(text, account)).address == account.address


def without(word):
    return lambda lines: [line for line in lines if not line.startswith(word)] + ["-"]


@pytest.mark.parametrize("change, domain, text", [
    (lambda lines: lines[1:], 3000, "Invalid message format"),
    (lambda lines: lines + ["Chain ID: 1"], 3000, "…more than one"),
    (lambda lines: lines + ["Wallet: " + ZERO], 3000, "…more than one"),
    (without("Chain ID"), 3006, "Invalid message format: missing Chain ID"),
    (without("Version"), 3006, "Invalid message format: missing Version"),
    (without("Issued At"), 3006, "Invalid message format: missing Issued At"),
    (without("Expire At"), 3006, "Invalid message format: missing Expire At"),
    (without("Wallet"), 3006, "Invalid message format: missing Wallet"),
    (lambda lines: lines[:3] + ["Chain ID: one"] + lines[4:], 3000, "Invalid Chain ID format"),
    (lambda lines: lines[:5] + ["Issued At: today"] + lines[6:], 3000, "Invalid Issued At format"),
    (lambda lines: lines[:6] + ["Expire At: 2030-01-01"] + lines[7:], 3000, "Invalid Expire At format"),
    (lambda lines: lines[:7] + ["Wallet: 0x12"], 3004, "Invalid wallet address format"),
    (lambda lines: lines[:7] + ["Wallet: " + ZERO], 3004, "Wallet address cannot be the zero address"),
])
def test_a_malformed_text_is_refused(channel, chain, change, domain, text):
    """API-10.1.2, API-10.1.9, SIG-5"""
    account = Account.create()
    message = "\n".join(change(sign_in_message(account.address, chain.id).split("\n")))
    with refused(INVALID, domain, text):
        key(channel, message, signature_of(message, account))
