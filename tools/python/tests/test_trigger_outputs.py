"""What each kind of trigger shows in RunTrigger, SimulateTask and TriggerTask, value by value; pending runs."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from avs_testbed import tasks
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain, set_value
from avs_testbed.waiting import until

MANUAL, BLOCK, CRON = avs.TRIGGER_TYPE_MANUAL, avs.TRIGGER_TYPE_BLOCK, avs.TRIGGER_TYPE_CRON
PENDING, SUCCESS = avs.EXECUTION_STATUS_PENDING, avs.EXECUTION_STATUS_SUCCESS
READ = {"chainId": 31337, "isSimulated": False, "provider": "chain_rpc"}


def run(user, trigger):
    return user.call("RunTrigger", avs.RunTriggerReq(trigger=trigger))


def simulated(user, trigger, wallet: str):
    """The trigger's step in a simulation of a task that has a node more."""
    request = avs.SimulateTaskReq(trigger=trigger, nodes=[tasks.branch()], edges=[
        avs.TaskEdge(id="e", source=trigger.id, target=tasks.NODE)])
    set_value(request.input_variables["settings"], {"name": "s", "runner": wallet, "chain_id": 31337})
    execution = user.call("SimulateTask", request)
    assert execution.status == SUCCESS and len(execution.steps) == 2, execution
    return execution.steps[0]


def output(message):
    """The data of whichever part is set."""
    return plain(getattr(message, message.WhichOneof("output_data")).data)


def is_block(data: dict, chain) -> None:
    """Section 4.4: seven fields with their types, those of a block of the chain."""
    assert set(data) == {"blockNumber", "blockHash", "timestamp", "parentHash", "difficulty", "gasLimit", "gasUsed"}
    block = chain.web3.eth.get_block(int(data["blockNumber"]))
    assert data == {
        "blockNumber": block.number, "blockHash": block.hash.to_0x_hex(), "timestamp": block.timestamp,
        "parentHash": block.parentHash.to_0x_hex(), "difficulty": str(block.difficulty), "gasLimit": block.gasLimit,
        "gasUsed": block.gasUsed}
    assert re.fullmatch("0x[0-9a-f]{64}", data["blockHash"]) and abs(time.time() - data["timestamp"]) < 3600


def is_now(data: dict) -> None:
    """Section 4.3: the time in milliseconds, and as text."""
    assert set(data) == {"timestamp", "timestampIso"} and abs(time.time() * 1000 - data["timestamp"]) < 60_000
    moment = datetime.fromtimestamp(data["timestamp"] / 1000, timezone.utc)
    assert data["timestampIso"] == moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize("kind", ["block", "cron", "fixed_time"])
def test_a_trigger_shows_the_same_alone_and_in_a_task(user, wallet, chain, kind):
    """API-10.5.5, EE-TB1, EE-TB3: RunTrigger and SimulateTask"""
    trigger, check = {
        "block": (tasks.block(5), lambda data: is_block(data, chain)), "cron": (tasks.cron("*/5 * * * *"), is_now),
        "fixed_time": (tasks.fixed_time(1, 2), is_now)}[kind]
    answer = run(user, trigger)
    assert (answer.success, answer.error, answer.error_code) == (True, "", 0)
    assert answer.WhichOneof("output_data") == f"{kind}_trigger"
    assert plain(answer.execution_context) == READ and not answer.HasField("metadata")
    check(output(answer))
    step = simulated(user, trigger, wallet)
    assert (step.id, step.name, step.type) == ("t0", trigger.name, avs.TriggerType.Name(trigger.type))
    assert step.WhichOneof("output_data") == f"{kind}_trigger" and not step.HasField("metadata")
    check(output(step))
    assert plain(step.config) == {
        "block": {"interval": 5}, "cron": {"schedules": ["*/5 * * * *"]}, "fixed_time": {"epochs": [1, 2]}}[kind]


@pytest.mark.parametrize("data", [{"a": 1, "b": [True, None], "c": {"d": "ü"}}, [1, "x", None], [], 7.5, False, '{"k":1}'])
def test_the_output_of_a_manual_trigger_is_its_data(user, wallet, data):
    """EE-TM6: in RunTrigger, SimulateTask and TriggerTask; the simulation's step shows the configuration"""
    trigger = tasks.manual(data)
    trigger.manual.config.headers["X-Test"] = "yes"
    trigger.manual.config.pathParams["mode"] = "full"
    answer = run(user, trigger)
    assert answer.success and plain(answer.execution_context) == READ and not answer.HasField("metadata")
    assert output(answer) == data
    step = simulated(user, trigger, wallet)
    assert output(step) == data
    assert plain(step.config) == {
        "data": data, "headers": {"X-Test": "yes"}, "pathParams": {"mode": "full"}, "lang": "LANG_JSON"}
    task_id = user.create(tasks.task(wallet, trigger))
    assert output(user.trigger(task_id, MANUAL, blocking=True).steps[0]) == data
    given = avs.ManualTrigger.Output()
    set_value(given.data, {"other": data})
    assert output(user.trigger(task_id, MANUAL, blocking=True, manual_trigger=given).steps[0]) == {"other": data}


def pending(user, task_id: str, run) -> tuple:
    """What the execution shows of itself; its status is read in two ways, and may change while it is."""
    def status():
        return user.call("GetExecutionStatus", avs.ExecutionReq(task_id=task_id, execution_id=run.execution_id)).status

    before, execution, after = status(), user.execution(task_id, run.execution_id), status()
    assert execution.status in (before, after)
    return execution.id, execution.index, execution.status


def finished(user, task_id: str, run) -> tuple:
    until(lambda: pending(user, task_id, run)[2] != PENDING, 30, "the end of the execution")
    return pending(user, task_id, run)


def test_a_block_run_that_waits_keeps_its_id_and_index(user, wallet, operator):
    """EE-TB5, EE-X3: pending until an operator reports a block, and then the same run"""
    task_id = user.create(tasks.task(wallet, tasks.block()))
    user.trigger(task_id, BLOCK, blocking=True)
    waiting = user.trigger(task_id, BLOCK)
    assert waiting.status == PENDING and len(waiting.execution_id) == 26 and not waiting.steps
    for _ in range(3):
        assert pending(user, task_id, waiting) == (waiting.execution_id, 1, PENDING)
    assert user.trigger(task_id, BLOCK, blocking=True).execution_id != waiting.execution_id  # overtakes it
    assert pending(user, task_id, waiting) == (waiting.execution_id, 1, PENDING)
    assert operator.notify_block(task_id, 7).status == "enabled"
    assert finished(user, task_id, waiting) == (waiting.execution_id, 1, SUCCESS)
    assert sorted(item.index for item in user.executions(task_id).items) == [0, 1, 2]
    assert output(user.execution(task_id, waiting.execution_id).steps[0])["blockNumber"] == 7


def test_a_run_that_is_not_waited_for_keeps_its_id_and_index(user, wallet, web):
    """EE-X3: while its node still waits for an answer, and after"""
    task_id = user.create(tasks.task(wallet, nodes=[tasks.rest(f"{web.url}/slow/1")]))
    run = user.trigger(task_id, MANUAL)
    assert run.status == PENDING
    first = pending(user, task_id, run)
    assert first[:2] == (run.execution_id, 0)
    assert finished(user, task_id, run) == (run.execution_id, 0, SUCCESS)
    assert [item.id for item in user.executions(task_id).items] == [run.execution_id]


def test_indexes_count_every_run_of_a_task_once(user, wallet):
    """EE-X2: waited for or not, one after another or at once; another task begins at 0 again"""
    task_id = user.create(tasks.task(wallet))
    runs = [user.trigger(task_id, MANUAL, blocking=blocking) for blocking in (True, True, True, False, True, False)]
    for index, started in enumerate(runs):
        assert finished(user, task_id, started) == (started.execution_id, index, SUCCESS)
    with ThreadPoolExecutor(8) as pool:
        more = list(pool.map(lambda number: user.trigger(task_id, MANUAL, blocking=number % 2 == 0), range(16)))
    indexes = [finished(user, task_id, started)[1] for started in more]
    assert sorted(indexes) == list(range(6, 22))
    other = user.create(tasks.task(wallet))
    assert finished(user, other, user.trigger(other, MANUAL))[1] == 0
