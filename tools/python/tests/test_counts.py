"""How many tasks and runs an owner has."""

import pytest
from avs_testbed import tasks
from avs_testbed.stubs import avs

STRANGER = "0x" + "12" * 20


def workflows(user, *addresses: str) -> int:
    return user.call("GetWorkflowCount", avs.GetWorkflowCountReq(addresses=addresses)).total


def executions(user, *ids: str) -> int:
    return user.call("GetExecutionCount", avs.GetExecutionCountReq(workflow_ids=ids)).total


def statistics(user, *ids: str, days: int = 0):
    return user.call("GetExecutionStats", avs.GetExecutionStatsReq(workflow_ids=ids, days=days))


def run(user, task: str, times: int) -> None:
    for _ in range(times):
        user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True)


def test_tasks_are_counted_by_wallet(user, wallet):
    """API-10.4.16: for one workflow, several and none"""
    second = user.wallet("1").address
    assert workflows(user) == workflows(user, wallet) == 0
    first = user.create(tasks.task(wallet))
    assert workflows(user) == workflows(user, wallet) == 1 and workflows(user, second) == 0
    user.create(tasks.task(second))
    user.create(tasks.task(second))
    user.set_enabled(first, False)
    assert (workflows(user), workflows(user, wallet), workflows(user, second)) == (3, 1, 2)
    assert workflows(user, wallet, second) == workflows(user, wallet, second, wallet.lower()) == 3
    assert workflows(user, STRANGER) == workflows(user, "no address") == 0
    assert workflows(user, STRANGER, second, "0x") == 2
    user.delete(first)
    assert (workflows(user), workflows(user, wallet)) == (2, 0)


def test_runs_are_counted_by_task(user, wallet):
    """API-10.4.16: for one workflow, several and none"""
    first, second, idle = (user.create(tasks.task(wallet)) for _ in range(3))
    assert executions(user) == executions(user, first) == 0
    run(user, first, 3)
    run(user, second, 2)
    assert (executions(user, first), executions(user, second), executions(user, idle)) == (3, 2, 0)
    assert executions(user) == executions(user, first, second, first) == 5
    assert executions(user, "short") == executions(user, "0" * 26) == 0 and executions(user, first, "short") == 3
    user.delete(first)
    assert executions(user) == 2 and executions(user, first) == 0


def test_what_others_have_counts_nothing(new_user):
    """DEFECT-21, D-21"""
    first, second = new_user(), new_user()
    task = first.create(tasks.task(first.wallet().address))
    run(first, task, 2)
    assert executions(first, task) == 2 and executions(second, task) == 0
    assert workflows(second, first.wallet().address) == 0
    assert statistics(second, task).total == 0 and statistics(first, task).total == 2


def test_statistics_tell_success_from_failure(user, wallet, web):
    """API-10.4.16, 2.11: every end but success is a failure; the time is the average of all runs."""
    good = user.create(tasks.task(wallet))
    bad = user.create(tasks.task(wallet, nodes=[tasks.rest(f"{web.url}/status/500")]))
    nothing = statistics(user)
    assert (nothing.total, nothing.succeeded, nothing.failed, nothing.avg_execution_time) == (0, 0, 0, 0)
    run(user, good, 3)
    run(user, bad, 1)
    of_all, of_bad = statistics(user), statistics(user, bad, days=1)
    assert (of_all.total, of_all.succeeded, of_all.failed) == (4, 3, 1)
    assert (of_bad.total, of_bad.succeeded, of_bad.failed) == (1, 0, 1)
    runs = user.all_executions(good, bad)
    lengths = [item.end_at - item.start_at for item in runs]
    assert of_all.avg_execution_time == pytest.approx(sum(lengths) / 4)
    for days in (-1, 0, 7, 10**15):
        assert statistics(user, days=days).total == 4
