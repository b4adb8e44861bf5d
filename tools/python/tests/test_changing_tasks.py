"""SetTaskEnabled, CancelTask, DeleteTask: every row of their tables."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs

MANUAL = avs.TRIGGER_TYPE_MANUAL
UNKNOWN = "01jg2fe5mdvkbpheg0peysdkac"
ONLY_ACTIVE = "Only active task can be cancelled, current status: "
NOT_RUNNABLE = "task cannot be executed: either reached max execution, expired, or not yet started"


@pytest.fixture
def task_id(user, wallet) -> str:
    return user.create(tasks.task(wallet, limit=1))


def brought_to(user, task_id: str, status: str) -> None:
    """Moves an enabled task with a limit of 1 to this status."""
    match status:
        case "Enabled": pass
        case "Disabled": assert user.set_enabled(task_id, False).success
        case "Canceled": assert user.cancel(task_id).success
        case "Completed": assert user.trigger(task_id, MANUAL, blocking=True).steps


def answer_of(answer) -> tuple:
    return answer.success, answer.status, answer.message, answer.previous_status


@pytest.mark.parametrize("status, enabled, expected", [
    ("Enabled", True, (True, "enabled", "Task is already enabled", "Enabled")),
    ("Enabled", False, (True, "disabled", "Task disabled successfully", "Enabled")),
    ("Disabled", True, (True, "enabled", "Task enabled successfully", "Disabled")),
    ("Disabled", False, (True, "disabled", "Task is already disabled", "Disabled")),
    ("Completed", True, (False, "error", "Cannot toggle task from terminal status: Completed", "Completed")),
    ("Completed", False, (False, "error", "Cannot toggle task from terminal status: Completed", "Completed")),
    ("Canceled", True, (False, "error", "Cannot toggle task from terminal status: Canceled", "Canceled")),
    ("Canceled", False, (False, "error", "Cannot toggle task from terminal status: Canceled", "Canceled")),
])
def test_switching_on_and_off(user, task_id, status, enabled, expected):
    """API-10.3.19, API-10.3.20, API-10.3.21"""
    brought_to(user, task_id, status)
    answer = user.set_enabled(task_id, enabled)
    assert answer_of(answer) == expected
    assert answer.id == task_id
    assert (answer.updated_at > 1_600_000_000_000) == answer.success
    shown = user.task(task_id).status
    assert shown == {"Completed": avs.Completed, "Canceled": avs.Disabled}.get(
        status, avs.Enabled if enabled else avs.Disabled)


@pytest.mark.parametrize("status, expected, code", [
    ("Enabled", (True, "cancelled", "Task cancelled successfully", "Enabled"), None),
    ("Disabled", (True, "cancelled", "Task cancelled successfully", "Disabled"), None),
    ("Completed", (False, "cannot_cancel", ONLY_ACTIVE + "Completed", "Completed"), "4001"),
    ("Canceled", (False, "already_cancelled", ONLY_ACTIVE + "Canceled", "Canceled"), "4002"),
])
def test_cancelling(user, task_id, status, expected, code):
    """API-10.3.26, D-3"""
    brought_to(user, task_id, status)
    answer, call = user.stub.CancelTask.with_call(
        avs.IdReq(id=task_id), metadata=[("authkey", user.token)], timeout=60)
    assert answer_of(answer) == expected
    assert answer.id == task_id and (answer.cancelled_at > 0) == answer.success
    assert dict(call.trailing_metadata() or ()).get("x-ap-error-code") == code
    if status != "Completed":
        assert user.task(task_id).status == avs.Disabled
        with refused("FAILED_PRECONDITION", 4001, NOT_RUNNABLE):
            user.trigger(task_id, MANUAL)


@pytest.mark.parametrize("status", ["Enabled", "Disabled", "Completed", "Canceled"])
def test_deleting(user, wallet, task_id, status):
    """API-10.3.23, API-10.3.24"""
    brought_to(user, task_id, status)
    answer = user.delete(task_id)
    assert answer_of(answer) == (True, "deleted", "Task deleted successfully", status)
    assert answer.id == task_id and answer.deleted_at > 0
    assert user.delete(task_id).status == "not_found"
    assert not user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=[wallet])).items
    assert user.wallet().total_task_count == 0


@pytest.mark.parametrize("is_foreign", [False, True])
@pytest.mark.parametrize("change", ["enable", "disable", "cancel", "delete"])
def test_a_task_that_is_not_there_or_anothers(user, new_user, task_id, is_foreign, change):
    """API-10.3.22"""
    asked = task_id if is_foreign else UNKNOWN
    stranger = new_user()
    answer = {
        "enable": lambda: stranger.set_enabled(asked, True), "disable": lambda: stranger.set_enabled(asked, False),
        "cancel": lambda: stranger.cancel(asked), "delete": lambda: stranger.delete(asked)}[change]()
    assert answer_of(answer) == (False, "not_found", "Task not found", "")
    assert answer.id == asked
    assert user.task(task_id).status == avs.Enabled


@pytest.mark.parametrize("change", ["set_enabled", "cancel", "delete"])
def test_a_text_that_is_no_id(user, change):
    """API-10.3.22, INP: what is no id is a task that does not exist; NUL is refused."""
    arguments = (True,) if change == "set_enabled" else ()
    for text in ("", "x", "ü" * 26, "9" * 26, UNKNOWN.upper()):
        assert getattr(user, change)(text, *arguments).status == "not_found"
    with refused("INVALID_ARGUMENT", 3000, "…NUL"):
        getattr(user, change)("a\0b", *arguments)


def test_enabling_again_brings_the_same_task_back(user, wallet):
    """API-10.3.25"""
    task_id = user.create(tasks.task(wallet, tasks.manual({"kept": True})))
    before = user.task(task_id)
    user.set_enabled(task_id, False)
    with refused("FAILED_PRECONDITION", 4001, NOT_RUNNABLE):
        user.trigger(task_id, MANUAL, blocking=True)
    user.set_enabled(task_id, True)
    assert user.task(task_id) == before
    assert user.trigger(task_id, MANUAL, blocking=True).status == avs.EXECUTION_STATUS_SUCCESS


def test_a_disable_during_a_run_ends_disabled(user, wallet):
    """API-10.3.27: many runs and one disable at once; the task is counted under one status afterwards."""
    task_id = user.create(tasks.task(wallet))
    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(lambda: user.trigger(task_id, MANUAL, blocking=True)) for _ in range(20)]
        answer = pool.submit(lambda: user.set_enabled(task_id, False)).result()
        accepted = [run.result() for run in runs if run.exception() is None]
    assert (answer.success, answer.status) == (True, "disabled")
    records = {record.id: record for record in user.all_executions(task_id)}
    assert records.keys() == {run.execution_id for run in accepted}
    # What was accepted and had not begun is recorded as not begun (aggregator-api 5.2).
    begun = [record for record in records.values() if record.status == avs.EXECUTION_STATUS_SUCCESS]
    for record in records.values():
        assert record in begun or record.error.startswith("task cannot be executed: "), record
    task = user.task(task_id)
    assert (task.status, task.execution_count) == (avs.Disabled, len(begun))
    wallet = user.wallet()
    assert (wallet.total_task_count, wallet.disabled_task_count, wallet.enabled_task_count) == (1, 1, 0)


def test_two_cancels_at_once_cancel_once(user, task_id):
    """API-10.3.26"""
    with ThreadPoolExecutor(8) as pool:
        words = [answer.status for answer in pool.map(lambda _: user.cancel(task_id), range(8))]
    assert sorted(words) == ["already_cancelled"] * 7 + ["cancelled"]
