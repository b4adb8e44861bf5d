"""CreateTask and GetTask."""

import re
import time

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain

INVALID = "INVALID_ARGUMENT"
HOUR = 3_600_000
ADDRESS = "0x" + "ab" * 20
TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def now() -> int:
    return int(time.time() * 1000)


@pytest.mark.parametrize("change, domain, text", [
    (lambda r: r.ClearField("edges"), 3003, "invalid: edges field cannot be an empty array"),
    (lambda r: r.ClearField("nodes"), 3003, "invalid: nodes field cannot be an empty array"),
    (lambda r: r.ClearField("input_variables"), 3006, "invalid task argument: inputVariables is required"),
    (lambda r: tasks.set_value(r.input_variables["settings"], "x"), 3000,
     "invalid task argument: inputVariables.settings must be an object"),
    (lambda r: tasks.set_value(r.input_variables["settings"], {"runner": ADDRESS, "name": "  "}), 3006,
     "invalid task argument: inputVariables.settings.name is required"),
    (lambda r: tasks.set_value(r.input_variables["settings"], {"name": "x"}), 3006,
     "invalid task argument: inputVariables.settings.runner is required"),
    (lambda r: tasks.set_value(r.input_variables["settings"], {"name": "x", "runner": "0x12"}), 3004,
     "invalid task argument: inputVariables.settings.runner must be a valid hex address"),
    (lambda r: r.ClearField("trigger"), 3001, "Invalid task argument: trigger is required"),
    (lambda r: r.trigger.CopyFrom(avs.TaskTrigger(name="t", id="t0")), 3001,
     "Invalid task argument: trigger is required"),
])
def test_what_a_task_needs(user, wallet, change, domain, text):
    """API-10.3.1"""
    request = tasks.task(wallet)
    change(request)
    with refused(INVALID, domain, text):
        user.create(request)


def test_the_order_of_checks(user, wallet):
    """API-10.3.1: expiry, then edges, then nodes, then settings."""
    request = avs.CreateTaskReq(expired_at=now())
    with refused(INVALID, 3000, "…task expiration date is too close"):
        user.create(request)
    request.expired_at = 0
    with refused(INVALID, 3003, "…edges"):
        user.create(request)


@pytest.mark.parametrize("trigger, text", [
    (avs.TaskTrigger(id="t", block=avs.BlockTrigger(config=avs.BlockTrigger.Config(interval=0))),
     "…block trigger interval must be greater than 0, got 0"),
    (avs.TaskTrigger(id="t", block=avs.BlockTrigger(config=avs.BlockTrigger.Config(interval=-3))),
     "…block trigger interval must be greater than 0, got -3"),
    (avs.TaskTrigger(id="t", block=avs.BlockTrigger()), "…block trigger config is required but missing"),
    (avs.TaskTrigger(id="t", cron=avs.CronTrigger(config=avs.CronTrigger.Config())),
     "…cron trigger must have at least one schedule"),
    (avs.TaskTrigger(id="t", cron=avs.CronTrigger(config=avs.CronTrigger.Config(schedules=["often"]))), "…often"),
    (avs.TaskTrigger(id="t", fixed_time=avs.FixedTimeTrigger(config=avs.FixedTimeTrigger.Config())),
     "…fixed time trigger must have at least one epoch"),
    (avs.TaskTrigger(id="t", event=avs.EventTrigger(config=avs.EventTrigger.Config())),
     "…event trigger must have at least one query"),
    (avs.TaskTrigger(id="t", event=avs.EventTrigger(config=avs.EventTrigger.Config(
        queries=[avs.EventTrigger.Query(addresses=["topics"])]))), "…is not a hex address"),
])
def test_a_trigger_that_can_never_fire_is_refused(user, wallet, trigger, text):
    """API-10.3.2"""
    with refused(INVALID, 3001, text) as failure:
        user.create(tasks.task(wallet, trigger))
    assert failure.text.startswith("Invalid task argument: ")


@pytest.mark.parametrize("left, is_accepted", [(0, False), (HOUR - 60_000, False), (HOUR + 60_000, True), (None, True)])
def test_a_task_lives_at_least_an_hour(user, wallet, left, is_accepted):
    """API-10.3.3"""
    request = tasks.task(wallet, expired_at=0 if left is None else now() + left)
    if is_accepted:
        assert user.create(request)
    else:
        text = "…task expiration date is too close to current time. The task must expire at least 1 hour from now."
        with refused(INVALID, 3000, text) as failure:
            user.create(request)
        assert re.search(r"Current remaining time: -?\d+\.\d minutes$", failure.text)


def many_nodes():
    return [tasks.branch(f"n{number}") for number in range(200)]


@pytest.mark.parametrize("trigger, nodes", [
    (tasks.cron("*/5 * * * *", "@daily"), None), (tasks.fixed_time(1, now() + HOUR), None),
    (tasks.event(ADDRESS), None), (tasks.event(ADDRESS, TOPIC, "", TOPIC), None), (tasks.block(5), None),
    (tasks.manual({"a": [1, 2.5, None, True, "ü", {"b": []}]}), None), (tasks.block(1), many_nodes()),
    (tasks.block(1), [tasks.rest("https://example.org/{{block.data}}", method="POST", body='{"a": 1}',
                                 headers={"content-type": "application/json"})]),
])
def test_a_task_is_read_as_it_was_sent(user, wallet, trigger, nodes):
    """API-10.3.4, API-10.3.5"""
    request = tasks.task(wallet, trigger, nodes, limit=3, start_at=now(), expired_at=now() + 2 * HOUR)
    tasks.set_value(request.input_variables["list"], [1, "two", {"three": 3}])
    task_id = user.create(request)
    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{26}", task_id)
    task = user.task(task_id)
    assert task.id == task_id
    assert task.trigger == request.trigger
    assert list(task.nodes) == list(request.nodes)
    assert list(task.edges) == list(request.edges)
    assert (task.max_execution, task.start_at, task.expired_at) == (3, request.start_at, request.expired_at)
    assert (task.owner, task.smart_wallet_address, task.name) == (user.address, wallet, "a task")
    assert (task.status, task.execution_count, task.completed_at, task.last_ran_at) == (avs.Enabled, 0, 0, 0)
    assert task.input_variables["list"] == request.input_variables["list"]


def test_a_type_that_was_not_sent_is_filled_in(user, wallet):
    """API-10.3.4: tasks with only the oneof set are valid."""
    request = tasks.task(wallet, tasks.block())
    request.trigger.type = request.nodes[0].type = 0
    task = user.task(user.create(request))
    assert (task.trigger.type, task.nodes[0].type) == (avs.TRIGGER_TYPE_BLOCK, avs.NODE_TYPE_BRANCH)


def test_the_owner_itself_is_no_wallet(user):
    """API-10.3.6"""
    with refused(INVALID, 3004, "invalid smart account address"):
        user.create(tasks.task(user.address))


@pytest.mark.parametrize("name, why", [
    ("my node", "is not a valid JavaScript identifier"), ("1st", "is not a valid JavaScript identifier"),
    ("class", "is a JavaScript reserved word"), ("Class", "is a JavaScript reserved word"),
    ("CLASS", "is a JavaScript reserved word"), ("", "node name cannot be empty"),
    ("ünode", "is not a valid JavaScript identifier"),
])
def test_a_name_that_scripts_could_not_use_is_refused(user, wallet, name, why):
    """API-10.3.7"""
    node = tasks.branch()
    node.name = name
    with refused(INVALID, 3002, "…validation failed: ") as failure:
        user.create(tasks.task(wallet, nodes=[node]))
    assert why in failure.text
    if name:
        with refused(INVALID, 3001, "…trigger name validation failed: "):
            user.create(tasks.task(wallet, tasks.manual(name=name)))


def test_settings_are_completed(user, wallet):
    """API-10.3.8"""
    expiry = now() + 3 * HOUR
    request = tasks.task(wallet.lower(), limit=7, expired_at=expiry)
    tasks.set_value(request.input_variables["settings"], {
        "name": "named", "runner": wallet.lower(), "id": "mine", "owner": "me", "startAt": 5, "more": {"x": [1]}})
    task_id = user.create(request)
    task = user.task(task_id)
    settings = plain(task.input_variables["settings"])
    assert settings | {"id": task_id, "owner": user.address, "maxExecution": 7, "expiredAt": expiry, "startAt": 0,
                       "name": "named", "more": {"x": [1]}} == settings
    assert (task.name, task.smart_wallet_address) == ("named", wallet)


def test_names_outside_the_settings_count_without_them(user, wallet):
    """API-10.3.8, D-11"""
    request = tasks.task(wallet)
    del request.input_variables["settings"]
    request.name, request.smart_wallet_address = "old", wallet
    assert user.task(user.create(request)).name == "old"


@pytest.mark.parametrize("text, expected", [("{{settings.runner}}", "runner"), ("{{token}}", ADDRESS)])
def test_templates_in_an_event_query_are_replaced(user, wallet, text, expected):
    """API-10.3.9"""
    request = tasks.task(wallet, tasks.event(text, TOPIC, "{{who}}"))
    tasks.set_value(request.input_variables["token"], ADDRESS)
    tasks.set_value(request.input_variables["who"], "0x" + "00" * 12 + "cd" * 20)
    query = user.task(user.create(request)).trigger.event.config.queries[0]
    assert query.addresses[0].lower() == (wallet if expected == "runner" else ADDRESS).lower()
    assert list(query.topics) == [TOPIC, "0x" + "00" * 12 + "cd" * 20]


@pytest.mark.parametrize("trigger, place", [
    (tasks.event("{{nothing}}"), "query[0].addresses[0]"),
    (tasks.event(ADDRESS, TOPIC, "{{nothing}}"), "query[0].topics[1]")])
def test_a_template_without_a_value_is_refused(user, wallet, trigger, place):
    """API-10.3.9"""
    with refused(INVALID, 3001, f"…EventTrigger template resolution failed: {place}: "):
        user.create(tasks.task(wallet, trigger))


def test_two_equal_requests_make_two_tasks(user, wallet):
    """API-10.3.5"""
    request = tasks.task(wallet)
    first, second = user.create(request), user.create(request)
    assert first < second


@pytest.mark.parametrize("task_id, code, domain, text", [
    ("", INVALID, 3006, "Missing task id in request"),
    ("01jg2fe5mdvkbpheg0peysdkac", "NOT_FOUND", 2000, "task not found"),
    ("no id", "NOT_FOUND", 2000, "task not found"),
    ("a\0b", INVALID, 3000, "…NUL"),
])
def test_a_task_that_is_not_there(user, task_id, code, domain, text):
    """API-10.3.10"""
    with refused(code, domain, text):
        user.task(task_id)


def test_a_deleted_task_is_not_there(user, wallet, new_user):
    """API-10.3.10"""
    task_id = user.create(tasks.task(wallet))
    with refused("NOT_FOUND", 2000, "task not found"):
        new_user().task(task_id)
    with refused("NOT_FOUND", 2000, "task not found"):
        user.task(task_id.upper())
    user.delete(task_id)
    with refused("NOT_FOUND", 2000, "task not found"):
        user.task(task_id)
