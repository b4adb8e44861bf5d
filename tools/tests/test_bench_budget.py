"""tools/bench: what a small call may cost, and how that is judged."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCH = Path(__file__).resolve().parents[1] / "packages" / "bench"
sys.path.insert(0, str(BENCH / "driver"))

measures = pytest.importorskip("measures")
SERVER = BENCH / "ours" / ".build" / "release" / "bench-server"


def result(microseconds: float, failed: int = 0) -> SimpleNamespace:
    """What one run of the load generator says."""
    return SimpleNamespace(cpu_microseconds=microseconds, calls=1_000, seconds=1.0, failed=failed)


def judged(ours: list[float], c: list[float], failed: int = 0) -> dict[str, measures.Row]:
    runs = {"ours": [result(value, failed) for value in ours], "c": [result(value) for value in c]}
    report = measures.Report()
    measures.unary(report, SimpleNamespace(each=lambda measure: runs))
    return {row.measure.strip(): row for row in report.rows}


@pytest.mark.parametrize(
    ("ours", "holds"), [([6.0, 1.0, 9.0], True), ([6.1, 6.1, 1.0], False), ([5.9], True)])
def test_a_small_call_costs_at_most_six_microseconds(ours, holds):
    """SP-1: the budget is 6 us of processor time, of the median run."""
    row = judged(ours, [2.0])["CPU per small unary call, ours"]
    assert (row.target, row.unit, row.holds) == ("<= 6", "us", holds)


def test_the_cost_is_told_beside_the_librarys_own():
    """SP-1: what is above the C echo on the same library is ours."""
    rows = judged([5.0, 5.0, 8.0], [2.0, 2.5, 1.0])
    assert rows["CPU per small unary call, c"].value == 2.0
    assert rows["times the plain C echo"].value == 2.5


def test_a_run_with_failed_calls_does_not_hold():
    """SP-1: a cheap answer that is a failure is none."""
    assert not judged([1.0], [2.0], failed=1)["calls that failed"].holds


@pytest.mark.skipif(
    not SERVER.exists() or shutil.which("h2load") is None, reason="tools/bench has not built its server here")
def test_the_budget_is_kept():
    """SP-1, measured: a small call through a full asynchronous handler with protobuf."""
    load, servers = measures.load, measures.servers
    with servers.Server("ours", [str(SERVER), "--port", "0"]) as server:
        load.call(server, "Unary", measures.SMALL, 20_000, 10, 100)
        runs = [load.call(server, "Unary", measures.SMALL, 100_000, 10, 100) for _ in range(5)]
    assert all(run.failed == 0 for run in runs)
    assert sorted(run.cpu_microseconds for run in runs)[2] <= 6
