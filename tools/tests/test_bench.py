"""tools/bench: how servers take turns, and what of their answers is reported (SP-11)."""

import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "packages" / "bench" / "driver"))

import measures  # noqa: E402


def rotation(names: list[str], rounds: int) -> tuple[list[str], dict]:
    turns: list[str] = []

    def measure(server, scale):
        turns.append(server.name if scale == 1 else f"warm {server.name}")
        return len(turns)

    running = {name: SimpleNamespace(name=name) for name in names}
    return turns, measures.Rotation(running, rounds).each(measure)


def test_the_runs_of_what_is_compared_are_interleaved():
    """SP-11: each round every server has its turn, another one first."""
    turns, results = rotation(["a", "b", "c"], 5)
    assert turns[:3] == ["warm a", "warm b", "warm c"]
    rounds = [turns[3 + 3 * number:6 + 3 * number] for number in range(5)]
    assert all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert [names[0] for names in rounds] == ["a", "b", "c", "a", "b"]
    assert {name: len(each) for name, each in results.items()} == {"a": 5, "b": 5, "c": 5}


def test_a_row_holds_when_its_target_is_met_and_says_so():
    report = measures.Report()
    report.add("low enough", 5, "us", at_most=6)
    report.add("too low", 3, "x", at_least=4)
    report.add("informs", 1, "us")
    assert [row.holds for row in report.rows] == [True, False, True]
    assert [row.target for row in report.rows] == ["<= 6", ">= 4", None]
    assert [set(row) for row in report.json["rows"]] == [{"measure", "value", "unit", "target", "holds"}] * 3
    assert "MISSED" in report.text.splitlines()[2]
