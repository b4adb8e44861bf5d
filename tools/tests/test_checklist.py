"""tools/checklist: which ids a test's name covers, and whether the committed lists are the specification's."""

import importlib.machinery
import importlib.util
import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[1] / "checklist"
SPEC = TOOL.parents[2] / "shared" / "spec"


def load():
    loader = importlib.machinery.SourceFileLoader("checklist", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("checklist", loader))
    loader.exec_module(module)
    return module


checklist = load()


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("spends the last execution (DUR-3)", {"DUR-3"}),
        ("DUR-14a heals one refusal", {"DUR-14a"}),
        ("DUR-1…DUR-3", {"DUR-1", "DUR-2", "DUR-3"}),
        ("DUR-1…3", {"DUR-1", "DUR-2", "DUR-3"}),
        ("DUR-1/3", {"DUR-1", "DUR-3"}),
        ("EE-W3/W5 and EE-NL2", {"EE-W3", "EE-W5", "EE-NL2"}),
        ("EE-W3, W5", {"EE-W3", "EE-W5"}),
        ("API-10.3.7", {"API-10.3.7"}),
        ("API-10.3.7..9", {"API-10.3.7", "API-10.3.8", "API-10.3.9"}),
        ("EE-10.18.2", {"EE-10.18.2"}),
        ("EE-5.6.3: every row", {"EE-5.6.3"}),
        ("DUR-1, 3 times in a row", {"DUR-1"}),
        ("DUR-1, DUR-4", {"DUR-1", "DUR-4"}),
        ("XXO-9b1 and pre-XO-9", set()),
        ("XO-1 is not inside", {"XO-1"}),
    ],
)
def test_a_name_covers_its_ids(name, ids):
    assert checklist.ids_in(name) == ids


def test_a_section_is_no_row():
    """A test may name one for a reader's sake; only what could be a row that is misspelt is reported."""
    assert [name for name in ("EE-5.5.3", "EE-9", "EE-W99", "EE-10.18.99", "API-10.3.99") if checklist.is_row(name)] \
        == ["EE-W99", "EE-10.18.99", "API-10.3.99"]


def test_one_id_is_not_another():
    assert "XO-1" not in checklist.ids_in("XO-15 resumes")
    assert "API-10.3.1" not in checklist.ids_in("API-10.3.17")


def test_swift_names_are_those_of_tests():
    source = '''
    /// DUR-9 is only a comment.
    @Suite("Commits (DUR-1)") struct Commits {
        @Test("is durable, XO-4", arguments: ["EE-W1"]) func durable() { #expect(x == "DUR-8") }
        @Test func `keeps DUR-7`() {}
    }
    '''
    found = set().union(*(checklist.ids_in(name) for name in checklist.swift_names(source)))
    assert found == {"DUR-1", "XO-4", "EE-W1", "DUR-7"}


def test_python_names_are_names_and_docstrings():
    source = 'def test_API_10_3_7_page():\n    """EE-W2 too"""\ndef helper():\n    """DUR-1"""\n'
    found = set().union(*(checklist.ids_in(name) for name in checklist.python_names(source)))
    assert found == {"API-10.3.7", "EE-W2"}


def test_only_what_the_specification_leaves_to_us_may_be_left_out(tmp_path):
    (tmp_path / "grpc-runtime.md").write_text(
        "## 1. A\n- **AA-1** (must) one\n- **AA-2** (may) two\n- **AA-3** three, which may come later (may)\n"
        "## 2. B (optional)\n- **BB-1** four\n## 3. C\n- **CC-1** five\n| ATT-1 | six | x |\n")
    assert checklist.transport_rows(tmp_path) == {
        "AA-1": "one", "AA-2": "(may) two", "AA-3": "three, which may come later (may)", "BB-1": "(may) four",
        "CC-1": "five", "ATT-1": "six"}


def test_what_may_be_left_out_is_said_and_not_counted(monkeypatch, capsys):
    rows = {"AA-1": "one", "AA-2": "(may) two", "AA-3": "(may) three"}
    monkeypatch.setattr(checklist, "read_list", lambda name: rows if name == "transport" else {})
    monkeypatch.setattr(checklist, "tested", lambda: {"AA-1": {"a.swift"}, "AA-3": {"a.swift"}})
    assert checklist.report(["transport"], False) == 0
    output = capsys.readouterr()
    assert output.out == "AA-2 may, not built: two\n"
    assert "2 of 3 rows have a test; 1 that may be, and is not built" in output.err
    monkeypatch.setattr(checklist, "tested", lambda: {"AA-3": {"a.swift"}})
    assert checklist.report(["transport"], False) == 1
    assert capsys.readouterr().out == "AA-1 one\nAA-2 may, not built: two\n"


def test_lists_have_no_row_twice():
    for name in checklist.NAMES:
        lines = (checklist.LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert len(lines) == len(checklist.read_list(name)) > 0


@pytest.mark.skipif(not SPEC.is_dir(), reason="the specification is not beside this checkout")
def test_lists_are_those_of_the_specification():
    run = subprocess.run([TOOL, "--compare"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
