"""Two operators see the same occurrence; the task runs once for it."""

from collections import Counter, deque

from avs_testbed import tasks
from avs_testbed.operators import Operator
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until

OCCURRENCES = 1_000
TASKS = 4
IN_FLIGHT = 16


def test_two_operators_report_a_thousand_triggers_at_once(new_aggregator):
    """XO-1, XO-9, API-10.7.10: 2,000 reports, exactly 1,000 executions, each of another occurrence."""
    limits = {"profile": "test", "queued_per_task": 2_000, "queued_per_owner": 2_000}
    aggregator = new_aggregator(limits=limits)
    aggregator.start()
    with aggregator.channel() as first, aggregator.channel() as second, aggregator.channel() as third:
        user = User(first).sign_in()
        wallet = user.wallet().address
        made = [user.create(tasks.task(wallet, tasks.block())) for _ in range(TASKS)]
        operators = [Operator(second, 0), Operator(third, 1)]
        answers = report_at_once(operators, made)
        assert all(sorted(pair) == ["deduplicated", "enabled"] for pair in answers), Counter(map(tuple, answers))

        def total():
            return sum(user.task(task_id).execution_count for task_id in made)
        until(lambda: total() == OCCURRENCES and user.wallet().enabled_task_count == TASKS, 120, "the end of all runs")
        check(user, made)
        counted = Counter(numbers(user, made))
    assert aggregator.stop() == 0, aggregator.last_log()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()
        assert Counter(numbers(user, made)) == counted, "a restart runs nothing again"
        assert Operator(channel, 1).notify_block(made[0], 0).status == "deduplicated"
    assert aggregator.stop() == 0, aggregator.last_log()


def report_at_once(operators, made) -> list[list[str]]:
    """Sends each occurrence by both operators back to back, and returns what the two were told."""
    waiting, answers = deque(), []
    for number in range(OCCURRENCES):
        if len(waiting) == IN_FLIGHT:
            answers.append([call.result().status for call in waiting.popleft()])
        task_id = made[number % TASKS]
        turn = operators if number % 2 else operators[::-1]
        waiting.append([
            operator.stub.NotifyTriggers.future(
                operator.block_report(task_id, number), metadata=operator.credential(), timeout=60)
            for operator in turn])
    return answers + [[call.result().status for call in pair] for pair in waiting]


def numbers(user, made) -> list[tuple[str, int]]:
    """The occurrence of every execution: its task and the block that its trigger step shows."""
    return [(task_id, int(item.steps[0].block_trigger.data.struct_value["blockNumber"]))
            for task_id in made for item in user.all_executions(task_id)]


def check(user, made) -> None:
    expected = Counter((made[number % TASKS], number) for number in range(OCCURRENCES))
    assert Counter(numbers(user, made)) == expected
    for task_id in made:
        records = user.all_executions(task_id)
        assert len({record.id for record in records}) == len(records) == OCCURRENCES // TASKS
        assert sorted(record.index for record in records) == list(range(len(records)))
        assert {record.status for record in records} == {avs.EXECUTION_STATUS_SUCCESS}
