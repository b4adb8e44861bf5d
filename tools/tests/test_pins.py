"""tools/pins (SUP-1): the list is compared with what was resolved."""

import importlib.machinery
import importlib.util
from pathlib import Path

TOOL = Path(__file__).resolve().parents[1] / "pins"


def load():
    loader = importlib.machinery.SourceFileLoader("pins", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("pins", loader))
    loader.exec_module(module)
    return module


pins = load()


def test_every_difference_is_named():
    """SUP-1"""
    ours, theirs = {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0"}, {"a": "1.0.0", "b": "1.0.1", "d": "2.0.0"}
    assert pins.differences(ours, ours) == []
    assert pins.differences(ours, theirs) == [
        "b: reviewed 1.0.0, resolved 1.0.1", "c: reviewed 1.0.0, resolved not at all",
        "d: reviewed not at all, resolved 2.0.0"]


def test_the_list_names_exact_versions():
    assert pins.reviewed()
    assert all(version.count(".") == 2 for version in pins.reviewed().values())
