"""tools/bench store: which databases it takes, and what it holds against what. It needs the environment of tools/setup."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("grpc")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "packages" / "bench" / "driver"))

import measures  # noqa: E402
import store  # noqa: E402


@pytest.fixture
def generator(tmp_path) -> Path:
    """Writes down what it was told, and answers as the real one does."""
    program = tmp_path / "generator"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\necho \'{{"sample": [], "singles": []}}\'\n')
    program.chmod(0o700)
    return program


def calls(generator: Path) -> list[list[str]]:
    return [line.split() for line in (generator.parent / "calls").read_text().splitlines()]


def test_a_kept_database_is_used_again_only_if_it_is_what_would_be_made(generator, tmp_path):
    folder = tmp_path / "full"
    first = store.fill(generator, folder, 0.5, True)
    assert first == store.fill(generator, folder, 0.5, True) and len(calls(generator)) == 1
    command = calls(generator)[0]
    assert command[command.index("--tasks") + 1] == "500000" and command[command.index("--owners") + 1] == "5000"
    assert command.count("--single") == len(store.SINGLES)
    (folder / "db").mkdir()
    store.fill(generator, folder, 0.25, True)
    assert len(calls(generator)) == 2 and not (folder / "db").exists(), "of another size"
    note = folder / "content.json"
    note.write_text(note.read_text().replace(f'"format": {store.FORMAT}', '"format": 1'))
    store.fill(generator, folder, 0.25, True)
    assert len(calls(generator)) == 3, "of another format"


def test_a_filling_that_fails_leaves_nothing_that_would_be_used(generator, tmp_path):
    generator.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(Exception):
        store.fill(generator, tmp_path / "full", 1, False)
    assert not (tmp_path / "full" / "content.json").exists()


def test_the_largest_owner_is_held_against_the_middle_one():
    report, first = measures.Report(), {}
    for count, value in zip(store.SINGLES, (100, 400, 900), strict=True):
        store.compared(report, first, count, "pages", "a page, owner with", value)
    assert [row.value for row in report.rows] == [100, 400, 900, 2.25]
    assert [row.holds for row in report.rows] == [True, True, True, False]
    assert report.rows[-1].measure == "a page, owner with 100,000 beside 1,000" and report.rows[-1].target == "<= 2"
