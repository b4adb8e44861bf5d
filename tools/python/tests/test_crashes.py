"""The process is killed while it works; see tools/test-crash."""

import json
import os
import shutil
import subprocess
import time

import pytest
from avs_testbed.api_client import ApiClient
from avs_testbed.api_crash import ApiCrash
from avs_testbed.engine_crash import EngineCrash
from avs_testbed.intake_crash import IntakeCrash
from avs_testbed.processes import program
from avs_testbed.stubs import ROOT, avs
from avs_testbed.users import User
from avs_testbed.waiting import until

TOOL = ROOT / "tools" / "test-crash"


@pytest.mark.timeout(900)
def test_twenty_kills_lose_no_trigger_and_repeat_none(new_aggregator):
    """XO-1, XO-2, API-10.3.28, API-10.4.26: the seed is that of the moments of the kills."""
    report = IntakeCrash(new_aggregator(**IntakeCrash.SETTINGS), cycles=20, seed=20).run()
    assert report.is_clean, str(report)
    assert report.kills == 20 and report.executions == report.occurrences > 20


@pytest.mark.timeout(900)
def test_twenty_kills_lose_no_change_and_halve_none(new_aggregator):
    """DUR-1, DUR-2, DUR-3; DUR-4: what was not answered is there whole or not at all, and some of it is there. The seed
    is that of the calls and of the moments of the kills."""
    report = ApiCrash(new_aggregator(**ApiCrash.SETTINGS), cycles=20, seed=20).run()
    assert report.is_clean, str(report)
    assert report.kills >= 20 and report.acknowledged > 100
    assert report.made.total() + report.unmade > 0, "no kill cut off an answer"


@pytest.mark.timeout(900)
def test_ten_kills_in_the_middle_of_runs_repeat_no_effect(new_aggregator):
    """XO-3, XO-15, XO-17, B2 to B9: a hundred runs, killed between and inside their steps."""
    report = EngineCrash(new_aggregator(**EngineCrash.SETTINGS), cycles=10, seed=20).run()
    assert report.is_clean, str(report)
    assert report.kills == 10 and report.executions == 100


def test_the_tool_explains_itself():
    answer = subprocess.run([TOOL, "--help"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0 and "intake" in answer.stdout and "api" in answer.stdout and "engine" in answer.stdout
    for wrong in ([], ["nothing"], ["api", "--cycles", "0"]):
        assert subprocess.run([TOOL, *wrong], capture_output=True, timeout=60).returncode == 2


FORGETFUL = """#!/bin/sh
# An aggregator that has lost its database whenever it is started again.
db="$(dirname "$2")/db"
if [ -d "$db" ]; then rm -rf "$db"; exec "{program}" "$@" --init; fi
exec "{program}" "$@"
"""


@pytest.mark.timeout(300)
def test_a_failure_is_kept_with_all_that_makes_it_happen_again(tmp_path):
    """TST-10: seed, commit, history, data directory and log, and one command that runs the same."""
    forgetful = tmp_path / "forgetful"
    forgetful.write_text(FORGETFUL.format(program=program()), encoding="utf-8")
    forgetful.chmod(0o755)
    environment = os.environ | {"AVS_AGGREGATOR": str(forgetful), "TMPDIR": str(tmp_path)}
    failed = subprocess.run(
        [TOOL, "api", "--cycles", "1", "--seed", "7"], env=environment, capture_output=True, text=True, timeout=140)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    [folder] = [path for path in tmp_path.glob("avs-crash-*") if path.is_dir()]
    assert str(folder) in failed.stderr
    facts = json.loads((folder / "failure.json").read_text())
    assert facts["seed"] == 7 and facts["scenario"] == "api" and facts["problems"] and len(facts["commit"]) == 40
    assert (folder / "db").is_dir() and (folder / "aggregator.log").stat().st_size > 0
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert {line["event"] for line in history} >= {"started", "killed", "call", "answer"}
    answered = {line["number"] for line in history if line["event"] == "answer"}
    assert answered <= {line["number"] for line in history if line["event"] == "call"} and answered
    assert any(line["event"] == "answer" and line["status"] == "OK" for line in history)

    shutil.rmtree(folder / "db")
    again = subprocess.run([folder / "replay"], env=environment, capture_output=True, text=True, timeout=140)
    assert again.returncode == 1 and "seed 7" in again.stderr
    [second] = [path for path in tmp_path.glob("avs-crash-*") if path.is_dir() and path != folder]
    assert json.loads((second / "failure.json").read_text())["command"] == facts["command"]


def test_the_checker_of_the_kills_sees_what_it_was_not_told(new_aggregator):
    """A change behind its back is a lost acknowledgement to it: in every list, count and record."""
    aggregator = new_aggregator(**ApiCrash.SETTINGS)
    aggregator.start()
    with aggregator.channel() as channel:
        _change_behind_its_back(ApiClient(User(channel).sign_in(), seed=1))


def _change_behind_its_back(client: ApiClient) -> None:
    client.make_wallet()
    while not (client.secrets and any(model.executions for model in client.tasks.values()) and len(client.tasks) > 2):
        client.step()
    client.verify()
    assert not client.problems, client.problems
    user, (name, task_id) = client.user, (next(iter(client.secrets)), next(iter(client.tasks)))
    for number, behind_its_back in enumerate([
        lambda: user.call("UpdateSecret", avs.CreateOrUpdateSecretReq(name=name, secret="another")),
        lambda: user.call("DeleteSecret", avs.DeleteSecretReq(name=name)),
        lambda: user.call("SetWallet", avs.SetWalletReq(salt="0", is_hidden=not client.hidden["0"])),
        lambda: user.delete(task_id),
    ]):
        until(lambda: int(time.time() * 1000) != client.secrets[name][1])  # the next change has another time
        behind_its_back()
        client.verify()
        assert client.problems, f"change {number} was not seen"
        client.problems.clear()
