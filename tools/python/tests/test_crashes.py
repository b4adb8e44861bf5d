"""The process is killed while it works; see tools/test-crash."""

import subprocess

import pytest
from avs_testbed.intake_crash import IntakeCrash
from avs_testbed.stubs import ROOT

TOOL = ROOT / "tools" / "test-crash"


@pytest.mark.timeout(900)
def test_twenty_kills_lose_no_trigger_and_repeat_none(new_aggregator):
    """XO-1, XO-2, API-10.3.28, API-10.4.26: the seed is that of the moments of the kills."""
    report = IntakeCrash(new_aggregator(**IntakeCrash.SETTINGS), cycles=20, seed=20).run()
    assert report.is_clean, str(report)
    assert report.kills == 20 and report.executions == report.occurrences > 20


def test_the_tool_explains_itself():
    answer = subprocess.run([TOOL, "--help"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0 and "intake" in answer.stdout
    for wrong in ([], ["nothing"], ["intake", "--cycles", "0"]):
        assert subprocess.run([TOOL, *wrong], capture_output=True, timeout=60).returncode == 2
