"""Calls with an idempotency key: made once, however often they are sent."""

import itertools
import random
import threading
import uuid

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.processes import Aggregator
from avs_testbed.stubs import avs
from avs_testbed.users import CALL_SECONDS, User

INVALID = "INVALID_ARGUMENT"
REUSED = "the idempotency key was used for another request"


def send(user: User, name: str, request, key: str):
    """Makes the call with a key: (answer, whether it is an earlier one's)."""
    metadata = [("authkey", user.token), ("idempotency-key", key)]
    answer, call = getattr(user.stub, name).with_call(request, metadata=metadata, timeout=CALL_SECONDS)
    return answer, dict(call.trailing_metadata() or ()).get("idempotency-replayed") == "true"


def some_key() -> str:
    return str(uuid.uuid4())


def changes(user: User):
    """One call to each changing rpc, with what makes it another request."""
    wallet = user.wallet().address
    task, doomed, other = (user.create(tasks.task(wallet)) for _ in range(3))
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="old", secret="1"))
    return [
        ("CreateTask", tasks.task(wallet), tasks.task(wallet, name="another")),
        ("SetTaskEnabled", avs.SetTaskEnabledReq(id=task, enabled=False), avs.SetTaskEnabledReq(id=task, enabled=True)),
        ("CancelTask", avs.IdReq(id=other), avs.IdReq(id=doomed)),
        ("DeleteTask", avs.IdReq(id=doomed), avs.IdReq(id=other)),
        ("TriggerTask", avs.TriggerTaskReq(task_id=user.create(tasks.task(wallet)), is_blocking=True,
                                           trigger_type=avs.TRIGGER_TYPE_MANUAL), avs.TriggerTaskReq(task_id=task)),
        ("GetWallet", avs.GetWalletReq(salt="1"), avs.GetWalletReq(salt="2")),
        ("SetWallet", avs.SetWalletReq(salt="0", is_hidden=True), avs.SetWalletReq(salt="0")),
        ("CreateSecret", avs.CreateOrUpdateSecretReq(name="s", secret="1"), avs.CreateOrUpdateSecretReq(name="s", secret="2")),
        ("UpdateSecret", avs.CreateOrUpdateSecretReq(name="old", secret="2"), avs.CreateOrUpdateSecretReq(name="old")),
        ("DeleteSecret", avs.DeleteSecretReq(name="old"), avs.DeleteSecretReq(name="s")),
    ]


def test_every_change_is_answered_as_the_first_time(user):
    """issue 4, item 7; DUR-4: whoever does not know whether a change was made asks again, and it is made once"""
    for name, request, another in changes(user):
        key = some_key()
        first, was_replayed = send(user, name, request, key)
        assert not was_replayed, name
        for _ in range(2):
            assert send(user, name, request, key) == (first, True), name
        with refused(INVALID, 3000, REUSED):
            send(user, name, another, key)
        assert send(user, name, request, key) == (first, True), name


def test_a_repeated_creation_makes_one_task(user, wallet):
    """issue 4, item 7"""
    key = some_key()
    ids = {send(user, "CreateTask", tasks.task(wallet), key)[0].id for _ in range(5)}
    assert len(ids) == 1 and user.wallet().total_task_count == 1
    assert send(user, "CreateTask", tasks.task(wallet), some_key())[0].id not in ids


def test_a_repeated_trigger_makes_one_run(user, wallet):
    """issue 4, item 7; reliability 3.2: the key is the identity of a manual trigger"""
    task = user.create(tasks.task(wallet))
    for blocking in (True, False):
        request = avs.TriggerTaskReq(task_id=task, trigger_type=avs.TRIGGER_TYPE_MANUAL, is_blocking=blocking)
        key = some_key()
        first, _ = send(user, "TriggerTask", request, key)
        assert all(send(user, "TriggerTask", request, key) == (first, True) for _ in range(3))
        assert (first.status == avs.EXECUTION_STATUS_SUCCESS) == blocking and (len(first.steps) == 2) == blocking
    user.delete(task)
    assert len({send(user, "TriggerTask", request, key)[0].execution_id for _ in range(2)}) == 1


def test_a_repeated_refusal_to_cancel_keeps_its_number(user, wallet):
    """D-9: the trailer as well"""
    task = user.create(tasks.task(wallet, limit=1))
    user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True)
    metadata = [("authkey", user.token), ("idempotency-key", some_key())]
    for replayed in (None, "true", "true"):
        answer, call = user.stub.CancelTask.with_call(avs.IdReq(id=task), metadata=metadata, timeout=CALL_SECONDS)
        trailers = dict(call.trailing_metadata())
        assert (answer.success, answer.status, trailers["x-ap-error-code"]) == (False, "cannot_cancel", "4001")
        assert trailers.get("idempotency-replayed") == replayed


def test_calls_at_the_same_time_make_one_change(user, wallet):
    """issue 4, item 7: decided by the update, not before it."""
    key, answers = some_key(), []
    barrier = threading.Barrier(8)

    def run():
        barrier.wait()
        answers.append(send(user, "CreateTask", tasks.task(wallet), key))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.id for answer, _ in answers}) == 1
    assert [replayed for _, replayed in answers].count(False) == 1 and user.wallet().total_task_count == 1


def test_keys_belong_to_their_owner(new_user):
    """issue 4, item 7: what one owner's key stands for tells nothing to another."""
    first, second = new_user(), new_user()
    key = some_key()
    for user in (first, second):
        answer, was_replayed = send(user, "CreateSecret", avs.CreateOrUpdateSecretReq(name=f"of_{user.address}"), key)
        assert not was_replayed and answer.secret_name == f"of_{user.address}"


def test_one_key_serves_one_method(user):
    """issue 4, item 7: the same bytes are another request elsewhere."""
    key = some_key()
    send(user, "CreateSecret", avs.CreateOrUpdateSecretReq(name="a"), key)
    with refused(INVALID, 3000, REUSED):
        send(user, "UpdateSecret", avs.CreateOrUpdateSecretReq(name="a"), key)


def test_a_refusal_is_decided_anew(user):
    """issue 4, item 7: it changed nothing, so the same key may succeed later, and then that is the answer."""
    key, request = some_key(), avs.CreateOrUpdateSecretReq(name="late", secret="2")
    for _ in range(2):
        with refused("NOT_FOUND", 2003):
            send(user, "UpdateSecret", request, key)
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="late", secret="1"))
    assert send(user, "UpdateSecret", request, key)[1] is False
    assert send(user, "UpdateSecret", request, key)[1] is True


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a~ b"])
def test_a_key_that_is_none_is_refused(user, key):
    """issue 4, item 7: nothing is changed by a call whose repetition could not be told."""
    with refused(INVALID, 3000, "…idempotency-key is invalid"):
        send(user, "CreateSecret", avs.CreateOrUpdateSecretReq(name="a"), key)
    assert not user.call("ListSecrets", avs.ListSecretsReq()).items


def test_reads_take_no_notice_of_a_key(user, wallet):
    """issue 4, item 7"""
    key = some_key()
    request = avs.ListTasksReq(smart_wallet_address=[wallet])
    assert len(send(user, "ListTasks", request, key)[0].items) == 0
    user.create(tasks.task(wallet))
    assert len(send(user, "ListTasks", request, key)[0].items) == 1


def test_answers_survive_kills(new_aggregator):
    """issue 4, item 7: killed at random moments, each key has made one task, and every answer given is given again."""
    aggregator: Aggregator = new_aggregator()
    aggregator.start()
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        wallet = user.wallet().address
    answered: dict[str, str] = {}
    keys = [some_key() for _ in range(60)]
    for round_ in range(4):
        with aggregator.channel() as channel:
            user.stub = type(user.stub)(channel)
            killer = threading.Timer(choice.uniform(0.02, 0.3), aggregator.kill)
            killer.start()
            for key in itertools.cycle(keys):
                try:
                    answer = send(user, "CreateTask", tasks.task(wallet), key)[0].id
                except Exception:
                    break
                assert answered.setdefault(key, answer) == answer
            killer.join()
        aggregator.start()
    with aggregator.channel() as channel:
        user.stub = type(user.stub)(channel)
        for key in keys:
            answer = send(user, "CreateTask", tasks.task(wallet), key)[0].id
            assert answered.setdefault(key, answer) == answer
        assert len(set(answered.values())) == 60 and user.wallet().total_task_count == 60
    assert aggregator.stop() == 0 and aggregator.findings() == []
