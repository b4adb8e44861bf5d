"""The README's walk-through with avsctl: each command is run, and prints what is shown."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from avs_testbed.processes import inspector
from avs_testbed.stubs import ROOT

COMMAND_SECONDS = 60

ULID = r"\b0[0-9a-hjkmnp-tv-z]{25}\b"
ADDRESS = r"\b0x[0-9a-fA-F]{40}\b"
NAMES = re.compile(f"{ULID}|{ADDRESS}")
"""What a run makes up: the first that the README shows stands for the first that is printed, and so on."""

VARIABLES = [
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "<server>"),
    (re.compile(r"\b\d+ ms\b"), "<ms>"),
    (re.compile(r" {2,}"), "  "),  # columns are as wide as what is in them
]
"""What differs between two runs and stands for nothing else."""


def section() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split("\n## From the command line\n")[1].split("\n## ")[0]


def fenced(kind: str) -> str:
    """The one fenced block of a kind."""
    blocks = re.findall(rf"^```{kind}\n(.*?)^```$", section(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 1, kind
    return blocks[0]


def commands() -> list[tuple[str, str]]:
    """Each command with what it is said to print."""
    parts = re.split(r"^\$ (.*)\n", fenced("console"), flags=re.MULTILINE)
    assert parts[0] == ""
    return list(zip(parts[1::2], parts[2::2]))


def normalised(text: str) -> str:
    for pattern, name in VARIABLES:
        text = pattern.sub(name, text)
    return text


class Names:
    """Which id or address of this run stands for which of the README's."""

    def __init__(self):
        self.actual: dict[str, str] = {}

    def bind(self, shown: str, printed: str) -> None:
        for one, other in zip(NAMES.findall(shown), NAMES.findall(printed)):
            self.actual.setdefault(one, other)

    def translate(self, text: str) -> str:
        return NAMES.sub(lambda match: self.actual.get(match[0], match[0]), text)


def test_the_walk_through_prints_what_the_readme_shows(aggregator, tmp_path: Path):
    """issue 4, done when 5"""
    avsctl = inspector()
    if avsctl is None:
        pytest.skip("avsctl is not built")
    (tmp_path / "heat.json").write_text(fenced("json"), encoding="utf-8")
    environment = {
        "PATH": f"{avsctl.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "AVSCTL_SERVER": aggregator.target}
    names = Names()
    verbs = []
    for command, shown in commands():
        ended = subprocess.run(
            ["bash", "-c", names.translate(command)], cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=COMMAND_SECONDS)
        assert ended.returncode == 0, f"{command}: {ended.stderr}"
        names.bind(shown, ended.stdout)
        assert normalised(ended.stdout) == normalised(names.translate(shown)), command
        verbs.append(" ".join(command.split()[1:3]))
    assert {"login --key-file", "tasks create", "tasks list", "executions list", "executions show"} <= set(verbs)
    assert (tmp_path / ".config" / "avsctl").stat().st_mode & 0o077 == 0
