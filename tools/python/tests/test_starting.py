"""How the program starts, and how it says why it does not."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def stopped(new_aggregator):
    """An aggregator with a configuration and nothing else."""
    return new_aggregator()


def outcome(command: list[str]) -> tuple[int, str, str]:
    """Runs a program that ends by itself: (exit status, stdout, stderr)."""
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return answer.returncode, answer.stdout, answer.stderr


def test_a_first_start_has_to_be_wanted(stopped):
    """design 9: without --init an absent database is a mistake in the configuration, not a new one."""
    status, _, text = outcome(stopped.command())
    assert status == 78 and "db" in text and "--init" in text
    assert not (stopped.folder / "db").exists()


def test_a_database_is_not_made_anew_nor_opened_twice(stopped):
    """design 9; exit codes 78 and 75"""
    stopped.start()
    status, _, text = outcome(stopped.command())
    assert status == 75 and "lock" in text.lower()
    assert stopped.stop() == 0
    status, _, text = outcome(stopped.command("--init"))
    assert status == 78 and str(stopped.folder / "db") in text
    stopped.start()
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.process.wait(60) == 0


def test_the_database_is_one_column_family(stopped):
    """KEY-1: what RocksDB itself notes about the database that a start has made."""
    stopped.start()
    assert stopped.stop() == 0
    notes = sorted((stopped.folder / "db").rglob("OPTIONS-*"))
    assert notes
    assert re.findall(r'\[CFOptions "(.*?)"\]', notes[-1].read_text()) == ["default"]


@pytest.mark.parametrize("change, words", [
    ({"operator_atuh": "off"}, ["operator_atuh", "operator_auth"]),
    ({"rpc_bind_address": "nowhere"}, ["rpc_bind_address", "nowhere"]),
    ({"limits": {"queued_per_task": 0}}, ["queued_per_task"]), ({"chains": []}, ["chains"]),
    ({"chains": [{"id": 5, "rpc_urls": ["http://127.0.0.1:1"]}]}, ["chain 5"]),
])
def test_a_mistake_in_the_configuration_is_named(stopped, change, words):
    """HRD-5: and nothing is made."""
    path = stopped.folder / "aggregator.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | change, indent=2))
    status, _, text = outcome(stopped.command("--init"))
    assert status in (75, 78) and all(word in text for word in words), (status, text)


def test_a_chain_with_another_id_is_refused(stopped, chain):
    """aggregator-api 9.6: acting on the wrong chain is worse than not starting."""
    path = stopped.folder / "aggregator.yaml"
    configuration = json.loads(path.read_text())
    configuration["chains"][0]["id"] = chain.id + 1
    path.write_text(json.dumps(configuration))
    status, _, text = outcome(stopped.command("--init"))
    assert status == 78 and str(chain.id) in text and str(chain.id + 1) in text


def test_what_is_in_effect_is_printed_without_secrets(stopped):
    """design 9"""
    path = stopped.folder / "aggregator.yaml"
    secret = "0123456789abcdef" * 4
    path.write_text(json.dumps(json.loads(path.read_text()) | {"jwt_secret": secret}))
    status, text, _ = outcome(stopped.command("--print-config"))
    assert status == 0 and "queued_per_task: 100" in text and secret not in text
    assert not (stopped.folder / "db").exists()


def test_the_process_keeps_to_itself(new_aggregator):
    """HRD-1, HRD-2: its files are its own; in production its memory is not dumped; it may open what the system allows."""
    aggregator = new_aggregator(
        environment="production", jwt_secret="0123456789abcdef" * 4, script={"require_sandbox": False}, fetch={},
        log={"level": "info", "format": "json"})
    (aggregator.folder / "aggregator.yaml").chmod(0o600)
    aggregator.start()
    process = Path(f"/proc/{aggregator.process.pid}")
    assert "Umask:\t0077" in (process / "status").read_text()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in (process / "limits").read_text().splitlines()}
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max open files"][0] == limits["Max open files"][1]
    for path in (aggregator.folder / "db").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert aggregator.stop() == 0, aggregator.last_log()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_has_to_insist(stopped):
    """design 9"""
    status, _, text = outcome([flag for flag in stopped.command("--init") if flag != "--allow-root"])
    assert status == 64 and "--allow-root" in text
