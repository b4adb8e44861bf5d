"""The operators' side: check-in, the stream of checks, reports."""

import time

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.operators import operator_account
from avs_testbed.stubs import avs, node
from eth_account import Account

MONITOR, DISABLE, DELETE, IMMEDIATE = (
    node.MonitorTaskTrigger, node.DisableTask, node.DeleteTask, node.ImmediateTrigger)
UNKNOWN = "01jg2fe5mdvkbpheg0peysdkac"


@pytest.fixture
def task_id(user, wallet) -> str:
    return user.create(tasks.task(wallet, tasks.block(), limit=1000))


# Who is who

def test_health_needs_no_credential(operator):
    """aggregator-api 6.2"""
    answer = operator.call("HealthCheck", node.HealthCheckRequest(operator_address="anybody"), metadata=[])
    assert (answer.status, answer.message) == ("OK", "Aggregator is running")
    assert abs(answer.timestamp - time.time() * 1000) < 60_000


def test_a_ping_is_answered(operator):
    """aggregator-api 6.2: not restricted to approved operators, and in any case of the address."""
    checkin = node.Checkin(address=operator.address.lower(), version="1.2.3", metricsPort=9090, remoteIP="127.0.0.1")
    assert abs(operator.call("Ping", checkin).updated_at.seconds - time.time()) < 60
    operator.account = Account.create()
    assert operator.call("Ping", node.Checkin(address=operator.address)).updated_at.seconds


def calls(operator, task_id):
    return {
        "Ping": node.Checkin(address=operator.address),
        "SyncMessages": node.SyncMessagesReq(address=operator.address),
        "Ack": node.AckMessageReq(id=task_id),
        "NotifyTriggers": node.NotifyTriggersReq(address=operator.address, task_id=task_id),
        "ReportEventOverload": node.EventOverloadAlert(task_id=task_id, operator_address="operator"),
    }


@pytest.mark.parametrize("name", ["Ping", "SyncMessages", "Ack", "NotifyTriggers", "ReportEventOverload"])
@pytest.mark.parametrize("make, text", [
    (lambda o: [], "missing auth header"),
    (lambda o: [("authorization", "Basic abc")], "Invalid Bearer Token"),
    (lambda o: [("authorization", "Bearer")], "Invalid Bearer Token"),
    (lambda o: [("authorization", "Bearer nodot")], "Malform auth header"),
    (lambda o: [("authorization", "Bearer 1e9.00")], "Malform auth header"),
    (lambda o: o.metadata(epoch=int(time.time()) - 70), "…Signature is expired"),
    (lambda o: o.metadata(epoch=int(time.time()) + 70), "…Signature is expired"),
    (lambda o: o.metadata(signer=Account.create()), "…"),
    (lambda o: o.metadata(address=Account.create().address), "…"),
], ids=["none", "basic", "bare", "no dot", "no epoch", "old", "ahead", "other signer", "other address"])
def test_a_wrong_credential_is_refused(operator, task_id, name, make, text):
    """API-10.7.14, D-16"""
    with refused("UNAUTHENTICATED", 1000, text):
        answer = operator.call(name, calls(operator, task_id)[name], metadata=make(operator))
        list(answer if name == "SyncMessages" else [])


@pytest.mark.parametrize("address", ["0x1", "", "operator", "0x" + "zz" * 20, "ü" * 30])
def test_an_address_that_is_none_does_no_harm(operator, address):
    """API-10.7.14"""
    for name, request in (("Ping", node.Checkin(address=address)),
                          ("NotifyTriggers", node.NotifyTriggersReq(address=address, task_id=UNKNOWN)),
                          ("SyncMessages", node.SyncMessagesReq(address=address))):
        with refused("INVALID_ARGUMENT", 3004):
            answer = operator.call(name, request)
            list(answer if name == "SyncMessages" else [])


def test_an_operator_that_is_not_approved_gets_and_gives_nothing(operator, user, wallet, task_id):
    """aggregator-api 6.10"""
    operator.account = operator_account(5_000)
    stream = operator.connect().wait_for_headers()
    user.create(tasks.task(wallet, tasks.block()))
    with refused("PERMISSION_DENIED", 1001):
        operator.notify_block(task_id, 1)
    with refused("UNAUTHENTICATED", 1000):
        operator.report_overload(task_id)
    assert not user.executions(task_id).items
    with pytest.raises(AssertionError, match="no such message"):
        stream.next(seconds=1)
    stream.close()


def test_an_ack_is_true(operator):
    """aggregator-api 6.2"""
    assert operator.ack(UNKNOWN).value is True


# The stream

def test_a_task_is_sent_when_the_operator_connects_and_its_end_too(synced, user, wallet):
    """API-10.7.2, API-10.7.4: created before, switched off, on again, deleted, in this order."""
    expiry = int(time.time() * 1000) + 7_200_000
    request = tasks.task(wallet, tasks.cron("*/5 * * * *"), limit=1000, start_at=5, expired_at=expiry)
    _, stream = synced()
    task_id = user.create(request)
    message = stream.next_of(task_id)
    assert message.op == MONITOR
    assert (message.task_metadata.task_id, message.task_metadata.remain) == (task_id, 1000)
    assert (message.task_metadata.start_at, message.task_metadata.expired_at) == (5, expiry)
    assert message.task_metadata.trigger == request.trigger
    user.set_enabled(task_id, False)
    message = stream.next_of(task_id)
    assert message.op == DISABLE and not message.HasField("task_metadata")
    user.set_enabled(task_id, True)
    message = stream.next_of(task_id)
    assert message.op == MONITOR and message.task_metadata.remain == 1000
    user.delete(task_id)
    message = stream.next_of(task_id)
    assert message.op == DELETE and not message.HasField("task_metadata")


def about(stream, task_id: str) -> list[int]:
    return [message.op for message in stream.seen if message.id == task_id]


@pytest.mark.parametrize("change, op", [("disable", DISABLE), ("cancel", DISABLE), ("delete", DELETE)])
def test_each_operator_is_told_once(synced, user, wallet, change, op):
    """API-10.7.1, API-10.3.20, API-10.3.26: a second call says nothing more."""
    _, first = synced()
    _, second = synced()
    task_id, marker = user.create(tasks.task(wallet, tasks.block())), user.create(tasks.task(wallet, tasks.block()))
    for _ in range(2):
        {"disable": lambda: user.set_enabled(task_id, False), "cancel": lambda: user.cancel(task_id),
         "delete": lambda: user.delete(task_id)}[change]()
    user.delete(marker)
    for stream in (first, second):
        stream.next(lambda message: message.id == marker and message.op == DELETE)
        assert about(stream, task_id) == [MONITOR, op]


def test_switching_on_what_is_on_says_nothing(synced, user, wallet):
    """API-10.3.20"""
    _, stream = synced()
    task_id, marker = user.create(tasks.task(wallet, tasks.block())), user.create(tasks.task(wallet, tasks.block()))
    user.set_enabled(task_id, True)
    user.delete(marker)
    stream.next(lambda message: message.id == marker and message.op == DELETE)
    assert about(stream, task_id) == [MONITOR]


def test_manual_tasks_and_what_it_cannot_watch_are_not_sent(synced, user, wallet):
    """aggregator-api 6.4, 6.5"""
    able = node.SyncMessagesReq.Capabilities(block_monitoring=True)
    _, stream = synced(capabilities=able)
    others = [user.create(tasks.task(wallet, trigger)) for trigger in (
        tasks.manual(), tasks.cron(), tasks.event("0x" + "ab" * 20))]
    task_id = user.create(tasks.task(wallet, tasks.block()))
    assert stream.next_of(task_id).op == MONITOR
    assert [about(stream, other) for other in others] == [[], [], []]


def test_a_second_connection_too_soon_is_refused(operator):
    """API-10.7.9: the first stream stays."""
    stream = operator.connect().wait_for_headers()
    with refused("RESOURCE_EXHAUSTED", 7000, "…reconnecting too fast, wait 5s (last connect was "):
        list(operator.call("SyncMessages", node.SyncMessagesReq(address=operator.address.lower())))
    assert stream.status is None
    stream.close()


def test_every_operator_is_asked_for_the_next_block(synced, user, wallet):
    """aggregator-api 6.4: a block task that its owner triggers, not waiting."""
    _, stream = synced()
    task_id = user.create(tasks.task(wallet, tasks.block(), limit=3))
    assert stream.next_of(task_id).op == MONITOR
    user.trigger(task_id, avs.TRIGGER_TYPE_BLOCK)
    message = stream.next_of(task_id)
    assert message.op == IMMEDIATE and message.task_metadata.trigger.block.config.interval == 1
