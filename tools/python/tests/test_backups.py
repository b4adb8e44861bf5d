"""Backups of a running aggregator, what is restored from them, and the check of a database: through the programs."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request

import pytest
from avs_testbed import tasks
from avs_testbed.processes import STOP_SECONDS, inspector
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until

EVERY_MINUTE = {"backup": {"enabled": True, "interval_minutes": 1, "keep": 2}}


def avsctl(*arguments: str) -> tuple[int, str, str]:
    """Runs avsctl: (exit status, stdout, stderr)."""
    if (tool := inspector()) is None:
        pytest.skip("avsctl is not built")
    answer = subprocess.run([str(tool), *arguments], capture_output=True, text=True, timeout=STOP_SECONDS)
    return answer.returncode, answer.stdout, answer.stderr


def lines(*arguments: str) -> list[dict]:
    status, text, notes = avsctl(*arguments, "--json")
    assert status == 0, notes
    return [json.loads(line) for line in text.splitlines()]


def metrics(aggregator) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{aggregator.http_port}/metrics", timeout=10) as answer:
        rows = [line.split() for line in answer.read().decode().splitlines() if line.startswith("avs_backup")]
    return {name: float(value) for name, value in rows}


def with_a_task(aggregator) -> tuple[User, str]:
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        task = user.create(tasks.task(user.wallet().address, tasks.block()))
        user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="api_key", secret="hunter2-canary"))
        return user, task


@pytest.fixture(scope="module")
def backed_up(new_aggregator):
    """A stopped aggregator with a task, a secret, and one proven backup of both: (aggregator, user, task)."""
    aggregator = new_aggregator()
    aggregator.start()
    user, task = with_a_task(aggregator)
    assert aggregator.stop() == 0
    aggregator.settings |= EVERY_MINUTE
    aggregator.configure()
    aggregator.start()
    until(lambda: metrics(aggregator).get("avs_backups_proven_total") == 1, what="the first backup")
    assert metrics(aggregator)["avs_backup_age_seconds"] < 60
    assert aggregator.stop() == 0
    return aggregator, user, task


def test_a_backup_is_made_proven_and_private(backed_up):
    """API-10.8.11, BAK-4, BAK-5: a file exists after a backup; nobody else may look; what is secret in it is sealed."""
    aggregator, _, _ = backed_up
    folder = aggregator.folder / "backups"
    assert folder.stat().st_mode & 0o777 == 0o700
    found = lines("backup", "list", "--config", str(aggregator.folder / "aggregator.yaml"))
    assert [row["id"] for row in found] == [1] and found[0]["is_proven"] and int(found[0]["commit"]) > 0
    root_key = (aggregator.folder / "keys" / "root_key").read_text().strip()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"hunter2-canary" not in content and root_key.encode() not in content
            assert bytes.fromhex(root_key) not in content
    [verified] = lines("backup", "verify", "--dir", str(folder))
    assert verified["id"] == 1 and verified["rows"] > 5


def test_what_is_restored_serves_again(backed_up, new_aggregator):
    """DUR-16, BAK-4, D3: never over a database, not without a person's word, and then with everything in it."""
    aggregator, user, task = backed_up
    config = str(aggregator.folder / "aggregator.yaml")
    status, _, notes = avsctl("backup", "restore", "--config", config, "--to", str(aggregator.folder / "db"))
    assert status == 78 and "not empty" in notes
    place = aggregator.folder / "restored"
    status, _, notes = avsctl("backup", "restore", "--config", config, "--to", str(place))
    assert status == 0 and "keys are not in a backup: 1 secrets need root key" in notes and "accept-rollback" in notes

    path = aggregator.folder / "aggregator.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"db_path": str(place)}))
    refused = subprocess.run(aggregator.command(), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 65 and "commit mark" in refused.stderr
    status, text, notes = avsctl("store", "accept-rollback", "--config", config)
    assert status == 65 and "unknown" in text and "--yes" in notes
    assert subprocess.run(aggregator.command(), capture_output=True, timeout=60).returncode == 65, "nothing was accepted"
    status, _, notes = avsctl("store", "accept-rollback", "--config", config, "--yes")
    assert status == 0, notes
    assert any("meta:rollback:" in row["key"] for row in lines("store", "ls", "meta:", "--config", config))

    aggregator.start()
    [act] = lines("audit", "list", "--config", config)
    assert act["action"] == "store.accept-rollback" and act["origin"] == "avsctl" and act["object"].startswith("commit ")
    assert avsctl("audit", "verify", "--config", config)[0] == 0
    with aggregator.channel() as channel:
        again = User(channel, user.account).sign_in()
        assert again.task(task).id == task
        assert [item.name for item in again.call("ListSecrets", avs.ListSecretsReq()).items] == ["api_key"]
    assert aggregator.stop() == 0
    status, text, notes = avsctl("store", "check", "--config", config)
    assert (status, text) == (0, "") and "1 secrets opened" in notes


def test_a_damaged_backup_is_not_restored(backed_up):
    """BAK-3: the library's own check looks at sizes only; ours reads."""
    aggregator, _, _ = backed_up
    copy = aggregator.folder / "damaged"
    shutil.copytree(aggregator.folder / "backups", copy)
    copy.chmod(0o700)
    table = max(copy.rglob("*.sst"), key=lambda path: path.stat().st_size)
    content = bytearray(table.read_bytes())
    content[len(content) // 3] ^= 1
    table.write_bytes(content)
    assert avsctl("backup", "verify", "--dir", str(copy))[0] == 65
    assert not lines("backup", "list", "--dir", str(copy))[0]["is_proven"]
    status, _, notes = avsctl("backup", "restore", "--dir", str(copy), "--to", str(aggregator.folder / "nothing"))
    assert status == 1 and "no backup is proven" in notes
    status, _, _ = avsctl("backup", "restore", "1", "--dir", str(copy), "--to", str(aggregator.folder / "nothing"))
    assert status == 65 and not (aggregator.folder / "nothing").exists()


def test_names_that_lead_nowhere_are_said(tmp_path):
    """A wrong directory is no empty list, and a list makes no directory."""
    status, _, notes = avsctl("backup", "list", "--dir", str(tmp_path / "none"))
    assert status == 1 and "no backups at" in notes and not (tmp_path / "none").exists()
    assert avsctl("backup", "list")[0] == 64
    (tmp_path / "meta").mkdir()
    assert avsctl("backup", "verify", "7", "--dir", str(tmp_path))[0] in (1, 78)


def is_proven(folder) -> bool:
    note = folder / "AVS-BACKUP-1"
    return note.exists() and '"proof"' in note.read_text()


def test_kills_while_backups_are_made_leave_only_good_ones(new_aggregator):
    """P7: every backup that was called proven restores, wherever the process was killed."""
    aggregator = new_aggregator(**EVERY_MINUTE)
    aggregator.start()
    with_a_task(aggregator)
    until(lambda: metrics(aggregator).get("avs_backups_proven_total") == 1, what="the first backup")
    folder = aggregator.folder / "backups"
    for delay in range(4):
        aggregator.kill()
        shutil.rmtree(folder)
        aggregator.launch()
        # The first backup begins with the service; it is killed at another point of it each time, or after it.
        until(lambda: (folder / ("meta", "private", "AVS-BACKUP-1", "AVS-PROOF")[delay]).exists()
              or is_proven(folder), what="its beginning")
        aggregator.kill()
        records = lines("backup", "list", "--dir", str(folder)) if (folder / "meta").is_dir() else []
        for record in records:
            verified = avsctl("backup", "verify", str(record["id"]), "--dir", str(folder))
            assert verified[0] == 0, verified
    aggregator.start()
    assert aggregator.stop() == 0
    assert aggregator.findings() == []


def test_the_end_of_the_service_does_not_wait_for_the_next_backup(new_aggregator):
    """API-10.8.11: stop."""
    aggregator = new_aggregator(**EVERY_MINUTE)
    aggregator.launch()
    aggregator.wait_until_serving()
    aggregator.process.send_signal(signal.SIGTERM)
    assert aggregator.process.wait(STOP_SECONDS) == 0
    for record in (lines("backup", "list", "--dir", str(aggregator.folder / "backups"))
                   if (aggregator.folder / "backups" / "meta").is_dir() else []):
        assert avsctl("backup", "verify", str(record["id"]), "--dir", str(aggregator.folder / "backups"))[0] == 0


def test_a_check_reports_as_json_and_writes_nothing(backed_up):
    """I1…I14 of a healthy database: no finding; the summary says what was looked at."""
    aggregator, _, _ = backed_up
    database = aggregator.folder / "db"
    before = {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in database.iterdir()}
    [summary] = lines("store", "check", "--db", str(database), "--repair")
    assert summary["summary"]["findings"] == 0 and summary["summary"]["by_rule"] == {}
    assert summary["summary"]["rows"] > 5 and summary["summary"]["secrets_opened"] == 0
    assert {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in database.iterdir()} == before
    [opened] = lines("store", "check", "--db", str(database), "--keys-dir", str(aggregator.folder / "keys"))
    assert opened["summary"]["secrets_opened"] == 1


def test_a_secret_under_another_key_is_found(backed_up, tmp_path):
    """KMS-1, KMS-2"""
    aggregator, _, _ = backed_up
    (tmp_path / "keys").mkdir(mode=0o700)
    key = tmp_path / "keys" / "root_key"
    key.write_text("ab" * 32 + "\n")
    key.chmod(0o600)
    status, text, _ = avsctl(
        "store", "check", "--db", str(aggregator.folder / "db"), "--keys-dir", str(tmp_path / "keys"))
    assert status == 65 and text.startswith("KMS-1\tsecret:_:") and "is missing" in text and "canary" not in text
    assert os.listdir(tmp_path / "keys") == ["root_key"]
