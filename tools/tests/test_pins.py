"""tools/pins (SUP-1): the list is compared with what was resolved."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def load():
    loader = importlib.machinery.SourceFileLoader("pins", str(ROOT / "tools" / "pins"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("pins", loader))
    sys.modules["pins"] = module
    loader.exec_module(module)
    return module


pins = load()
OURS = pins.reviewed("# a comment\na 1.0.0\nb 1.0.0\nc 1.0.0\nt 3.0.0 tools\n")


def test_every_difference_is_named():
    """SUP-1"""
    assert pins.differences(OURS, {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0"}, of_product=True) == []
    theirs = {"a": "1.0.0", "b": "1.0.1", "d": "2.0.0", "t": "3.0.0"}
    assert pins.differences(OURS, theirs, of_product=True) == [
        "b: reviewed 1.0.0, resolved 1.0.1", "c: reviewed 1.0.0, resolved not at all",
        "d: reviewed not at all, resolved 2.0.0", "t: reviewed not at all, resolved 3.0.0"]


def test_a_tool_may_use_what_is_listed_and_nothing_else():
    """SUP-1"""
    assert pins.differences(OURS, {"a": "1.0.0", "t": "3.0.0"}, of_product=False) == []
    assert pins.differences(OURS, {"a": "1.1.0", "d": "2.0.0", "t": "3.0.1"}, of_product=False) == [
        "a: reviewed 1.0.0, resolved 1.1.0", "d: reviewed not at all, resolved 2.0.0",
        "t: reviewed 3.0.0, resolved 3.0.1"]


def test_the_list_made_anew_keeps_what_was_not_built_here():
    text = pins.written(OURS, {"a": "1.0.0"}, [{"a": "1.0.0", "u": "4.0.0"}])
    assert text == pins.HEADER + "a 1.0.0\nt 3.0.0 tools\nu 4.0.0 tools\n"


def test_the_list_names_exact_versions():
    listed = pins.reviewed(pins.LIST.read_text(encoding="utf-8"))
    assert listed
    assert all(entry.version.count(".") == 2 for entry in listed.values())


def test_packages_under_tools_name_exact_versions():
    """SUP-1: a range in one of their files would let the list decide nothing."""
    for file in (ROOT / "tools" / "packages").glob("**/Package.swift"):
        if not any(part.startswith(".") for part in file.parts):
            lines = [line for line in file.read_text(encoding="utf-8").splitlines() if ".package(url:" in line]
            assert all(" exact: " in line for line in lines), file


def test_packages_that_build_on_the_product_have_folder_names_of_their_own():
    """SwiftPM knows packages on disk by their folders' names: one called `interop` has no product in a checkout that is
    called so too."""
    for file in (ROOT / "tools" / "packages").glob("**/Package.swift"):
        if not any(part.startswith(".") for part in file.parts) and "avs-aggregator" in file.read_text(encoding="utf-8"):
            assert file.parent.name.startswith("avs-"), file
