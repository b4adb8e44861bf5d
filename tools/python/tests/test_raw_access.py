"""ADM-2: nobody writes keys and values of the database by hand; what avsctl changes it changes by typed verbs, and only
while no aggregator has the files."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest
from avs_testbed import tasks
from avs_testbed.processes import inspector
from avs_testbed.users import User

USAGE, LATER = 64, 75
# Every verb that there is: a new one has to be named here, and so be thought about.
READING = {"ls", "get", "stat", "diff", "check"}
CHANGING = {"recover", "accept-rollback", "backfill-wallet-salt-index"}


def avsctl(*words: str, text: str = "") -> subprocess.CompletedProcess:
    if (tool := inspector()) is None:
        pytest.skip("avsctl is not built")
    return subprocess.run([str(tool), *words], input=text, capture_output=True, text=True, timeout=60)


def content(folder: Path) -> dict[str, str]:
    """Every file of the database, but for the library's own log."""
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith("LOG")}


@pytest.fixture(scope="module")
def used(new_aggregator):
    """An aggregator, not running, with a task of a user."""
    aggregator = new_aggregator()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        user.create(tasks.task(user.wallet().address, tasks.block()))
    assert aggregator.stop() == 0
    return aggregator


def test_the_verbs_are_these():
    """ADM-2"""
    listed = avsctl("store", "--help").stdout.split("SUBCOMMANDS:\n")[1]
    assert set(re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)) == READING | CHANGING


@pytest.mark.parametrize("verb", ["set", "put", "rm", "del", "delete", "write", "raw", "exec", "repl", "shell", "import"])
@pytest.mark.parametrize("flags", [(), ("--unsafe-raw",)])
def test_there_is_no_verb_for_raw_rows(used, verb, flags):
    """ADM-2: neither under a name that one would try, nor with the flag that would allow it."""
    database = used.folder / "db"
    key = avsctl("store", "ls", "t:", "--db", str(database)).stdout.splitlines()[0]
    before = content(database)
    for words in (("store", verb), (verb,)):
        ended = avsctl(*words, key, "forged", "--db", str(database), *flags)
        assert ended.returncode == USAGE and not ended.stdout, ended
    assert content(database) == before


@pytest.mark.parametrize("words", [(), ("store",)])
def test_there_is_no_prompt(used, words):
    """ADM-2: what comes in on standard input is no command; the reference took `set`, `rm` and `backup` there."""
    database = used.folder / "db"
    before = content(database)
    ended = avsctl(*words, text=f"use {database}\nset t:a:x forged\nrm t:*\nbackup /nowhere\n")
    assert "USAGE" in ended.stdout + ended.stderr and "forged" not in ended.stdout + ended.stderr
    assert content(database) == before


@pytest.mark.parametrize("words", [
    ("store", "check", "--repair", "--yes"), ("store", "recover", "--accept-loss", "0"),
    ("store", "accept-rollback", "--yes"),
])
def test_what_changes_rows_waits_until_nobody_else_does(used, words):
    """ADM-2: of a database that an aggregator serves, nothing is changed behind its back."""
    used.start()
    try:
        with used.channel() as channel:
            user = User(channel).sign_in()
            before = avsctl("store", "ls", "t:", "--config", str(used.folder / "aggregator.yaml")).stdout
            ended = avsctl(*words, "--config", str(used.folder / "aggregator.yaml"))
            # Where there is nothing to repair, looking is all that was done.
            assert ended.returncode in (LATER, USAGE) or words[1] == "check", ended
            after = avsctl("store", "ls", "t:", "--config", str(used.folder / "aggregator.yaml")).stdout
            assert before and before == after
            assert user.wallet().address, "it serves as before"
    finally:
        assert used.stop() == 0
    assert os.path.isdir(used.folder / "db")
