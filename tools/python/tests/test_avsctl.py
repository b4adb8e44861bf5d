"""avsctl against the real aggregator: what the API offers to a user, command by command."""

import json
import os
import subprocess
from types import SimpleNamespace

import pytest
from avs_testbed.processes import inspector
from eth_account import Account

COMMAND_SECONDS = 60
REFUSED, USAGE, UNAVAILABLE, CONFIGURATION = 1, 64, 69, 78

HEAT = {
    "trigger": {"id": "start", "name": "start", "manual": {"config": {"lang": "LANG_JSON", "data": {"degrees": 35}}}},
    "nodes": [{"id": "n1", "name": "check", "branch": {"config": {"conditions": [
        {"id": "hot", "type": "if", "expression": "start.data.degrees > 30"}]}}}],
    "edges": [{"id": "e1", "source": "start", "target": "n1"}],
}


@pytest.fixture
def avsctl(aggregator, tmp_path):
    """Runs avsctl as a user of its own who is logged in."""
    program = inspector()
    if program is None:
        pytest.skip("avsctl is not built")
    environment = os.environ | {
        "AVSCTL_SERVER": aggregator.target, "AVSCTL_PRIVATE_KEY": Account.create().key.hex().removeprefix("0x"),
        "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def run(*arguments: str, code: int = 0, text: str = "") -> SimpleNamespace:
        ended = subprocess.run(
            [program, *arguments], env=environment, cwd=tmp_path, input=text, capture_output=True, text=True,
            timeout=COMMAND_SECONDS)
        assert ended.returncode == code, f"{arguments}: {ended.returncode}: {ended.stdout}{ended.stderr}"
        return SimpleNamespace(output=ended.stdout, notes=ended.stderr, lines=ended.stdout.splitlines())

    run("login")
    return run


def objects(answer) -> list[dict]:
    return [json.loads(line) for line in answer.lines]


@pytest.fixture
def heat(tmp_path):
    """Makes files of tasks."""
    def make(name: str) -> str:
        (tmp_path / f"{name}.json").write_text(json.dumps(HEAT | {"name": name}), encoding="utf-8")
        return f"{name}.json"
    return make


def test_lists_are_shown_page_after_page(avsctl, heat):
    """issue 4, item 9"""
    made = [avsctl("tasks", "create", "-f", heat(f"task{number}")).output.strip() for number in range(5)]
    assert [task["id"] for task in objects(avsctl("tasks", "list", "--json"))] == made[::-1]
    three = avsctl("tasks", "list", "--limit", "3")
    assert [line.split()[0] for line in three.lines] == ["TASK", *made[:1:-1]] and "there are more" in three.notes
    for _ in range(3):
        avsctl("tasks", "trigger", made[0], "--wait")
    runs = objects(avsctl("executions", "list", made[0], "--json"))
    assert [run["index"] for run in runs] == ["2", "1", "0"]
    assert "there are no finished runs" in avsctl("executions", "list", made[1]).notes


def test_a_command_that_is_given_twice_with_a_key_is_done_once(avsctl, heat):
    """issue 4, item 7"""
    file = heat("once")
    first, second = (avsctl("tasks", "create", "-f", file, "--idempotency-key", "order-17").output for _ in range(2))
    assert first == second and len(avsctl("tasks", "list", "--json").lines) == 1
    refusal = avsctl("tasks", "create", "-f", heat("other"), "--idempotency-key", "order-17", code=REFUSED)
    assert "the idempotency key was used for another request" in refusal.notes
    task = first.strip()
    runs = {avsctl("tasks", "trigger", task, "--wait", "--idempotency-key", "run-1").lines[0] for _ in range(3)}
    assert len(runs) == 1
    assert objects(avsctl("count", "--json"))[0]["executions"] == "1"


def test_a_task_goes_through_its_life(avsctl, heat):
    """issue 4, item 9"""
    task = avsctl("tasks", "create", "-f", heat("life")).output.strip()
    assert avsctl("tasks", "disable", task).output == f"{task} disabled\n"
    assert "FAILED_PRECONDITION" in avsctl("tasks", "trigger", task, code=REFUSED).notes
    assert avsctl("tasks", "enable", task).output == f"{task} enabled\n"
    run = avsctl("tasks", "trigger", task, "--data", '{"degrees": 40}', "--wait").lines
    assert run[0].endswith(" success") and run[2].split() == ["STEP", "KIND", "STATE", "TOOK", "RESULT"]
    assert avsctl("executions", "status", task, run[0].split()[0]).output == "success\n"
    shown = avsctl("executions", "show", task, run[0].split()[0]).output
    assert '{"degrees":40}' in shown and "n1.hot" in shown
    assert avsctl("tasks", "cancel", task).output == f"{task} cancelled\n"
    assert "current status: Canceled" in avsctl("tasks", "cancel", task, code=REFUSED).notes
    assert avsctl("tasks", "delete", task).output == f"{task} deleted\n"
    assert "hint: `avsctl tasks list`" in avsctl("tasks", "get", task, code=REFUSED).notes


def test_secrets_are_kept_and_never_shown(avsctl):
    """issue 4, item 9"""
    assert avsctl("secrets", "set", "token", text="hush\n").output == "token created\n"
    assert avsctl("secrets", "set", "token", text="hush hush\n").output == "token updated\n"
    listed = avsctl("secrets", "list").output + avsctl("secrets", "list", "--json").output
    assert "token" in listed and "hush" not in listed
    assert avsctl("secrets", "delete", "token").output == "token deleted\n"
    avsctl("secrets", "delete", "token", code=REFUSED)
    avsctl("secrets", "set", "ap_token", text="x", code=USAGE)


def test_wallets_are_derived_hidden_and_shown(avsctl):
    """issue 4, item 9"""
    assert [wallet["salt"] for wallet in objects(avsctl("wallets", "list", "--json"))] == ["0"]
    wallet = objects(avsctl("wallets", "get", "--salt", "7", "--json"))[0]
    assert avsctl("wallets", "hide", "--salt", "7").lines[1].split() == [wallet["address"], "7", "hidden"]
    assert avsctl("wallets", "unhide", "--salt", "7").lines[1].split() == [wallet["address"], "7", "shown"]
    assert avsctl("wallets", "nonce", wallet["address"]).output == "0\n"
    poor = avsctl("wallets", "withdraw", wallet["address"], "--to", wallet["address"], "--amount", "5", code=REFUSED)
    assert "insufficient balance" in poor.notes
    avsctl("wallets", "hide", "--salt", "8", code=REFUSED)


def test_trials_prices_and_tokens(avsctl, heat, chain):
    """issue 4, item 9"""
    steps = avsctl("tasks", "simulate", "-f", heat("trial"))
    assert "n1.hot" in steps.output and "there are no tasks" in avsctl("tasks", "list").notes
    estimate = objects(avsctl("fees", "estimate", "-f", heat("trial"), "--json"))[0]
    assert estimate["executionFee"] == {"amount": "0.020000", "unit": "USD"} and estimate["chainId"] == str(chain.id)
    contract = chain.contract("token").functions
    token = objects(avsctl("token", "metadata", chain.address("token"), "--json"))[0]
    assert (token["symbol"], token["decimals"]) == (contract.symbol().call(), contract.decimals().call())
    avsctl("token", "metadata", "0x" + "11" * 20, code=REFUSED)


def test_a_token_that_is_not_accepted_and_a_server_that_is_away(avsctl, tmp_path):
    """The exit code says which, and a hint what to do."""
    file = tmp_path / "config" / "avsctl" / "token"
    kept = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(kept | {"token": kept["token"][:-4] + "AAAA"}), encoding="utf-8")
    refused = avsctl("wallets", "list", code=CONFIGURATION)
    assert "UNAUTHENTICATED" in refused.notes and "hint: log in with `avsctl login`" in refused.notes
    file.write_text(json.dumps(kept | {"server": "127.0.0.1:9"}), encoding="utf-8")
    away = avsctl("wallets", "list", "--server", "127.0.0.1:9", code=UNAVAILABLE)
    assert "UNAVAILABLE" in away.notes and "--server or AVSCTL_SERVER" in away.notes
    avsctl("logout")
    avsctl("whoami", code=CONFIGURATION)
