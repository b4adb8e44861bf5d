"""The operators' side: check-in, the stream of checks, reports."""

import time

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.operators import operator_account
from avs_testbed.stubs import avs, node
from avs_testbed.waiting import until
from eth_account import Account

MONITOR, DISABLE, DELETE, IMMEDIATE = (
    node.MonitorTaskTrigger, node.DisableTask, node.DeleteTask, node.ImmediateTrigger)
UNKNOWN = "01jg2fe5mdvkbpheg0peysdkac"
MANUAL = avs.TRIGGER_TYPE_MANUAL


@pytest.fixture
def task_id(user, wallet) -> str:
    return user.create(tasks.task(wallet, tasks.block(), limit=1000))


@pytest.fixture
def synced(new_operator, user, wallet):
    """Makes operators whose first pass is over: they were told of a task that only this fixture made."""
    streams = []

    def make(**options):
        operator = new_operator()
        stream = operator.connect(**options).wait_for_headers()
        streams.append(stream)
        def told():
            marker = user.create(tasks.task(wallet, tasks.block()))
            try:
                return bool(stream.next_of(marker, 0.2))
            except AssertionError:
                return False
            finally:
                user.delete(marker)
        until(told, what="the first pass")
        return operator, stream

    yield make
    for stream in streams:
        stream.close()


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


def test_connecting_again_brings_all_tasks_again(operator, user, wallet):
    """API-10.7.5, API-10.7.6, API-10.7.7: after the cooldown; the newer stream takes the place of the older."""
    task_id = user.create(tasks.task(wallet, tasks.block()))
    older = operator.connect(clock=7).wait_for_headers()

    def again(clock):
        stream = operator.connect(clock=clock)
        try:
            return stream.wait_for_headers() if not stream._thread.join(0.3) and stream.status is None else None
        except AssertionError:
            return None

    for clock in (8, 3):
        newer = until(lambda: again(clock), 20, "the end of the cooldown")
        assert older.wait_for_end().name == "OK"
        if clock == 3:
            # Another operator of the bench may have been given the task; what this one reports, it watches.
            operator.notify_block(task_id, clock)
            user.set_enabled(task_id, False)
            newer.next(lambda message: message.id == task_id and message.op == DISABLE)
        older = newer
    older.close()


def test_tasks_of_an_operator_that_left_go_to_another_at_once(new_aggregator):
    """API-10.7.15, API-10.7.6, D-24"""
    from avs_testbed.operators import Operator
    from avs_testbed.users import User
    aggregator = new_aggregator()
    aggregator.start()
    channels = [aggregator.channel() for _ in range(3)]
    user = User(channels[0]).sign_in()
    wallet = user.wallet().address
    made = {user.create(tasks.task(wallet, tasks.block())) for _ in range(6)}
    first, second = Operator(channels[1], 0), Operator(channels[2], 1)
    leaving = first.connect().wait_for_headers()
    for _ in made:
        assert leaving.next().op == MONITOR
    assert {message.id for message in leaving.seen} == made
    staying = second.connect().wait_for_headers()
    probe = user.create(tasks.task(wallet, tasks.block()))
    until(lambda: any(m.id == probe for m in staying.seen) or not staying._arrived.empty() and staying.next(), 10,
          "the first pass of the second operator")
    leaving.close()
    channels[1].close()
    for _ in made:
        assert staying.next(lambda message: message.id in made, 10).op == MONITOR
    assert {message.id for message in staying.seen} >= made
    staying.close()
    for channel in channels:
        channel.close()
    assert aggregator.stop() == 0


def test_every_operator_is_asked_for_the_next_block(synced, user, wallet):
    """aggregator-api 6.4: a block task that its owner triggers, not waiting."""
    _, stream = synced()
    task_id = user.create(tasks.task(wallet, tasks.block(), limit=3))
    assert stream.next_of(task_id).op == MONITOR
    user.trigger(task_id, avs.TRIGGER_TYPE_BLOCK)
    message = stream.next_of(task_id)
    assert message.op == IMMEDIATE and message.task_metadata.trigger.block.config.interval == 1


# Reports

def answer_of(answer) -> tuple:
    assert abs(answer.updated_at.seconds - time.time()) < 60
    return answer.status, answer.task_still_enabled, answer.remaining_executions, answer.message


def test_reports_of_a_task_with_a_limit(operator, user, wallet):
    """API-10.7.10, API-10.7.11: rows 8, 2, 3."""
    task_id = user.create(tasks.task(wallet, tasks.block(), limit=2))
    accepted = "Trigger processed successfully"
    assert answer_of(operator.notify_block(task_id, 1)) == ("enabled", True, 1, accepted)
    assert answer_of(operator.notify_block(task_id, 1)) == ("deduplicated", True, 1, "Duplicate trigger suppressed")
    assert answer_of(operator.notify_block(task_id, 2)) == ("enabled", True, 0, accepted)
    status, enabled, left, message = answer_of(operator.notify_block(task_id, 3))
    assert (status, enabled, left) == ("exhausted", False, 0)
    until(lambda: user.task(task_id).status == avs.Completed, what="the end of the task")
    assert operator.notify_block(task_id, 4).status == "exhausted"
    assert operator.notify_block(task_id, 1).status == "deduplicated"
    assert sorted(item.index for item in user.executions(task_id).items) == [0, 1]


def test_reports_of_a_task_without_a_limit(operator, user, wallet):
    """API-10.7.11: -1 in every answer that keeps the operator watching."""
    task_id = user.create(tasks.task(wallet, tasks.block()))
    assert operator.notify_block(task_id, 1).remaining_executions == -1
    assert answer_of(operator.notify_block(task_id, 1)) == ("deduplicated", True, -1, "Duplicate trigger suppressed")
    later = user.create(tasks.task(wallet, tasks.block(), start_at=int(time.time() * 1000) + 600_000))
    assert answer_of(operator.notify_block(later, 1)) == ("not_started", True, -1, "Task has not reached start time")


@pytest.mark.parametrize("status", ["Disabled", "Canceled", "Completed", "Deleted"])
def test_reports_of_a_task_that_does_not_run(operator, user, wallet, status):
    """API-10.7.11: rows 1, 3, 6; nothing runs."""
    task_id = user.create(tasks.task(wallet, tasks.block(), limit=1))
    match status:
        case "Disabled": user.set_enabled(task_id, False)
        case "Canceled": user.cancel(task_id)
        case "Completed": user.trigger(task_id, MANUAL, blocking=True)
        case "Deleted": user.delete(task_id)
    word = {"Disabled": "disabled", "Canceled": "cancelled", "Completed": "exhausted", "Deleted": "not_found"}[status]
    assert answer_of(operator.notify_block(task_id, 1))[:3] == (word, False, 0)
    if status == "Disabled":
        user.set_enabled(task_id, True)
        assert operator.notify_block(task_id, 1).status == "enabled", "a refusal leaves no dedup record (XO-10)"


@pytest.mark.parametrize("task_id", [UNKNOWN, "x", ""])
def test_a_report_of_an_unknown_task(operator, task_id):
    """API-10.7.11"""
    text = "Task no longer exists - operator should stop monitoring"
    assert answer_of(operator.notify_block(task_id, 1, "r")) == ("not_found", False, 0, text)


def test_ids_of_reports(operator, user, wallet):
    """API-10.7.10, XO-4, XO-5"""
    block, event = (user.create(tasks.task(wallet, trigger)) for trigger in (
        tasks.block(), tasks.event("0x" + "ab" * 20)))
    assert operator.notify_block(block, 1, "opaque").status == "enabled"
    assert operator.notify_block(block, 2, "opaque").status == "deduplicated"
    assert operator.notify_block(block, 1, "another").status == "deduplicated"
    assert operator.notify_block(block, 3, "").status == "enabled"
    assert operator.notify_block(block, 3, "").status == "deduplicated", "the block itself has an identity"
    for bad in (f"{UNKNOWN}:4", f"{block}:5", "x" * 257):
        with refused("INVALID_ARGUMENT", 3000):
            operator.notify_block(block, 4, bad)
    with refused("INVALID_ARGUMENT", 3000, "…NUL"):
        operator.notify_block(block, 4, "a\0b")
    assert operator.notify_block(block, 4).status == "enabled"
    log = avs.EventTrigger.Output()
    tasks.set_value(log.data, {"transactionHash": "0x" + "aa" * 32, "logIndex": 3, "blockNumber": 9, "value": "1"})
    for request_id, word in (("", "enabled"), (f"{event}:0x{'aa' * 32}:3", "deduplicated")):
        assert operator.notify(event, request_id, trigger_type=avs.TRIGGER_TYPE_EVENT, event_trigger=log).status == word
    until(lambda: len(user.executions(block).items) == 3, what="three executions")
    record, = until(lambda: user.executions(event).items, what="the execution")
    assert tasks.plain(record.steps[0].event_trigger.data)["value"] == "1"


def test_two_operators_and_one_minute(new_operator, user, wallet):
    """API-10.7.16, D-17, aggregator-api 6.8: fixed times are reported as cron."""
    for trigger in (tasks.cron(), tasks.fixed_time(int(time.time() * 1000))):
        task_id = user.create(tasks.task(wallet, trigger))
        now = int(time.time() * 1000) // 60_000 * 60_000
        words = []
        for operator, moment in ((new_operator(), now + 5), (new_operator(), now + 900)):
            tick = avs.CronTrigger.Output()
            tasks.set_value(tick.data, {"timestamp": moment, "timestampIso": "2025-01-01T00:00:00.000Z"})
            words.append(operator.notify(task_id, f"{task_id}:{moment}", trigger_type=avs.TRIGGER_TYPE_CRON,
                                         cron_trigger=tick).status)
        assert words == ["enabled", "deduplicated"]
        record, = until(lambda: user.executions(task_id).items, what="the execution")
        assert record.steps[0].type == avs.TriggerType.Name(trigger.type)


def test_five_reports_at_once_and_a_limit_of_three(new_operator, user, wallet):
    """API-10.4.28"""
    from concurrent.futures import ThreadPoolExecutor
    task_id = user.create(tasks.task(wallet, tasks.block(), limit=3))
    operators = [new_operator() for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        words = [a.status for a in pool.map(lambda x: x[1].notify_block(task_id, x[0]), enumerate(operators))]
    assert words.count("enabled") == 3 and words.count("exhausted") == 2
    until(lambda: user.task(task_id).status == avs.Completed, what="the end of the task")
    assert sorted(item.index for item in user.executions(task_id).items) == [0, 1, 2]


def test_too_many_events_switch_a_task_off(synced, new_operator, user, wallet):
    """API-10.7.12: only the word of an operator that watches the task counts, and only once."""
    operator, stream = synced()
    task_id = user.create(tasks.task(wallet, tasks.event("0x" + "ab" * 20)))
    assert stream.next_of(task_id).op == MONITOR
    gone = "Task was already disabled or not found"
    for who, expected in ((new_operator(), gone), (operator, "Task disabled due to event overload"), (operator, gone)):
        answer = who.report_overload(task_id)
        assert (answer.message, answer.task_cancelled) == (expected, expected != gone)
        assert abs(answer.timestamp - time.time() * 1000) < 60_000
    assert user.task(task_id).status == avs.Disabled
    assert stream.next_of(task_id).op == DISABLE
