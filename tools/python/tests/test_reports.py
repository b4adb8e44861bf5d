"""Reports of operators: NotifyTriggers and ReportEventOverload."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs, node
from avs_testbed.waiting import until

MONITOR, DISABLE = node.MonitorTaskTrigger, node.DisableTask
UNKNOWN = "01jg2fe5mdvkbpheg0peysdkac"
MANUAL = avs.TRIGGER_TYPE_MANUAL


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


def data_of(step) -> dict:
    """What the step of a trigger shows, whichever kind it is."""
    return tasks.plain(getattr(step, step.WhichOneof("output_data")).data)


@pytest.mark.parametrize("trigger, kind, field", [
    (tasks.block(), "BLOCK", "block_trigger"), (tasks.cron(), "CRON", "cron_trigger"),
    (tasks.fixed_time(1), "FIXED_TIME", "fixed_time_trigger"),
    (tasks.event("0x" + "ab" * 20), "EVENT", "event_trigger"),
    (tasks.manual(), "MANUAL", "manual_trigger")])
def test_the_output_of_every_trigger_reaches_the_run(operator, user, wallet, trigger, kind, field):
    """API-10.4.20"""
    task_id = user.create(tasks.task(wallet, trigger))
    data = {"blockNumber": 7, "timestamp": int(time.time() * 1000), "transactionHash": "0x" + "ab" * 32, "logIndex": 0,
            "more": {"nested": [1, "two", None, True]}}
    request = operator.report(task_id, trigger_type=avs.TriggerType.Value(f"TRIGGER_TYPE_{kind}"))
    tasks.set_value(getattr(request, field).data, data)
    assert operator.call("NotifyTriggers", request).status == "enabled"
    record, = until(lambda: user.executions(task_id).items, what="the execution")
    assert record.steps[0].type == f"TRIGGER_TYPE_{kind}"
    assert record.steps[0].WhichOneof("output_data") == field
    assert data_of(record.steps[0]).items() >= data.items()


def test_a_report_without_output_runs_by_its_id(operator, user, wallet):
    """API-10.4.19: what names no occurrence at all is refused."""
    task_id = user.create(tasks.task(wallet, tasks.block()))
    with refused("INVALID_ARGUMENT", 3000, "…names no block"):
        operator.notify(task_id)
    with refused("INVALID_ARGUMENT", 3000, "…names no block"):
        operator.notify(task_id, "opaque", trigger_type=99)
    assert operator.notify(task_id, f"{task_id}:12").status == "enabled"
    record, = until(lambda: user.executions(task_id).items, what="the execution")
    assert record.status == avs.EXECUTION_STATUS_SUCCESS
