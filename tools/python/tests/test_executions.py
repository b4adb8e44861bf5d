"""TriggerTask, GetExecution, GetExecutionStatus, ListExecutions."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain
from avs_testbed.users import User
from avs_testbed.waiting import until

MANUAL, BLOCK, CRON = avs.TRIGGER_TYPE_MANUAL, avs.TRIGGER_TYPE_BLOCK, avs.TRIGGER_TYPE_CRON
SUCCESS, PENDING = avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_PENDING
UNKNOWN = "01jg2fe5mdvkbpheg0peysdkac"
NOT_RUNNABLE = "task cannot be executed: either reached max execution, expired, or not yet started"


def status(user, task_id: str, execution_id: str) -> int:
    return user.call("GetExecutionStatus", avs.ExecutionReq(task_id=task_id, execution_id=execution_id)).status


def finished(user, task_id: str, execution_id: str, seconds: float = 30):
    until(lambda: status(user, task_id, execution_id) != PENDING, seconds, "the end of the execution")
    return user.execution(task_id, execution_id)


def manual_output(data) -> dict:
    output = avs.ManualTrigger.Output()
    tasks.set_value(output.data, data)
    return {"manual_trigger": output}


def test_a_run_that_is_waited_for_can_be_read_at_once(user, wallet):
    """API-10.4.1, API-10.4.24"""
    task_id = user.create(tasks.task(wallet))
    run = user.trigger(task_id, MANUAL, blocking=True)
    assert (run.status, run.workflow_id, run.error) == (SUCCESS, task_id, "")
    assert 0 < run.start_at <= run.end_at
    execution = user.execution(task_id, run.execution_id)
    assert (execution.id, execution.status, execution.index) == (run.execution_id, SUCCESS, 0)
    assert list(execution.steps) == list(run.steps)
    assert [(step.type, step.name, step.success, step.error, step.error_code) for step in run.steps] == [
        ("TRIGGER_TYPE_MANUAL", "start", True, "", 0), ("NODE_TYPE_BRANCH", "node1", True, "", 0)]
    assert [item.id for item in user.executions(task_id).items] == [run.execution_id]
    task = user.task(task_id)
    assert (task.execution_count, task.status) == (1, avs.Enabled) and task.last_ran_at > 0


def test_a_run_that_is_not_waited_for_ends_by_itself(user, wallet):
    """API-10.4.2"""
    task_id = user.create(tasks.task(wallet, limit=1))
    run = user.trigger(task_id, MANUAL)
    assert (run.status, run.workflow_id) == (PENDING, task_id) and not run.HasField("end_at") and not run.steps
    execution = finished(user, task_id, run.execution_id)
    assert (execution.id, execution.status, execution.index) == (run.execution_id, SUCCESS, 0)
    task = user.task(task_id)
    assert (task.status, task.execution_count) == (avs.Completed, 1) and task.completed_at > 0


@pytest.mark.parametrize("trigger, kind", [
    (tasks.manual(), MANUAL), (tasks.block(), BLOCK), (tasks.cron(), CRON),
    (tasks.fixed_time(int(time.time() * 1000)), avs.TRIGGER_TYPE_FIXED_TIME),
    (tasks.event("0x" + "ab" * 20), avs.TRIGGER_TYPE_EVENT)])
def test_a_completed_task_does_not_run(user, wallet, trigger, kind):
    """API-10.4.3, API-10.4.4, EE-W17"""
    task_id = user.create(tasks.task(wallet, trigger, limit=1))
    run = user.trigger(task_id, kind, blocking=True)
    assert run.status == SUCCESS
    assert run.steps[0].type == avs.TriggerType.Name(kind)
    for blocking in (True, False):
        with refused("FAILED_PRECONDITION", 4001, NOT_RUNNABLE):
            user.trigger(task_id, kind, blocking=blocking)
    assert user.task(task_id).execution_count == 1


def test_a_task_that_has_not_begun_does_not_run(user, wallet):
    """API-10.3.29"""
    task_id = user.create(tasks.task(wallet, start_at=int(time.time() * 1000) + 60_000))
    with refused("FAILED_PRECONDITION", 4001, NOT_RUNNABLE):
        user.trigger(task_id, MANUAL, blocking=True)


@pytest.mark.parametrize("task_id, code, domain, text", [
    ("", "INVALID_ARGUMENT", 3006, "Missing task id in request"),
    ("short", "INVALID_ARGUMENT", 3000, "invalid task id"), ("x" * 27, "INVALID_ARGUMENT", 3000, "invalid task id"),
    (UNKNOWN, "NOT_FOUND", 2000, "task not found")])
def test_what_is_no_task_cannot_be_triggered(user, task_id, code, domain, text):
    """API-10.4.5"""
    with refused(code, domain, text):
        user.trigger(task_id, MANUAL)


def test_a_block_task_runs_with_the_next_report(user, wallet, operator):
    """API-10.4.6, API-10.4.9, EE-X3: what was pending ends under the same id and index"""
    task_id = user.create(tasks.task(wallet, tasks.block(), limit=1))
    run = user.trigger(task_id, BLOCK)
    assert run.status == PENDING and not user.executions(task_id).items
    pending = user.execution(task_id, run.execution_id)
    assert (pending.id, pending.index) == (run.execution_id, 0)
    assert operator.notify_block(task_id, 100).status == "enabled"
    execution = finished(user, task_id, run.execution_id)
    assert (execution.status, execution.index) == (SUCCESS, 0)
    assert [item.id for item in user.executions(task_id).items] == [run.execution_id]
    task = user.task(task_id)
    assert (task.status, task.execution_count) == (avs.Completed, 1)


def test_a_cron_task_that_is_not_waited_for_completes(user, wallet):
    """API-10.4.7: under the id that was returned, the task together with the execution; by no clock of ours."""
    task_id = user.create(tasks.task(wallet, tasks.cron(), limit=1))
    run = user.trigger(task_id, CRON)
    assert finished(user, task_id, run.execution_id).id == run.execution_id
    assert user.task(task_id).status == avs.Completed


def test_what_is_pending_stays_as_it_is(user, wallet):
    """API-10.4.8, EE-TB5"""
    task_id = user.create(tasks.task(wallet, tasks.block()))
    first, second = user.trigger(task_id, BLOCK), user.trigger(task_id, BLOCK)
    assert first.execution_id < second.execution_id
    for index, run in enumerate((first, second)):
        for _ in range(4):
            assert status(user, task_id, run.execution_id) == PENDING
            pending = user.execution(task_id, run.execution_id)
            assert (pending.id, pending.status, pending.index) == (run.execution_id, PENDING, index)
            assert pending.start_at > 0 and not pending.steps and pending.HasField("execution_fee")


def test_every_run_has_an_index_of_its_own(user, wallet, operator):
    """API-10.4.10, API-10.4.11, EE-X2: waited for or not, and another task begins at 0"""
    task_id = user.create(tasks.task(wallet, tasks.block()))
    user.trigger(task_id, BLOCK, blocking=True)
    runs = [user.trigger(task_id, BLOCK) for _ in range(2)]
    user.trigger(task_id, BLOCK, blocking=True)
    for number in (1, 2):
        assert operator.notify_block(task_id, number).status == "enabled"
    for run in runs:
        finished(user, task_id, run.execution_id)
    indexes = {item.id: item.index for item in user.executions(task_id).items}
    assert sorted(indexes.values()) == [0, 1, 2, 3]
    assert [indexes[run.execution_id] for run in runs] == [1, 2]
    again = user.create(tasks.task(wallet))
    run = user.trigger(again, MANUAL, blocking=True)
    assert user.execution(again, run.execution_id).index == 0


def test_sequential_runs_count_up(user, wallet):
    """API-10.4.10, EE-X2"""
    task_id = user.create(tasks.task(wallet))
    runs = [user.trigger(task_id, MANUAL, blocking=True) for _ in range(3)]
    assert [user.execution(task_id, run.execution_id).index for run in runs] == [0, 1, 2]


def test_what_is_not_there_is_not_found(user, new_user, wallet):
    """API-10.4.12"""
    task_id = user.create(tasks.task(wallet))
    run = user.trigger(task_id, MANUAL, blocking=True)
    for name in ("GetExecution", "GetExecutionStatus"):
        for task, execution, who, domain, text in (
                (UNKNOWN, run.execution_id, user, 2000, "task not found"), ("x", "y", user, 2000, "task not found"),
                (task_id, UNKNOWN, user, 2001, "execution not found"),
                (task_id, "y", user, 2001, "execution not found"),
                (task_id, run.execution_id, new_user(), 2000, "task not found")):
            with refused("NOT_FOUND", domain, text):
                who.call(name, avs.ExecutionReq(task_id=task, execution_id=execution))
    for foreign in (UNKNOWN, "x", new_user().address):
        with refused("NOT_FOUND", 2000, "task not found"):
            user.executions(task_id, foreign, limit=-1)
    assert not user.executions().items


def test_an_execution_of_a_list_is_the_one_that_is_read(user, wallet):
    """API-10.4.13: over two tasks, each listed twice."""
    made = []
    ids = [user.create(tasks.task(wallet)) for _ in range(2)]
    for task_id in ids * 2:
        made.insert(0, (task_id, user.trigger(task_id, MANUAL, blocking=True).execution_id))
    items = user.executions(*ids, *ids).items
    assert [item.id for item in items] == [execution for _, execution in made]
    for (task_id, execution_id), item in zip(made, items):
        assert user.execution(task_id, execution_id) == item


@pytest.mark.parametrize("data", [
    [1, 2.5, "x"], 7, True, {"a": {"b": [None, {"c": "ü"}]}}, '{"json": "text"}', '"a\\u0000b"'])
def test_data_of_a_manual_trigger_keeps_its_type(user, wallet, data):
    """API-10.4.22"""
    task_id = user.create(tasks.task(wallet))
    run = user.trigger(task_id, MANUAL, blocking=True, **manual_output(data))
    assert run.status == SUCCESS
    assert plain(run.steps[0].manual_trigger.data) == data
    assert plain(user.execution(task_id, run.execution_id).steps[0].manual_trigger.data) == data


def test_a_nul_inside_a_value_survives(user, wallet):
    """API-10.4.22: in keys and texts of data, unlike in ids."""
    task_id = user.create(tasks.task(wallet))
    data = {"a\0b": ["c\0", "\0"]}
    run = user.trigger(task_id, MANUAL, blocking=True, **manual_output(data))
    assert plain(run.steps[0].manual_trigger.data) == data


@pytest.mark.parametrize("data, text", [("no json", "…Data must be valid JSON"), ("x" * (1 << 20) + "x", "…size")])
def test_text_that_is_no_data_is_refused(user, wallet, data, text):
    """API-10.4.21, API-10.4.22"""
    task_id = user.create(tasks.task(wallet))
    with refused("INVALID_ARGUMENT", None, text) as failure:
        user.trigger(task_id, MANUAL, blocking=True, **manual_output(data))
    assert failure.domain in ("3001", "3002")
    assert user.task(task_id).execution_count == 0


def test_input_counts_for_one_run(user, wallet):
    """aggregator-api 2.8: trigger_input is merged over the stored variables of this run only."""
    node = tasks.branch(tasks.NODE, ("big", "if", "amount > 10"), ("small", "else", ""))
    request = tasks.task(wallet, nodes=[node])
    tasks.set_value(request.input_variables["amount"], 1)
    task_id = user.create(request)

    def chosen(**fields):
        call = avs.TriggerTaskReq(task_id=task_id, trigger_type=MANUAL, is_blocking=True)
        for name, value in fields.items():
            tasks.set_value(call.trigger_input[name], value)
        return plain(user.call("TriggerTask", call).steps[1].branch.data)["conditionId"]

    assert [chosen(), chosen(amount=11), chosen()] == ["node1.small", "node1.big", "node1.small"]


def test_queued_runs_run_in_order(user, wallet):
    """API-10.4.27"""
    task_id = user.create(tasks.task(wallet))
    runs = [user.trigger(task_id, MANUAL).execution_id for _ in range(12)]
    records = [finished(user, task_id, run) for run in runs]
    assert [record.index for record in records] == list(range(12))
    begun = [record.start_at for record in records]
    assert begun == sorted(begun)


def test_twenty_callers_and_a_limit_of_three(user, wallet):
    """XO-11: what is promised counts."""
    task_id = user.create(tasks.task(wallet, limit=3))

    def attempt(number):
        try:
            return user.trigger(task_id, MANUAL, blocking=number % 2 == 0).execution_id
        except Exception as error:
            return error.code().name

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(attempt, range(20)))
    assert answers.count("FAILED_PRECONDITION") == 17
    until(lambda: len(user.executions(task_id).items) == 3, what="three executions")
    task = user.task(task_id)
    assert (task.execution_count, task.status) == (3, avs.Completed)


def test_steps_say_what_they_could_see(user, wallet):
    """API-10.4.23: also of custom code, and the trigger's step shows what the trigger was given"""
    trigger = tasks.manual({"a": 1})
    trigger.manual.config.headers["X-A"] = "1"
    trigger.manual.config.pathParams["id"] = "7"
    task = user.create(tasks.task(wallet, trigger, [tasks.branch("first"), tasks.custom_code("return 1", "code")]))
    user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True)
    started, first, code = user.executions(task).items[0].steps
    config = plain(started.config)
    assert config["data"] == {"a": 1} and config["headers"] == {"X-A": "1"} and config["pathParams"] == {"id": "7"}
    assert config["lang"] == "LANG_JSON" and plain(started.manual_trigger.data) == {"a": 1}
    assert {"start.data", "start.input", "start.headers", "start.pathParams", "settings"} <= set(first.inputs)
    assert {"start.data", "first.data", "first.input"} <= set(code.inputs) and list(code.inputs) == sorted(code.inputs)
    assert plain(code.config)["source"] == "return 1" and not any(name.startswith("code.") for name in code.inputs)


def test_gas_fields_are_empty_texts_off_the_chain(user, wallet):
    """2.9: never null, never a number"""
    task = user.create(tasks.task(wallet))
    for step in user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True).steps:
        assert (step.gas_used, step.gas_price, step.total_gas_cost) == ("", "", "")


def test_counts_survive_a_restart(new_aggregator):
    """API-10.3.30: as the record has them"""
    aggregator = new_aggregator()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        task = user.create(tasks.task(user.wallet().address, limit=3))
        for _ in range(2):
            user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True)
        before = user.task(task)
    aggregator.kill()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()
        assert user.task(task) == before and before.execution_count == 2
        assert user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True).status == avs.EXECUTION_STATUS_SUCCESS
        assert user.task(task).execution_count == 3 and user.task(task).status == avs.Completed
    assert aggregator.stop() == 0
