"""The service `aggregator.Admin` on its own listener, by grpcio and by avsctl: operators, API keys, root keys, audit."""

import json
import os
import subprocess
import time

import grpc
import pytest
from avs_testbed import tasks, tokens
from avs_testbed.failures import refused
from avs_testbed.processes import CHANNEL_OPTIONS, inspector
from avs_testbed.stubs import admin, admin_grpc, avs, avs_grpc, node
from avs_testbed.users import User, sign_in_message
from avs_testbed.waiting import until
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

METHODS = admin.DESCRIPTOR.services_by_name["Admin"].methods_by_name
USER_METHODS = avs.DESCRIPTOR.services_by_name["Aggregator"].methods_by_name
ANONYMOUS = ("GetKey", "GetSignatureFormat", "GetNonce")
READ, WRITE, ADMIN, OPERATOR = (
    admin.API_SCOPE_READ, admin.API_SCOPE_WRITE, admin.API_SCOPE_ADMIN, admin.API_SCOPE_OPERATOR)


class Admin:
    """An administrator with a token made from the server's own secret, as avsctl makes one."""

    def __init__(self, channel: grpc.Channel, aggregator):
        self.stub = admin_grpc.AdminStub(channel)
        self.token = tokens.sign(
            aggregator.jwt_secret, {"sub": "apikey", "roles": ["admin"], "exp": int(time.time()) + 3600})

    def call(self, name: str, request=None, token: str | None = None):
        token = self.token if token is None else token
        request = getattr(admin, METHODS[name].input_type.name)() if request is None else request
        metadata = [("authkey", token)] if token else []
        return getattr(self.stub, name)(request, metadata=metadata, timeout=60)

    def key(self, *scopes, account: str = "", **fields):
        return self.call("CreateApiKey", admin.CreateApiKeyReq(name="test", account=account, scopes=scopes, **fields))


@pytest.fixture
def admin_channel(aggregator):
    with grpc.insecure_channel(f"127.0.0.1:{aggregator.admin_port}", options=CHANNEL_OPTIONS) as channel:
        yield channel


@pytest.fixture
def boss(admin_channel, aggregator) -> Admin:
    return Admin(admin_channel, aggregator)


def avsctl(aggregator, *words: str, status: int = 0, **variables: str) -> str:
    """What avsctl prints; it has to end with this status."""
    if (tool := inspector()) is None:
        pytest.skip("avsctl is not built")
    answer = subprocess.run(
        [str(tool), *words], capture_output=True, text=True, timeout=60, env=os.environ | variables)
    assert answer.returncode == status, answer.stderr
    assert "avsctl login" not in answer.stderr, "that is for users"
    return answer.stdout


def config(aggregator) -> tuple[str, str]:
    return "--config", str(aggregator.folder / "aggregator.yaml")


# Who may

@pytest.mark.parametrize("name", METHODS)
def test_no_token_of_a_user_opens_the_admin_service(boss, user, aggregator, name):
    """T03: every admin rpc × every kind of token that is not an administrator's."""
    claims = tokens.user_claims(user.address, "1") | {"roles": ["admin"]}
    for token, code in [
        ("", "UNAUTHENTICATED"), ("x", "UNAUTHENTICATED"), (user.token, "PERMISSION_DENIED"),
        (tokens.sign(b"another secret", claims), "UNAUTHENTICATED"),
        (tokens.sign(aggregator.jwt_secret, claims, "none"), "UNAUTHENTICATED"),
        (tokens.sign(aggregator.jwt_secret, claims | {"exp": 1}), "UNAUTHENTICATED"),
        (tokens.sign(aggregator.jwt_secret, claims | {"roles": ["readonly"]}), "PERMISSION_DENIED"),
        (tokens.sign(aggregator.jwt_secret, claims | {"jti": "01jg2fe5mdvkbpheg0peysdkac"}), "UNAUTHENTICATED"),
    ]:
        with refused(code):
            boss.call(name, token=token)


def test_the_admin_service_is_on_its_own_listener_alone(aggregator, channel, admin_channel, user, boss):
    """T03: neither listener offers the other's service; each says of its own that it is well."""
    with refused("UNIMPLEMENTED"):
        Admin(channel, aggregator).call("ListOperators")
    with refused("UNIMPLEMENTED"):
        avs_grpc.AggregatorStub(admin_channel).GetTask(
            avs.IdReq(id="0" * 26), metadata=[("authkey", boss.token)], timeout=60)
    health = health_pb2_grpc.HealthStub(admin_channel)
    for service in ("", "aggregator.Admin"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with refused("NOT_FOUND"):
        health.Check(health_pb2.HealthCheckRequest(service="aggregator.Aggregator"), timeout=60)
    stub = reflection_pb2_grpc.ServerReflectionStub(admin_channel)
    answer = next(iter(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))))
    found = {item.name for item in answer.list_services_response.service}
    assert "aggregator.Admin" in found and "aggregator.Aggregator" not in found


@pytest.mark.parametrize("scope", [READ, WRITE, ADMIN, OPERATOR])
def test_a_key_of_one_scope_opens_what_the_scope_is_for(boss, channel, user, scope):
    """T48: all 29 rpcs of users. What passes fails later, at the empty request, or answers."""
    token = boss.key(scope, account=user.address).token
    assert len(USER_METHODS) == 29
    for name in set(USER_METHODS) - set(ANONYMOUS):
        is_read = (name.startswith(("Get", "List")) or name == "EstimateFees") and name != "GetWallet"
        try:
            user.call(name, getattr(avs, USER_METHODS[name].input_type.name)(), token=token)
            is_open = True
        except grpc.RpcError as error:
            is_open = error.code() is not grpc.StatusCode.PERMISSION_DENIED
            assert error.code() is not grpc.StatusCode.UNAUTHENTICATED
        assert is_open == (scope == (READ if is_read else WRITE)), name


# API keys

def test_a_key_works_and_stops_at_once_when_it_is_revoked(boss, user, wallet):
    """T48: with it the tokens that it made; the audit log and the list tell."""
    made = boss.key(READ, WRITE, account=user.address)
    text = sign_in_message(user.address, 1)
    minted = user.stub.GetKey(avs.GetKeyReq(message=text, signature=made.token), timeout=60).key
    task_id = user.call("CreateTask", tasks.task(wallet), token=made.token).id
    for token in (made.token, minted):
        assert user.call("GetTask", avs.IdReq(id=task_id), token=token).id == task_id
    shown = boss.call("GetApiKey", admin.GetApiKeyReq(id=made.key.id))
    assert shown.state == "good" and shown.last_used_at and list(shown.scopes) == [READ, WRITE]
    assert boss.call("RevokeApiKey", admin.RevokeApiKeyReq(id=made.key.id)).state == "revoked"
    for token in (made.token, minted):
        with refused("UNAUTHENTICATED", 1000):
            user.call("GetTask", avs.IdReq(id=task_id), token=token)
        with refused("UNAUTHENTICATED", 1000, "User authentication error: API key is invalid"):
            user.stub.GetKey(avs.GetKeyReq(message=text, signature=token), timeout=60)
    good = {key.id for key in boss.call("ListApiKeys", admin.ListApiKeysReq(good_only=True)).items}
    everything = {key.id for key in boss.call("ListApiKeys").items}
    assert made.key.id in everything - good
    with refused("NOT_FOUND"):
        boss.call("GetApiKey", admin.GetApiKeyReq(id="0" * 26))


def test_keys_live_through_a_restart_and_so_do_revocations(new_aggregator, chain):
    """T48, JWT-7: also of tokens that have no record; a name or a scope that is none is refused."""
    aggregator = new_aggregator()
    aggregator.start()
    legacy = tokens.sign(aggregator.jwt_secret, tokens.user_claims("0x" + "11" * 20, str(chain.id)))
    with grpc.insecure_channel(f"127.0.0.1:{aggregator.admin_port}", options=CHANNEL_OPTIONS) as admin_channel:
        boss = Admin(admin_channel, aggregator)
        good, bad = boss.key(ADMIN), boss.key(ADMIN)
        boss.call("RevokeApiKey", admin.RevokeApiKeyReq(id=bad.key.id))
        boss.call("RevokeApiKey", admin.RevokeApiKeyReq(token=legacy))
        for fields in ({"name": ""}, {"name": "a"}, {"name": "a", "scopes": [READ]}, {"name": "a", "scopes": [99]},
                       {"name": "a", "scopes": [ADMIN], "lifetime_seconds": 10**12}):
            with refused("INVALID_ARGUMENT"):
                boss.call("CreateApiKey", admin.CreateApiKeyReq(**fields))
        boss.call("ListApiKeys", token=good.token)
    assert aggregator.stop() == 0
    aggregator.start()
    with grpc.insecure_channel(f"127.0.0.1:{aggregator.admin_port}", options=CHANNEL_OPTIONS) as admin_channel:
        boss = Admin(admin_channel, aggregator)
        listed = {key.id: key for key in boss.call("ListApiKeys", token=good.token).items}
        assert listed[good.key.id].last_used_at and listed[bad.key.id].state == "revoked" and len(listed) == 3
        with refused("UNAUTHENTICATED"):
            boss.call("ListApiKeys", token=bad.token)
        audit = boss.call("ListAuditEntries", admin.ListAuditEntriesReq(limit=1000))
        assert audit.is_intact
        assert [entry.action for entry in audit.items] == [
            "api-key.create", "api-key.create", "api-key.revoke", "token.revoke"]
    with aggregator.channel() as channel:
        with refused("UNAUTHENTICATED"):
            User(channel).call("ListWallets", avs.ListWalletReq(), token=legacy)
    log = aggregator.log.read_text(encoding="utf-8")
    assert "api-key.create" in log
    for token in (good.token, bad.token, legacy, boss.token):
        header, claims, signature = token.split(".")
        assert claims not in log and signature not in log
    assert aggregator.stop() == 0 and aggregator.findings() == []


# Operators

def test_operators_are_listed_and_disconnected(boss, operator, user):
    """Connected, approved, last seen; after a disconnect the stream ended with OK."""
    operator.call("Ping", node.Checkin(address=operator.address, version="1.2.3", block_number=7))
    token = boss.key(OPERATOR).token
    stream = operator.connect().wait_for_headers()
    try:
        item = one(boss, operator, token)
        assert item.approved and item.connected and item.last_ping and item.block_number == 7 and item.connected_at
        request = admin.DisconnectOperatorReq(address=operator.address)
        assert boss.call("DisconnectOperator", request, token=token).disconnected
        deadline = time.monotonic() + 30
        while one(boss, operator, token).connected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not one(boss, operator, token).connected
        assert not boss.call("DisconnectOperator", request, token=token).disconnected
    finally:
        stream.close()
    with refused("PERMISSION_DENIED"):
        boss.call("ListApiKeys", token=token)
    with refused("INVALID_ARGUMENT"):
        boss.call("DisconnectOperator", admin.DisconnectOperatorReq(address="x"), token=token)


def one(boss, operator, token):
    found = [item for item in boss.call("ListOperators", token=token).items if item.address == operator.address]
    assert len(found) == 1
    return found[0]


# Root keys

def test_root_keys_are_rotated_while_the_service_runs(boss, user):
    """KMS-3: the new one is current; one that was in use until now stays."""
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="rotated", secret="value"))
    before = boss.call("GetRootKeys").items
    new = boss.call("RotateRootKey").id
    after = boss.call("GetRootKeys").items
    assert [item.id for item in after] == [new, *(item.id for item in before)]
    assert after[0].state == "current" and after[1].state == "old"
    for id, why in ((new, "…is the current key"), (before[0].id, "…the root key stays: ")):
        with refused("FAILED_PRECONDITION", text=why):
            boss.call("RetireRootKey", admin.RetireRootKeyReq(id=id))
    with refused("INVALID_ARGUMENT"):
        boss.call("RetireRootKey", admin.RetireRootKeyReq(id="0123"))
    acts = [(entry.action, entry.object) for entry in boss.call("ListAuditEntries", admin.ListAuditEntriesReq(limit=1000)).items]
    done = acts.index(("root-key.rotate", new))
    assert acts[done - 1] == ("root-key.rotate.begin", ""), "noted before the files change, so that no crash hides it"
    assert acts[done + 1:] == [("root-key.retire.begin", new), ("root-key.retire.failed", new)]


def test_a_backup_is_made_and_proven_while_the_service_runs(boss, user):
    """BAK-1, BAK-4, API-10.8.11: one that is there can be proven again; what is not there is said."""
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="backed_up", secret="value"))
    made = boss.call("CreateBackup")
    assert made.state == "proven" and made.rows > 0 and made.checked_at >= made.created_at > 0 and made.commit > 0
    assert made in boss.call("ListBackups").items
    again = boss.call("VerifyBackup", admin.VerifyBackupReq(id=made.id))
    assert (again.id, again.state, again.rows) == (made.id, "proven", made.rows)
    with refused("NOT_FOUND", text=f"there is no backup {made.id + 1000}"):
        boss.call("VerifyBackup", admin.VerifyBackupReq(id=made.id + 1000))
    assert [entry.action for entry in boss.call("ListAuditEntries", admin.ListAuditEntriesReq(limit=1000)).items
            if entry.object == str(made.id)] == ["backup.create"]


# avsctl

def test_avsctl_makes_a_backup(aggregator):
    """What create prints of it is what list prints, and restore accepts it."""
    made = json.loads(avsctl(aggregator, "backup", "create", "--json", *config(aggregator)))
    assert made["is_proven"] and made["rows"] > 0
    listed = [json.loads(line) for line in avsctl(aggregator, "backup", "list", "--json", *config(aggregator)).splitlines()]
    assert made == listed[-1]


def test_avsctl_makes_shows_and_revokes_keys(aggregator, user, tmp_path):
    """--json everywhere; the key goes where it is told, and proves its right by itself."""
    made = json.loads(avsctl(
        aggregator, "api-keys", "create", "a key", "--scope", "admin", "--lifetime", "2h", "--json", *config(aggregator)))
    listed = [json.loads(line) for line in avsctl(aggregator, "api-keys", "list", "--good", "--json",
                                                  *config(aggregator)).splitlines()]
    assert made["key"]["id"] in [key["id"] for key in listed] and made["token"] not in json.dumps(listed)
    target = ("--admin", f"127.0.0.1:{aggregator.admin_port}")
    text = avsctl(aggregator, "api-keys", "show", made["key"]["id"], *target, AVSCTL_API_KEY=made["token"])
    assert text.startswith(f"{made['key']['id']}\tgood\tadmin\tnobody's\tuntil ")
    update = ("api-keys", "update", made["key"]["id"], *config(aggregator))
    assert avsctl(aggregator, *update, "--reads", "500/1000").endswith("\ta key\treads 500/1000\n")
    text = avsctl(aggregator, *update, "--reads", "default", "--simulations", "1/1")
    assert text.endswith("\ta key\tsimulations 1/1\n")
    for wrong in (["--reads", "0/1"], ["--reads", "5"], ["--reads", "1/2/3"], []):
        avsctl(aggregator, *update, *wrong, status=64)
    path = tmp_path / "key"
    key_id = avsctl(aggregator, "api-keys", "create", "b", "--scope", "operator", "--key-file", str(path),
                    *config(aggregator)).strip()
    assert path.stat().st_mode & 0o777 == 0o600
    avsctl(aggregator, "operators", "list", "--connected", *target, "--api-key-file", str(path))
    avsctl(aggregator, "api-keys", "list", *target, "--api-key-file", str(path), status=1)
    assert "\trevoked\t" in avsctl(aggregator, "api-keys", "revoke", key_id, *config(aggregator))
    avsctl(aggregator, "operators", "list", *target, "--api-key-file", str(path), status=78)
    assert "\trevoked\t" in avsctl(aggregator, "api-keys", "revoke", "--token-file", str(path), *config(aggregator),
                                   status=0)
    avsctl(aggregator, "operators", "list", *target, status=64)


def test_a_key_has_rates_of_its_own_that_are_changed_while_it_is_used(boss, user):
    """Table 4.2, per API key: set with the key or later, also in a server whose own rates are lifted."""
    few = admin.ApiKeyRates(reads=admin.CallRate(per_second=1, burst=2))
    made = boss.key(READ, account=user.address, rates=few)
    assert made.key.rates == few

    def refusals(count: int) -> list[grpc.RpcError]:
        errors = []
        for _ in range(count):
            with pytest.raises(grpc.RpcError) as raised:
                user.call("GetTask", avs.IdReq(id="0" * 26), token=made.token)
            errors.append(raised.value)
        return [error for error in errors if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED]

    error = refusals(50)[0]
    assert error.details().startswith("too many reads per API key: 1 a second are allowed, 2 at once; try again in ")
    assert int(dict(error.trailing_metadata())["grpc-retry-pushback-ms"]) > 0
    many = admin.ApiKeyRates(reads=admin.CallRate(per_second=100_000, burst=100_000))
    assert boss.call("UpdateApiKey", admin.UpdateApiKeyReq(id=made.key.id, rates=many)).rates == many
    assert len(refusals(50)) <= 1, "the bucket was empty, and fills in no time"
    with refused("INVALID_ARGUMENT", text="…rates.writes is 1 a second, 0 at once"):
        boss.call("UpdateApiKey", admin.UpdateApiKeyReq(
            id=made.key.id, rates=admin.ApiKeyRates(writes=admin.CallRate(per_second=1))))


def test_avsctl_shows_operators_root_keys_and_the_audit_log(aggregator, operator, boss):
    """T39: nothing that an operator says of itself reaches the terminal as it is. ADM-1: the chain is checked."""
    operator.call("Ping", node.Checkin(address=operator.address, version="1\x1b[31m\r\n2\u202e3"))

    def seen():  # a check-in is written with the next commit, at most 200 ms later
        lines = avsctl(aggregator, "operators", "list", *config(aggregator)).splitlines()
        return next((line for line in lines if operator.address in line and "seen never" not in line), None)

    line = until(seen)
    assert line.endswith("1 [31m  2 3") and "\x1b" not in line and "\u202e" not in line
    status = avsctl(aggregator, "root-keys", "status", "--online", "--json", *config(aggregator)).splitlines()
    assert json.loads(status[0])["state"] == "current"
    new = avsctl(aggregator, "root-keys", "rotate", "--online", *config(aggregator)).strip()
    assert json.loads(avsctl(aggregator, "root-keys", "status", "--online", "--json",
                             *config(aggregator)).splitlines()[0])["id"] == new
    entries = [json.loads(line) for line in avsctl(aggregator, "audit", "list", "--json", *config(aggregator)).splitlines()]
    count, last, digest = avsctl(aggregator, "audit", "verify", *config(aggregator)).split()
    assert int(count) == len(entries) and last == entries[-1]["id"] and digest == entries[-1]["digest"]
    avsctl(aggregator, "operators", "disconnect", "0x" + "11" * 20, *config(aggregator), status=1)


@pytest.mark.parametrize("words", [
    ["api-keys"], ["api-keys", "create"], ["api-keys", "list"], ["api-keys", "show"], ["api-keys", "update"],
    ["api-keys", "revoke"],
    ["operators"], ["operators", "list"], ["operators", "disconnect"], ["audit"], ["audit", "list"], ["audit", "verify"],
], ids=" ".join)
def test_help_teaches(aggregator, words):
    """With an example for each command that does something."""
    text = avsctl(aggregator, *words, "--help")
    assert len(words) == 1 or f"Example:\n  avsctl {' '.join(words)}" in text
