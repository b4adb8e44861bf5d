"""Tokens, made here with the server's own secret: right ones, and wrong in one thing each."""

import pytest
from avs_testbed import tasks, tokens
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.users import User

INVALID = "User authentication error: User Auth key is invalid"
SUBJECT = "0x" + "11" * 20

METHODS = avs.DESCRIPTOR.services_by_name["Aggregator"].methods_by_name
AUTHENTICATED = [name for name in METHODS if name not in ("GetKey", "GetSignatureFormat", "GetNonce")]


def token(aggregator, chain, algorithm: str = "HS256", **claims) -> str:
    return tokens.sign(aggregator.jwt_secret, tokens.user_claims(SUBJECT, str(chain.id)) | claims, algorithm)


def wallet_of(channel, token: str):
    return User(channel).call("GetWallet", avs.GetWalletReq(), token=token)


@pytest.mark.parametrize("name", AUTHENTICATED)
def test_every_other_rpc_wants_a_token(channel, name):
    """API-10.1.11"""
    start = "User Auth key is invalid" if name == "CreateTask" else "User authentication error"
    with refused("UNAUTHENTICATED", 1000, f"{start}: missing auth header"):
        User(channel).call(name, getattr(avs, METHODS[name].input_type.name)())


@pytest.mark.parametrize("name", ["GetWallet", "ListWallets", "CreateTask", "GetTask", "ListTasks", "SetTaskEnabled",
                                  "DeleteTask"])
def test_each_call_is_made_by_the_holder_of_its_own_token(new_user, name):
    """API-10.1.12: what one token may do, another on the same connection may not."""
    owner, stranger = new_user(), new_user()
    wallet = owner.wallet().address
    task_id = owner.create(tasks.task(wallet))
    request = {
        "GetWallet": avs.GetWalletReq(), "ListWallets": avs.ListWalletReq(), "CreateTask": tasks.task(wallet),
        "GetTask": avs.IdReq(id=task_id), "ListTasks": avs.ListTasksReq(smart_wallet_address=[wallet]),
        "SetTaskEnabled": avs.SetTaskEnabledReq(id=task_id), "DeleteTask": avs.IdReq(id=task_id)}[name]
    answer = stranger.call(name, request, token=owner.token)
    match name:
        case "GetWallet": assert answer.address == wallet != stranger.wallet().address
        case "ListWallets":
            assert [item.address for item in answer.items] == [wallet]
            assert wallet not in [item.address for item in stranger.call(name, request).items]
        case "SetTaskEnabled" | "DeleteTask":
            assert answer.success and stranger.call(name, request).status == "not_found"
        case "GetTask":
            with refused("NOT_FOUND", 2000, "task not found"):
                stranger.call(name, request)
        case _:
            with refused("INVALID_ARGUMENT", 3004, "invalid smart account address"):
                stranger.call(name, request)


@pytest.mark.parametrize("audience", ["own", "1", "17000"])
def test_these_audiences_are_accepted(channel, aggregator, chain, audience):
    """API-10.1.14"""
    good = token(aggregator, chain, aud=[str(chain.id) if audience == "own" else audience])
    assert wallet_of(channel, good).address


@pytest.mark.parametrize("claims, domain, reason", [
    ({"aud": ["5"]}, 1000, "…invalid chainId in audience"),
    ({"aud": ["01"]}, 1000, "…invalid chainId in audience"),
    ({"aud": []}, 1000, "…error getting audience or audience is empty"),
    ({"exp": 1}, 1003, INVALID),
    ({"sub": ""}, 1000, "…User Auth key is invalid"),
    ({"sub": "somebody"}, 1000, "…subject must be a valid EOA address"),
    ({"sub": "0x" + "0" * 40}, 1000, "…subject cannot be the zero address"),
])
def test_a_token_that_is_wrong_in_one_claim_is_refused(channel, aggregator, chain, claims, domain, reason):
    """API-10.1.2, API-10.1.14"""
    with refused("UNAUTHENTICATED", domain, reason):
        wallet_of(channel, token(aggregator, chain, **claims))


def test_a_token_without_an_end_is_refused(channel, aggregator, chain):
    """API-10.1.14"""
    claims = tokens.user_claims(SUBJECT, str(chain.id))
    del claims["exp"]
    with refused("UNAUTHENTICATED", 1000, INVALID):
        wallet_of(channel, tokens.sign(aggregator.jwt_secret, claims))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none"])
def test_other_algorithms_are_refused(channel, aggregator, chain, algorithm):
    """API-10.1.14"""
    with refused("UNAUTHENTICATED", 1000, INVALID):
        wallet_of(channel, token(aggregator, chain, algorithm))


def test_a_changed_token_is_refused(channel, aggregator, chain):
    """API-10.1.14"""
    good = token(aggregator, chain)
    header, content, signature = good.split(".")
    others = tokens.sign(b"another secret", tokens.user_claims("0x" + "22" * 20, str(chain.id))).split(".")
    for bad in (f"{header}.{others[1]}.{signature}", f"{header}.{content}.{others[2]}", f"{header}.{content}",
                f"{good}.", "x", "..", good[:-1]):
        with refused("UNAUTHENTICATED", 1000, INVALID):
            wallet_of(channel, bad)


def test_authentication_comes_before_every_other_check(channel):
    """API-10.1.11: a request that is wrong in itself is still refused for want of a token."""
    with refused("UNAUTHENTICATED"):
        User(channel).call("TriggerTask", avs.TriggerTaskReq(task_id="short"))
