"""ListTasks, and the pages that it shares with ListExecutions."""

import base64
import json

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs

INVALID = "INVALID_ARGUMENT"
BAD_CURSOR = ("Invalid pagination cursor. Please retry without pagination parameters or use a fresh cursor from a "
              "recent response.")


def page(user, wallet: str, **fields):
    return user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=[wallet], **fields))


def ids(answer) -> list[str]:
    return [item.id for item in answer.items]


def flags(answer) -> tuple[bool, bool]:
    """(is there a page before, is there one after)"""
    return answer.page_info.has_previous_page, answer.page_info.has_next_page


def cursor(position: str) -> str:
    return base64.b64encode(json.dumps({"d": "next", "p": position}, separators=(",", ":")).encode()).decode()


class Tasks:
    """A user's tasks, one after the other."""

    def __init__(self, user, wallet):
        self.user, self.wallet = user, wallet

    def make(self, count: int) -> list[str]:
        """Returns the ids, newest first."""
        return [self.user.create(tasks.task(self.wallet)) for _ in range(count)][::-1]

    def page(self, **fields):
        return page(self.user, self.wallet, **fields)


class Executions:
    """The executions of one task."""

    def __init__(self, user, wallet):
        self.user, self.task = user, user.create(tasks.task(wallet))

    def make(self, count: int) -> list[str]:
        """Returns the ids, newest first."""
        return [self.user.trigger(self.task, avs.TRIGGER_TYPE_MANUAL, blocking=True).execution_id
                for _ in range(count)][::-1]

    def page(self, **fields):
        return self.user.executions(self.task, **fields)


@pytest.fixture(params=[Tasks, Executions])
def rows(request, user, wallet):
    """What is listed: both lists have the same pages (API-10.4.15)."""
    return request.param(user, wallet)


@pytest.mark.parametrize("nodes", [False, True])
@pytest.mark.parametrize("edges", [False, True])
def test_nodes_and_edges_come_on_request(user, wallet, nodes, edges):
    """API-10.3.11, API-10.3.12"""
    request = tasks.task(wallet, tasks.cron(), limit=4, start_at=1_700_000_000_000, name="listed")
    task_id = user.create(request)
    item, = page(user, wallet, include_nodes=nodes, include_edges=edges).items
    whole = user.task(task_id)
    assert (len(item.nodes), len(item.edges)) == (int(nodes), int(edges))
    assert not item.input_variables
    for field in ("nodes", "edges", "input_variables"):
        whole.ClearField(field)
        item.ClearField(field)
    assert item == whole
    assert (item.name, item.start_at, item.max_execution, item.status) == ("listed", request.start_at, 4, avs.Enabled)
    assert item.trigger == request.trigger


def test_a_fresh_wallet_has_no_tasks(user):
    """API-10.3.13"""
    answer = page(user, user.wallet("1").address)
    assert (ids(answer), flags(answer)) == ([], (False, False))
    assert answer.page_info.start_cursor == answer.page_info.end_cursor == ""


@pytest.mark.parametrize("limit", [0, -1])
def test_only_own_wallets_are_listed_and_that_is_checked_first(user, new_user, wallet, limit):
    """API-10.3.14"""
    for other in (user.address, new_user().wallet().address, "0x12"):
        for wallets in ([other], [wallet, other]):
            with refused(INVALID, 3004, "invalid smart account address"):
                user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=wallets, limit=limit, after="!"))
    for wallets in ([], [""], [wallet, ""]):
        with refused(INVALID, 3006, "Missing smart_wallet_address"):
            user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=wallets, limit=limit))


def test_a_wallet_that_is_named_twice_is_listed_once(user, wallet):
    """DEFECT-34"""
    other = user.wallet("8").address
    made = [user.create(tasks.task(place)) for place in (wallet, other)]
    answer = user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=[wallet, other.lower(), wallet, other]))
    assert ids(answer) == made[::-1]


def test_one_of_four_then_the_rest(rows):
    """API-10.3.15, API-10.4.14"""
    made = rows.make(4)
    first = rows.page(limit=1)
    assert ids(first) == made[:1] and flags(first) == (False, True)
    assert len(first.page_info.end_cursor) == 60
    assert first.page_info.end_cursor == cursor(made[0])
    rest = rows.page(limit=10, after=first.page_info.end_cursor)
    assert ids(rest) == made[1:] and flags(rest) == (True, False)


def test_back_from_the_second_page_is_the_first(rows):
    """API-10.3.16"""
    made = rows.make(4)
    first = rows.page(limit=2)
    second = rows.page(limit=2, after=first.page_info.end_cursor)
    assert ids(first) + ids(second) == made
    back = rows.page(limit=2, before=second.page_info.start_cursor)
    assert ids(back) == ids(first) and flags(back) == (False, True)


@pytest.mark.parametrize("size", [1, 2])
def test_all_pages_forward_and_back(rows, size):
    """API-10.3.17, API-10.4.15"""
    made = rows.make(5)
    forward, after = [], ""
    while True:
        answer = rows.page(limit=size, after=after)
        forward.append(ids(answer))
        after = answer.page_info.end_cursor
        position = sum(map(len, forward))
        assert flags(answer) == (len(forward) > 1, position < 5)
        if position == 5:
            break
        assert len(forward) < 10
    assert sum(forward, []) == made
    backward, before = [forward[-1]], answer.page_info.start_cursor
    while before:
        answer = rows.page(limit=size, before=before)
        if not answer.items:
            assert flags(answer) == (False, False)
            break
        backward.insert(0, ids(answer))
        assert flags(answer) == (sum(map(len, backward)) < 5, True)
        before = answer.page_info.start_cursor
        assert len(backward) < 10
    assert sum(backward, []) == made


def test_a_cursor_outlives_its_row(user, wallet):
    """aggregator-api 2.4: a position is compared, not looked up."""
    made = Tasks(user, wallet).make(3)
    user.delete(made[1])
    assert ids(page(user, wallet, after=cursor(made[1]))) == made[2:]
    assert ids(page(user, wallet, before=cursor(made[1]))) == made[:1]


def test_what_is_no_cursor_and_what_is_none(rows):
    """API-10.3.18, API-10.4.14"""
    made = rows.make(2)
    for fields in ({"after": ""}, {"before": ""}, {"after": cursor("0")}, {"before": cursor("0")}):
        assert ids(rows.page(**fields)) == made
    assert ids(rows.page(after=cursor(made[0]), before="not even decoded")) == made[1:]
    for bad in ("%%%", "bm90IGpzb24=", cursor("not an id"), base64.b64encode(b"[]").decode(), "x" * 5000):
        for name in ("after", "before"):
            with refused(INVALID, 3000, BAD_CURSOR):
                rows.page(**{name: bad})
    with refused(INVALID, 3000, "item per page is not valid"):
        rows.page(limit=-1)
    assert ids(rows.page(limit=2**62)) == made


def test_fifty_rows_are_a_page(user, wallet):
    """API-10.3.18"""
    made = Tasks(user, wallet).make(51)
    answer = page(user, wallet)
    assert ids(answer) == made[:50] and flags(answer) == (False, True)


def test_a_page_fits_into_a_message(user, wallet):
    """D-26: rows of 1.5 MB come two at a time, however many were asked for."""
    large = tasks.branch(tasks.NODE, ("c1", "if", "1 > 2 // " + "x" * 1_500_000), ("c2", "else", ""))
    made = [user.create(tasks.task(wallet, nodes=[large])) for _ in range(3)][::-1]
    answer = page(user, wallet, include_nodes=True, limit=1000)
    assert ids(answer) == made[:2] and flags(answer) == (False, True)
    assert ids(page(user, wallet, include_nodes=True, after=answer.page_info.end_cursor)) == made[2:]
    assert ids(page(user, wallet)) == made
