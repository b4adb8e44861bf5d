"""Runs that hang, runs that are stopped, and who goes first: with real sockets and real scripts."""

import socket
import threading
import time

import grpc
import pytest
from avs_testbed import tasks
from avs_testbed.processes import free_port
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until

MANUAL, ERROR, PENDING = avs.TRIGGER_TYPE_MANUAL, avs.EXECUTION_STATUS_ERROR, avs.EXECUTION_STATUS_PENDING
FOR_EVER = "while (true) {}"


class StuckHost:
    """Takes connections and never answers; knows how many are open and how many their clients gave up."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", free_port()), backlog=256)
        self.authority = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.authority}/stuck"
        self.asked = self.given_up = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection):
        is_first = True
        with connection:
            while True:
                try:
                    received = connection.recv(1 << 16)
                except OSError:
                    received = b""
                with self._lock:
                    self.asked += bool(received and is_first)
                    self.given_up += not received
                is_first = False
                if not received:
                    return

    def stop(self):
        self._listener.close()


@pytest.fixture
def stuck():
    host = StuckHost()
    yield host
    host.stop()


@pytest.fixture
def start(new_aggregator, web, stuck):
    """Starts an aggregator that may talk to the stuck host, and makes users of it."""
    started, channels = [], []

    def start(**settings):
        aggregator = new_aggregator(
            fetch={"allow": [web.authority, stuck.authority]}, drain={"timeout": "1s"}, **settings)
        aggregator.start()
        started.append(aggregator)
        channels.append(aggregator.channel())
        return lambda: User(channels[-1]).sign_in()

    yield start
    for channel in channels:
        channel.close()
    for aggregator in started:
        aggregator.stop()


def hanging_task(user, stuck, **fields) -> str:
    return user.create(tasks.task(user.wallet().address, nodes=[tasks.rest(stuck.url)], **fields))


def ended(user, task_id: str, execution_id: str):
    def execution():
        found = user.execution(task_id, execution_id)
        return found if found.status != PENDING else None
    return until(execution, what="the end of the execution")


def test_a_stuck_host_of_some_owners_leaves_the_others_alone(start, stuck):
    """OVL-6, OVL-7: four owners take all the places that they can, and a fifth does not notice"""
    new_user = start(queue={"workers": 8, "workers_per_owner": 4})
    for _ in range(2):
        owner = new_user()
        for number in range(5):
            owner.trigger(hanging_task(owner, stuck, name=f"stuck {number}"), MANUAL)
    # Three quarters of eight places; a host has four connections of one owner at most.
    until(lambda: stuck.asked >= 4, what="runs that hang")
    other = new_user()
    quick = other.create(tasks.task(other.wallet().address))
    began = time.monotonic()
    assert other.trigger(quick, MANUAL, blocking=True).status == avs.EXECUTION_STATUS_SUCCESS
    assert time.monotonic() - began < 10


def test_a_cancelled_run_aborts_its_request_and_frees_its_place(start, stuck):
    """XO-22, OVL-11: at once, with one record that says so"""
    new_user = start(queue={"workers": 1, "workers_per_owner": 1})
    user = new_user()
    task_id = hanging_task(user, stuck)
    run = user.trigger(task_id, MANUAL)
    until(lambda: stuck.asked == 1, what="the request")
    quick = user.create(tasks.task(user.wallet().address, name="quick"))
    behind = user.trigger(quick, MANUAL)
    answer = user.cancel(task_id)
    assert (answer.success, answer.status) == (True, "cancelled")
    until(lambda: stuck.given_up == 1, what="the end of the request")
    execution = ended(user, task_id, run.execution_id)
    assert execution.status == ERROR and "cancelled: the task was cancelled or deleted" in execution.error
    assert [step.success for step in execution.steps] == [True, False]
    assert len(user.executions(task_id).items) == 1
    assert ended(user, quick, behind.execution_id).status == avs.EXECUTION_STATUS_SUCCESS


def test_a_deleted_task_kills_its_script(start):
    """XO-22, OVL-11: and leaves nothing behind"""
    new_user = start(queue={"workers": 1, "workers_per_owner": 1})
    user = new_user()
    task_id = user.create(tasks.task(user.wallet().address, nodes=[tasks.custom_code(FOR_EVER)]))
    user.trigger(task_id, MANUAL)
    until(lambda: user.task(task_id).status == avs.Running, what="the run")
    assert user.delete(task_id).success
    quick = user.create(tasks.task(user.wallet().address))
    assert user.trigger(quick, MANUAL, blocking=True).status == avs.EXECUTION_STATUS_SUCCESS


def test_a_client_that_gives_up_ends_its_node(start, stuck):
    """OVL-11: cancelling RunNodeWithInputs aborts the request"""
    new_user = start()
    user = new_user()
    request = avs.RunNodeWithInputsReq(node=tasks.rest(stuck.url))
    tasks.set_value(request.input_variables["a"], 1)
    call = user.stub.RunNodeWithInputs.future(request, metadata=[("authkey", user.token)], timeout=60)
    until(lambda: stuck.asked == 1, what="the request")
    call.cancel()
    until(lambda: stuck.given_up == 1, what="the end of the request")


def test_a_client_that_gives_up_leaves_its_promised_run_alone(start, stuck):
    """XO-2: a run that was accepted ends in one record, whoever waits for it"""
    new_user = start()
    user = new_user()
    task_id = hanging_task(user, stuck)
    request = avs.TriggerTaskReq(task_id=task_id, trigger_type=MANUAL, is_blocking=True)
    call = user.stub.TriggerTask.future(request, metadata=[("authkey", user.token)], timeout=60)
    until(lambda: stuck.asked == 1, what="the request")
    call.cancel()
    with pytest.raises((grpc.RpcError, grpc.FutureCancelledError)):
        call.result()
    assert user.task(task_id).status == avs.Running and stuck.given_up == 0
    assert user.cancel(task_id).success
    until(lambda: stuck.given_up == 1, what="the end of the request")
    assert [item.status for item in user.executions(task_id).items] == [ERROR]


def test_a_run_ends_at_its_deadline(start, stuck):
    """XO-21: with a record that says so"""
    new_user = start(execution={"deadline": "2s"})
    user = new_user()
    task_id = hanging_task(user, stuck)
    run = user.trigger(task_id, MANUAL, blocking=True)
    assert run.status == ERROR and "the execution deadline was exceeded" in run.error
    until(lambda: stuck.given_up == 1, what="the end of the request")
    assert len(user.executions(task_id).items) == 1


def test_a_task_chooses_the_deadline_of_its_runs(start, stuck):
    """XO-21: shorter than the service's, or up to a day, and shown with the task"""
    new_user = start(execution={"deadline": "60s"})
    user = new_user()
    task_id = hanging_task(user, stuck, execution_deadline_seconds=2)
    assert user.task(task_id).execution_deadline_seconds == 2
    began = time.monotonic()
    run = user.trigger(task_id, MANUAL, blocking=True)
    assert run.status == ERROR and "the execution deadline was exceeded" in run.error
    assert time.monotonic() - began < 30 and len(user.executions(task_id).items) == 1
    until(lambda: stuck.given_up == 1, what="the end of the request")
    assert user.task(hanging_task(user, stuck)).execution_deadline_seconds == 0
    assert user.create(tasks.task(user.wallet().address, execution_deadline_seconds=86_400))
    with pytest.raises(grpc.RpcError) as refusal:
        hanging_task(user, stuck, execution_deadline_seconds=86_401)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.value.details() == (
        "Invalid task argument: executionDeadlineSeconds must be at most 86400, got 86401")


@pytest.mark.parametrize("is_orderly", [True, False], ids=["SIGTERM", "SIGKILL"])
def test_only_the_death_of_the_process_counts_against_a_task(new_aggregator, web, stuck, is_orderly):
    """XO-20: six restarts in order that interrupt a run count for nothing; five kills in a row disable its task"""
    aggregator = new_aggregator(
        fetch={"allow": [web.authority, stuck.authority]}, drain={"timeout": "1s"}, execution={"max_attempts": 2})
    aggregator.start()
    try:
        with aggregator.channel() as channel:
            user = User(channel).sign_in()
            task_id = hanging_task(user, stuck)
            runs = [user.trigger(task_id, MANUAL).execution_id for _ in range(6)]
        for number in range(6 if is_orderly else 5):
            until(lambda: stuck.asked > number, what=f"request {number}")
            if is_orderly:
                assert aggregator.stop() == 0
            else:
                aggregator.kill()
            aggregator.start()
        with aggregator.channel() as channel:
            user = User(channel, user.account).sign_in()
            if is_orderly:
                until(lambda: stuck.asked == 7, what="the first run, begun for the seventh time")
                assert user.task(task_id).status == avs.Running and not user.task(task_id).status_reason
                assert {user.execution(task_id, run).status for run in runs} == {PENDING}
                assert user.cancel(task_id).success
            else:
                until(lambda: user.task(task_id).status == avs.Disabled, what="the end of the task")
                assert user.task(task_id).status_reason == (
                    "5 executions in a row were stopped after interrupted attempts")
                errors = [user.execution(task_id, run).error for run in runs[:5]]
                assert errors == ["stopped after 2 interrupted attempts"] * 5
    finally:
        aggregator.stop()


def test_a_caller_who_waits_goes_before_what_is_queued(start, web):
    """Priority: with one place, and ten jobs in the queue"""
    new_user = start(queue={"workers": 1, "workers_per_owner": 1})
    user = new_user()
    wallet = user.wallet().address
    queued = user.create(tasks.task(wallet, nodes=[tasks.rest(f"{web.url}/slow/0.3")], name="queued"))
    for _ in range(10):
        user.trigger(queued, MANUAL)
    awaited = user.create(tasks.task(wallet, name="awaited"))
    assert user.trigger(awaited, MANUAL, blocking=True).status == avs.EXECUTION_STATUS_SUCCESS
    left = [item for item in user.executions(queued).items if item.status == PENDING]
    assert len(user.executions(queued).items) < 10 or left, "the queued ones are not over yet"
