"""A database of an older release: this one migrates it, and serves what it served before."""

import subprocess
from pathlib import Path

import pytest
from avs_testbed import tasks
from avs_testbed.processes import STOP_SECONDS, program
from avs_testbed.stubs import ROOT, avs
from avs_testbed.users import User


def crasher() -> Path:
    """What makes older databases: a program of the tests, beside the aggregator or of the debug build."""
    places = [program().parent, ROOT / ".build" / "debug"]
    if (tool := next((place / "migration-crasher" for place in places if (place / "migration-crasher").is_file()), None)):
        return tool
    pytest.skip("migration-crasher is not built")


def make_older(folder: Path) -> None:
    subprocess.run([str(crasher()), "age", str(folder / "db")], check=True, timeout=STOP_SECONDS)


def life(user: User, bad: str) -> list[str]:
    """Tasks of two wallets in several states, with runs of both ends; returns those that are left."""
    first, second = user.wallet().address, user.wallet("1").address
    ids = [user.create(tasks.task(wallet)) for wallet in (first, first, second)]
    ids.append(user.create(tasks.task(first, nodes=[tasks.rest(bad)])))
    gone = user.create(tasks.task(second))
    for task, times in zip([*ids, gone], (3, 0, 2, 1, 2), strict=True):
        for _ in range(times):
            user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True)
    user.set_enabled(ids[1], False)
    user.delete(gone)
    return ids


def everything(user: User, ids: list[str]) -> list:
    """What the caller can see of tasks and runs, page by page and counted."""
    wallets = [user.wallet().address, user.wallet("1").address]
    found = [user.task(task) for task in ids]
    cursor = ""
    while True:
        page = user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=wallets, limit=2, after=cursor))
        found += page.items
        if not page.page_info.has_next_page:
            break
        cursor = page.page_info.end_cursor
    found += user.all_executions(*ids)
    for some in ([], ids[:1], ids[2:]):
        found.append(user.call("GetExecutionCount", avs.GetExecutionCountReq(workflow_ids=some)))
        found.append(user.call("GetExecutionStats", avs.GetExecutionStatsReq(workflow_ids=some, days=2)))
    for some in ([], wallets[1:]):
        found.append(user.call("GetWorkflowCount", avs.GetWorkflowCountReq(addresses=some)))
    found.append(user.call("ListWallets", avs.ListWalletReq()))
    return found


def test_an_older_database_is_migrated_and_served(new_aggregator, web):
    """P7, D1, API-10.8.10: after a copy, once; lists, counts and statistics are what they were, and go on from there."""
    aggregator = new_aggregator()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        ids = life(user, f"{web.url}/status/500")
        before = everything(user, ids)
    assert aggregator.stop() == 0 and not list((aggregator.folder / "backups").glob("*/full-backup.db"))

    make_older(aggregator.folder)
    aggregator.start()
    assert '"migrated"' in aggregator.log.read_text()
    assert len(list((aggregator.folder / "backups").glob("*/full-backup.db"))) == 1
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()
        assert everything(user, ids) == before
        user.trigger(ids[0], avs.TRIGGER_TYPE_MANUAL, blocking=True)
        after = user.call("GetExecutionStats", avs.GetExecutionStatsReq(days=1))
        assert (after.total, after.succeeded, after.failed) == (7, 6, 1)
        user.delete(ids[0])
        assert user.call("GetExecutionStats", avs.GetExecutionStatsReq(days=1)).total == 3
    assert aggregator.stop() == 0 and not aggregator.findings()

    aggregator.start()
    assert aggregator.stop() == 0
    assert len(list((aggregator.folder / "backups").glob("*/full-backup.db"))) == 1, "once"
