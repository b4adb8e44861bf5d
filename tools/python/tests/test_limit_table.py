"""The table of limits (reliability-security 4.2), row by row, by an independent client: its default, the code of a
refusal, the name and the value that it says, and whether and when repeating helps (OVL-5)."""

import json
import subprocess
from dataclasses import dataclass
from typing import Callable

import grpc
import pytest
from avs_testbed import tasks
from avs_testbed.details import Details
from avs_testbed.operators import Operator
from avs_testbed.stubs import avs
from avs_testbed.users import User

LATER, NEVER, WRONG = "later", "never", "a mistake"

# Small enough to meet each; `test` lifts the rates.
COUNTS = {
    "profile": "test", "tasks_per_owner": 3, "wallets_per_owner": 2, "secrets_per_owner": 2, "secret_size": "1KiB",
    "nodes_per_task": 3, "edges_per_task": 4, "nesting": 8, "schedules_per_trigger": 2, "addresses_per_query": 2,
    "conditions_per_query": 1, "queued_per_task": 2, "loop_elements": 3, "steps_per_execution": 3,
    "step_output_size": "1KiB", "execution_record_size": "64KiB", "page_rows": 2,
}
# Whatever the machine's speed, more calls are made in a second than these let pass.
RATES = {
    "unauthenticated_per_address": {"per_second": 1, "burst": 60},
    "sign_ins_per_address": {"per_second": 1, "burst": 30},
    "sign_ins_per_wallet": {"per_second": 1, "burst": 2},
    "reads_per_caller": {"per_second": 1, "burst": 3}, "writes_per_caller": {"per_second": 1, "burst": 3},
    "simulations_per_caller": {"per_second": 1, "burst": 3},
    "notifications_per_operator": {"per_second": 1, "burst": 3},
}


@pytest.fixture(scope="module")
def counted(new_aggregator):
    aggregator = new_aggregator(limits=COUNTS)
    aggregator.start()
    return aggregator


@pytest.fixture(scope="module")
def rated(new_aggregator):
    aggregator = new_aggregator(limits=RATES)
    aggregator.start()
    return aggregator


def exceed(call: Callable[[int], object], calls: int = 200) -> grpc.RpcError:
    """Calls until a limit is met; other refusals are answers like any other."""
    for number in range(calls):
        try:
            call(number)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                return error
    raise AssertionError("no limit was met")


def check(error: grpc.RpcError, key: str, text: str, repeating: str) -> None:
    trailers = dict(error.trailing_metadata())
    if repeating is WRONG:
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT and text in error.details()
        assert "grpc-retry-pushback-ms" not in trailers
        return
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and text in error.details()
    details = Details(error)
    assert [subject for subject, _ in details.violations] == [f"limits.{key}"]
    pushback = int(trailers["grpc-retry-pushback-ms"])
    if repeating is NEVER:
        assert pushback == -1 and details.retry_seconds is None
    else:
        assert pushback > 0 and details.retry_seconds == pytest.approx(pushback / 1000)


# Defaults

def test_the_defaults_are_those_of_the_specification(tmp_path, counted):
    """What --print-config says of a file without `limits`."""
    path = tmp_path / "bare.yaml"
    path.write_text(json.dumps({key: value for key, value in counted.configuration().items() if key != "limits"}))
    command = [counted.command()[0], "--config", str(path), "--print-config"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    section = text.split("\nlimits:\n")[1]
    lines = section[:next((i for i, c in enumerate(section) if c == "\n" and section[i + 1:i + 2] not in (" ", "")), None)]
    printed, group = {}, ""
    for line in lines.splitlines():
        key, _, value = line.strip().partition(":")
        if not value:
            group = key + "."
            continue
        if len(line) - len(line.lstrip()) == 2:
            group = ""
        printed[group + key] = value.strip().strip('"')
    expected = {
        "connections": "20000", "connections_per_address": "200",
        "unauthenticated_per_address.per_second": "20", "unauthenticated_per_address.burst": "40",
        "sign_ins_per_address.per_second": "5", "sign_ins_per_address.burst": "20",
        "sign_ins_per_wallet.per_second": "1", "sign_ins_per_wallet.burst": "10",
        "reads_per_caller.per_second": "100", "reads_per_caller.burst": "200",
        "writes_per_caller.per_second": "10", "writes_per_caller.burst": "50",
        "simulations_per_caller.per_second": "2", "running_simulations_per_caller": "5",
        "running_handlers": "512", "running_handlers_per_caller": "64", "waiting_calls": "256",
        "notifications_per_operator.per_second": "2000", "notifications_per_operator.burst": "10000",
        "tasks_per_owner": "1000", "wallets_per_owner": "5", "secrets_per_owner": "1000", "secret_size": "64KiB",
        "nodes_per_task": "1000", "edges_per_task": "4000", "nesting": "50", "schedules_per_trigger": "10",
        "addresses_per_query": "100", "conditions_per_query": "50", "loop_elements": "10000",
        "steps_per_execution": "10000", "queued_per_task": "100", "queued_per_owner": "1000",
        "queued_in_all": "100000", "journal_size": "16MiB", "step_output_size": "1MiB",
        "execution_record_size": "3584KiB", "page_rows": "1000", "page_size": "3584KiB",
    }
    assert {key: printed.get(key) for key in expected} == expected


# Numbers

@dataclass
class Scene:
    user: User
    wallet: str

    def create(self, trigger=None, nodes=None, edges=None, **fields):
        return self.user.create(tasks.task(self.wallet, trigger, nodes, edges, **fields))

    def refusal(self, call: Callable[[], object]) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as raised:
            call()
        return raised.value


def too_many_tasks(scene):
    return exceed(lambda _: scene.create())


def too_many_wallets(scene):
    return exceed(lambda number: scene.user.wallet(salt=str(number + 1)))


def too_many_secrets(scene):
    return exceed(lambda number: scene.user.call(
        "CreateSecret", avs.CreateOrUpdateSecretReq(name=f"name{number}", secret="x")))


def too_large_a_secret(scene):
    return scene.refusal(lambda: scene.user.call(
        "CreateSecret", avs.CreateOrUpdateSecretReq(name="large", secret="x" * 1025)))


def too_many_nodes(scene):
    return scene.refusal(lambda: scene.create(nodes=[tasks.branch(f"n{number}") for number in range(4)]))


def too_many_edges(scene):
    nodes = [tasks.branch(name) for name in "abc"]
    pairs = ["t0 a", "t0 b", "t0 c", "a b", "a c"]
    edges = [avs.TaskEdge(id=f"e{i}", source=pair.split()[0], target=pair.split()[1]) for i, pair in enumerate(pairs)]
    return scene.refusal(lambda: scene.create(nodes=nodes, edges=edges))


def too_deep(scene):
    deep = []
    for _ in range(10):
        deep = [deep]
    return scene.refusal(lambda: scene.create(tasks.manual(deep)))


def too_many_schedules(scene):
    return scene.refusal(lambda: scene.create(tasks.cron("* * * * *", "1 * * * *", "2 * * * *")))


def too_many_addresses(scene):
    trigger = tasks.event("0x" + "11" * 20)
    trigger.event.config.queries[0].addresses.extend(["0x" + "22" * 20, "0x" + "33" * 20])
    return scene.refusal(lambda: scene.create(trigger))


def too_many_conditions(scene):
    trigger = tasks.event("0x" + "11" * 20)
    for _ in range(2):
        trigger.event.config.queries[0].conditions.add(field_name="value", operator="gt", value="1", field_type="uint256")
    return scene.refusal(lambda: scene.create(trigger))


def too_long_a_queue(scene):
    task_id = scene.create(tasks.block())
    return exceed(lambda _: scene.user.trigger(task_id, avs.TRIGGER_TYPE_BLOCK))


@pytest.mark.parametrize("key, meet, text, repeating", [
    ("tasks_per_owner", too_many_tasks, "limit reached: at most 3 tasks per owner", NEVER),
    ("wallets_per_owner", too_many_wallets, "max smart wallet count reached for owner (limit=2)", NEVER),
    ("secrets_per_owner", too_many_secrets, "limit reached: at most 2 secrets per owner", NEVER),
    ("secret_size", too_large_a_secret, "limit reached: at most 1024 bytes per secret", NEVER),
    ("nodes_per_task", too_many_nodes, "task has 4 nodes, at most 3 are allowed", WRONG),
    ("edges_per_task", too_many_edges, "task has 5 edges, at most 4 are allowed", WRONG),
    ("nesting", too_deep, "nested deeper than the 8 levels that are allowed", WRONG),
    ("schedules_per_trigger", too_many_schedules, "has 3 schedules, at most 2 are allowed", WRONG),
    ("addresses_per_query", too_many_addresses, "has 3 addresses, at most 2 are allowed", WRONG),
    ("conditions_per_query", too_many_conditions, "has 2 conditions, at most 1 are allowed", WRONG),
    ("queued_per_task", too_long_a_queue, "limit reached: at most 2 queued executions per task", LATER),
], ids=lambda value: value if isinstance(value, str) and value in COUNTS else "")
def test_a_number_beyond_its_limit_is_refused(counted, key, meet, text, repeating):
    with counted.channel() as channel:
        user = User(channel).sign_in()
        check(meet(Scene(user, user.wallet().address)), key, text, repeating)


# Runs

def run(aggregator, trigger, nodes):
    """The execution of a task that is run at once."""
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        task_id = user.create(tasks.task(user.wallet().address, trigger, nodes))
        answer = user.trigger(task_id, avs.TRIGGER_TYPE_MANUAL, blocking=True)
        return user.execution(task_id, answer.execution_id)


def test_a_loop_over_more_elements_than_allowed_fails_its_step(counted, web):
    """limits.loop_elements"""
    inner = tasks.rest(f"{web.url}/loop")
    done = run(counted, tasks.manual([1, 2, 3, 4]), [tasks.loop("{{start.data}}", rest_api=inner)])
    assert done.steps[1].error == "loop over 4 elements, at most 3 are allowed"


def test_a_run_of_more_steps_than_allowed_ends_with_error(counted):
    """limits.steps_per_execution: the trigger's is one of them."""
    done = run(counted, None, [tasks.branch(name) for name in "abc"])
    assert done.status == avs.EXECUTION_STATUS_ERROR and "the execution has more than 3 steps" in done.error
    assert len(done.steps) == 3


def test_a_larger_output_than_allowed_fails_its_step(counted, web):
    """limits.step_output_size"""
    node = tasks.rest(f"{web.url}/echo", method="POST", body="x" * 2000)
    done = run(counted, None, [node])
    assert done.steps[1].error.startswith("output too large: ") and "(max: 1024 bytes)" in done.steps[1].error
    assert not done.steps[1].success and done.steps[1].WhichOneof("output_data") is None


def test_a_record_larger_than_allowed_is_cut_with_a_mark(counted):
    """limits.execution_record_size"""
    done = run(counted, tasks.manual({"text": "x" * 100_000}), None)
    assert done.ByteSize() <= 64 << 10 and done.status == avs.EXECUTION_STATUS_SUCCESS
    mark = tasks.plain(done.steps[0].manual_trigger.data)
    assert mark["truncated"] is True and mark["bytes"] > 100_000 and mark["beginning"].startswith('{"text":"xxx')


def test_a_page_has_no_more_rows_than_allowed(counted):
    """limits.page_rows: whatever the caller asks for, and the rest comes with the cursor."""
    with counted.channel() as channel:
        user = User(channel).sign_in()
        wallet = user.wallet().address
        made = {user.create(tasks.task(wallet)) for _ in range(3)}
        first = user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=[wallet], limit=50))
        assert len(first.items) == 2 and first.page_info.has_next_page
        rest = user.call("ListTasks", avs.ListTasksReq(
            smart_wallet_address=[wallet], limit=50, after=first.page_info.end_cursor))
        assert {item.id for item in [*first.items, *rest.items]} == made and not rest.page_info.has_next_page


# Rates. Those of addresses are last: all of this module share one.

def too_many_reads(user, channel):
    return exceed(lambda _: user.task("0" * 26))


def too_many_writes(user, channel):
    return exceed(lambda _: user.cancel("0" * 26))


def too_many_simulations(user, channel):
    return exceed(lambda _: user.call("SimulateTask", avs.SimulateTaskReq()))


def too_many_reports(user, channel):
    operator = Operator(channel, 0)
    return exceed(lambda number: operator.notify_block("0" * 26, number))


def too_many_sign_ins_of_a_wallet(user, channel):
    return exceed(lambda _: user.sign_in(), 20)


def too_many_sign_ins_of_an_address(user, channel):
    request = avs.GetKeyReq(message="none", signature="0x")
    return exceed(lambda _: user.stub.GetKey(request, timeout=60))


def too_many_strangers(user, channel):
    return exceed(lambda _: user.stub.GetSignatureFormat(
        avs.GetSignatureFormatReq(wallet=user.address), timeout=60))


@pytest.mark.parametrize("key, meet, name", [
    ("reads_per_caller", too_many_reads, "reads per caller"),
    ("writes_per_caller", too_many_writes, "writes per caller"),
    ("simulations_per_caller", too_many_simulations, "simulations per caller"),
    ("notifications_per_operator", too_many_reports, "notifications per operator"),
    ("sign_ins_per_wallet", too_many_sign_ins_of_a_wallet, "sign-ins per wallet"),
    ("sign_ins_per_address", too_many_sign_ins_of_an_address, "sign-ins per address"),
    ("unauthenticated_per_address", too_many_strangers, "unauthenticated calls per address"),
], ids=lambda value: value if isinstance(value, str) and value in RATES else "")
def test_calls_beyond_their_rate_are_refused(rated, key, meet, name):
    burst = RATES[key]["burst"]
    with rated.channel() as channel:
        user = User(channel)
        if not key.endswith("_per_address"):
            user.sign_in()
        error = meet(user, channel)
        check(error, key, f"too many {name}: 1 a second are allowed, {burst} at once; try again in ", LATER)
