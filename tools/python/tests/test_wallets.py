"""Smart wallets: derived on the development chain, registered by the aggregator."""

import json
import subprocess

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.processes import Chain, inspector
from avs_testbed.stubs import avs
from avs_testbed.users import User

INVALID = "INVALID_ARGUMENT"
ZERO = "0x" + "0" * 40
WALLETS_PER_OWNER = 5


def derived(chain, owner: str, salt: int = 0) -> str:
    """What the factory itself says."""
    return chain.contract("factory").functions.getAddress(owner, salt).call()


def listed(user: User, **filters):
    return list(user.call("ListWallets", avs.ListWalletReq(**filters)).items)


def hide(user: User, hidden: bool, salt: str = "0", factory: str = ""):
    return user.call("SetWallet", avs.SetWalletReq(salt=salt, factory_address=factory, is_hidden=hidden))


def test_the_default_wallet_is_the_factorys(user, chain):
    """API-10.2.1"""
    wallet = user.wallet()
    assert wallet.address == derived(chain, user.address) and len(wallet.address) == 42
    assert (wallet.salt, wallet.factory_address, wallet.is_hidden) == ("0", chain.address("factory"), False)
    assert wallet.total_task_count == wallet.enabled_task_count == 0
    assert user.wallet() == wallet


@pytest.mark.parametrize("text, salt", [("12345", 12345), ("0x3039", 12345), (str(2**256 - 1), 2**256 - 1)])
def test_a_salt_is_decimal_or_hex(user, chain, text, salt):
    """API-10.2.2"""
    wallet = user.wallet(text)
    assert (wallet.address, wallet.salt) == (derived(chain, user.address, salt), str(salt))


@pytest.mark.parametrize("salt, text", [
    ("-12", "invalid salt value: must be a non-negative integer, got -12"),
    ("one", "invalid salt value: one"), ("1.5", "invalid salt value: 1.5"),
    (str(2**256), f"invalid salt value: {2**256}"), ("0xzz", "invalid salt value: 0xzz"),
])
def test_a_salt_that_is_none_is_refused(user, salt, text):
    """API-10.2.3"""
    with refused(INVALID, 3000, text):
        user.wallet(salt)


@pytest.mark.parametrize("factory, text", [
    ("0x1234", "invalid factory address"), (ZERO, "Factory address cannot be the zero address")])
def test_a_factory_that_is_none_is_refused(user, factory, text):
    """API-10.2.4"""
    with refused(INVALID, 3004, text):
        user.wallet("0", factory)


def counts(user: User) -> dict[str, int]:
    wallet = user.wallet()
    return {name: getattr(wallet, f"{name}_task_count")
            for name in ("total", "enabled", "completed", "failed", "disabled", "canceled")}


def test_tasks_are_counted_by_status(user, wallet):
    """API-10.2.5, API-10.2.6"""
    none = dict.fromkeys(counts(user), 0)
    first = user.create(tasks.task(wallet, limit=1))
    assert counts(user) == none | {"total": 1, "enabled": 1}
    user.trigger(first, avs.TRIGGER_TYPE_MANUAL, blocking=True)
    assert counts(user) == none | {"total": 1, "completed": 1}
    second, third = user.create(tasks.task(wallet)), user.create(tasks.task(wallet))
    user.set_enabled(second, False)
    user.cancel(third)
    user.create(tasks.task(wallet))
    assert counts(user) == none | {"total": 4, "enabled": 1, "completed": 1, "disabled": 1, "canceled": 1}
    user.delete(second)
    assert counts(user) == none | {"total": 3, "enabled": 1, "completed": 1, "canceled": 1}


def test_each_salt_is_listed_once(user, chain):
    """API-10.2.7, API-10.2.8"""
    for salt in ("3", "1", "3", "0x1"):
        user.wallet(salt)
    wallets = listed(user)
    assert wallets[0].address == derived(chain, user.address) and wallets[0].salt == "0"
    assert sorted(item.salt for item in wallets) == ["0", "1", "3"]
    assert [item.address for item in wallets[1:]] == sorted((item.address for item in wallets[1:]), key=str.lower)
    assert not any(item.is_hidden for item in wallets)
    assert {item.factory for item in wallets} == {chain.address("factory")}


def test_a_hidden_wallet_stays_in_the_list(user):
    """API-10.2.9, API-10.2.10"""
    for salt in ("0", "7"):
        user.wallet(salt)
        for hidden in (True, True, False, True):
            assert hide(user, hidden, salt).is_hidden is hidden
            assert {item.salt: item.is_hidden for item in listed(user)}[salt] is hidden
    assert user.wallet("7").is_hidden


def test_a_wallet_has_to_be_registered_before_it_is_hidden(user):
    """API-10.2.11"""
    for salt in ("0", "99"):
        with refused("NOT_FOUND", 2002, "Wallet not found for the specified salt and factory."):
            hide(user, True, salt)


@pytest.mark.parametrize("salt, factory, domain, text", [
    ("0", "0x1234", 3004, "Invalid factory address format: 0x1234"),
    ("0", ZERO, 3004, "Factory address cannot be the zero address"),
    ("one", "", 3000, "Invalid salt format: one"), ("-1", "", 3000, "Invalid salt format: -1"),
])
def test_hiding_checks_its_arguments(user, salt, factory, domain, text):
    """API-10.2.11"""
    with refused(INVALID, domain, text):
        hide(user, True, salt, factory)


def test_listing_registers_the_default_wallet(user, chain):
    """API-10.2.12"""
    assert [item.address for item in listed(user)] == [derived(chain, user.address)]
    assert hide(user, True).is_hidden
    assert len(listed(user)) == 1


def test_a_new_wallet_beyond_the_limit_is_refused_and_old_ones_stay(user):
    """API-10.2.13"""
    for salt in range(1, WALLETS_PER_OWNER + 1):
        user.wallet(str(salt))
    text = f"max smart wallet count reached for owner (limit={WALLETS_PER_OWNER})"
    for salt in ("0", "100"):
        with refused("RESOURCE_EXHAUSTED", 7001, text):
            user.wallet(salt)
    for salt in range(1, WALLETS_PER_OWNER + 1):
        assert user.wallet(str(salt)).salt == str(salt)
    assert [item.salt for item in listed(user)][0] == "0", "the default wallet is registered above the limit"


def test_the_default_wallet_may_act_before_it_is_registered(user, chain):
    """API-10.2.18"""
    assert user.create(tasks.task(derived(chain, user.address)))
    with refused(INVALID, 3004, "invalid smart account address"):
        user.create(tasks.task(derived(chain, user.address, 5)))
    assert user.create(tasks.task(user.wallet("5").address))


def test_filters_narrow_the_list(user, chain):
    """API-10.2.19"""
    user.wallet("4")
    assert [item.salt for item in listed(user, salt="4")] == ["4"]
    assert listed(user, salt="04") == []
    assert len(listed(user, factory_address=chain.address("factory").lower())) == 2
    assert listed(user, factory_address="0x" + "42" * 20) == []
    assert [item.salt for item in listed(user)] == ["0", "4"]


def test_a_nonce_is_asked_for_without_a_token(channel, user):
    """aggregator-api 2.7: a wallet that never sent anything has nonce 0."""
    anonymous = User(channel)
    wallet = user.wallet().address
    assert anonymous.call("GetNonce", avs.NonceRequest(owner=wallet)).nonce == "0"
    with refused(INVALID, 3004):
        anonymous.call("GetNonce", avs.NonceRequest(owner="nobody"))


@pytest.mark.skipif(inspector() is None, reason="avsctl is not built")
def test_an_upgraded_factory_makes_the_old_wallet_stale(new_aggregator):
    """API-10.2.14, API-10.2.15, API-10.2.16, API-10.2.17: in a database whose factory derives other addresses today"""
    chain, other = Chain(), "0x" + "42" * 20
    try:
        aggregator = new_aggregator()
        aggregator.chain = chain
        key = "not-for-the-screen"
        aggregator.settings["chains"] = [aggregator.configuration()["chains"][0] | {
            "rpc_urls": [f"{chain.facts['http']}?key={key}"]}]
        aggregator.configure()
        aggregator.start()

        def row(key: str):
            answer = avsctl("store", "get", "--json", "--db", str(aggregator.folder / "db"), key)
            return json.loads(answer.stdout)["value"] if answer.returncode == 0 else None

        with aggregator.channel() as channel:
            user = User(channel).sign_in()
            old, salt = user.wallet("3").address, f"{user.address}:{chain.address('factory')}:3".lower()
            mine = f"w:{user.address}:{old}".lower()
            assert row(f"wsalt:{salt}") == old.lower() and row(f"wsalt:{salt}4") is None
            assert row(mine)["salt"] == "3" and row(mine)["staleDerivation"] is False
        assert aggregator.stop() == 0
        # A factory that puts every wallet at one address.
        chain.rpc("dev_setCode", chain.address("factory"), "0x73" + other[2:] + "60005260206000f3")
        backfill = ("store", "backfill-wallet-salt-index", "--config", str(aggregator.folder / "aggregator.yaml"))
        for flags in (["--dry-run"], []):
            assert row(mine)["staleDerivation"] is False
            answer = avsctl(*backfill, *flags)
            assert answer.returncode == 0 and answer.stdout.split() == [user.address, old, "stale"]
            assert "0 canonical, 0 entered, 1 stale, 0 legacy, 0 failed" in answer.stderr and key not in answer.stderr
        assert row(mine)["staleDerivation"] is True and row(mine)["isHidden"] is True
        assert row(f"wsalt:{salt}") == old.lower()
        aggregator.start()
        with aggregator.channel() as channel:
            user = User(channel, user.account).sign_in()
            assert user.wallet("3").address.lower() == other and row(f"wsalt:{salt}") == other
            assert [item.address.lower() for item in listed(user)] == [other]
            assert user.create(tasks.task(old)), "a stale wallet may still act"
        assert aggregator.stop() == 0
    finally:
        chain.stop()


def avsctl(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(inspector()), *arguments], capture_output=True, text=True, timeout=60)
