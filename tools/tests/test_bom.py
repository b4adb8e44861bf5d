"""tools/bom (SUP-4): all that the product is made of, and the holes in it that are known."""

import importlib.machinery
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "bom"


def load():
    loader = importlib.machinery.SourceFileLoader("bom", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bom", loader))
    sys.modules["bom"] = module
    loader.exec_module(module)
    return module


bom = load()


def test_the_bill_has_every_package_of_the_graph():
    """SUP-4: what the package graph was resolved to, and every package of the system that the programs are linked to."""
    bill = json.loads(subprocess.run([TOOL], capture_output=True, text=True, check=True, timeout=60).stdout)
    assert bill["bomFormat"] == "CycloneDX"
    named = {part["purl"] for part in bill["components"]}
    pins = json.loads((ROOT / "Package.resolved").read_text(encoding="utf-8"))["pins"]
    assert {f"pkg:swift/{pin['identity']}@{pin['state']['version']}" for pin in pins} <= named
    names = {part["name"] for part in bill["components"]}
    program = ROOT / ".build" / "debug" / "avs-aggregator"
    if not program.exists():
        pytest.skip("avs-aggregator is not built")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    ours = re.findall(r"=> (\S*/lib(?:nghttp2|ssl|crypto|curl|rocksdb|protobuf-c|secp256k1|z)\.so\S*)", linked)
    assert len(ours) >= 8
    sources = {value.split()[0] for part in bill["components"] for value in
               (item["value"] for item in part.get("properties", []))}
    for library in ours:
        package = owner(Path(library))
        assert package in names or source(package) in sources, library


def owner(library: Path) -> str:
    """The package that a file belongs to, which may be listed without the link of /lib to /usr/lib."""
    for path in (library, library.resolve(), Path(f"/usr{library}"), Path(f"/usr{library}").resolve()):
        answer = subprocess.run(["dpkg", "--search", path], capture_output=True, text=True)
        if answer.returncode == 0:
            return answer.stdout.split(":")[0]
    raise AssertionError(f"{library} belongs to no package")


def source(package: str) -> str:
    form = ["dpkg-query", "--show", "--showformat", "${source:Package}", package]
    return subprocess.run(form, capture_output=True, text=True, check=True).stdout


PACKAGE = bom.Package("libnghttp2-14", "1.52.0-1+deb12u2", "nghttp2", "1.52.0-1+deb12u2")


def state(**facts) -> dict:
    return {"nghttp2": {"CVE-1": {"releases": {"bookworm": facts, "sid": {"status": "open"}}}}}


@pytest.mark.parametrize(("facts", "expected"), [
    ({"status": "resolved", "fixed_version": "1.52.0-1+deb12u3"}, "1.52.0-1+deb12u3"),
    ({"status": "resolved", "fixed_version": "1.52.0-1+deb12u2"}, None),
    ({"status": "resolved", "fixed_version": "1.43.0-1"}, None),
    ({"status": "resolved", "fixed_version": "0"}, None),
    ({"status": "open"}, ""),
    ({"status": "open", "urgency": "unimportant"}, None),
])
def test_a_hole_is_open_below_the_version_that_mends_it(facts, expected):
    """SUP-4"""
    found = bom.holes([PACKAGE], state(**facts), "bookworm")
    assert [mended for _, _, mended in found] == ([] if expected is None else [expected])
    assert bom.holes([PACKAGE], state(**facts), "trixie") == []


def test_a_hole_that_is_mended_elsewhere_ends_the_job_with_1(tmp_path):
    """SUP-4: what the weekly job looks at."""
    data = tmp_path / "tracker.json"
    data.write_text(json.dumps({"openssl": {"CVE-2": {"releases": {"bookworm": {
        "status": "resolved", "fixed_version": "99"}}}}}))
    ended = subprocess.run([TOOL, "--tracker", data], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and re.search(r"^libssl3 \S+: CVE-2, mended in 99$", ended.stdout, re.MULTILINE)
    data.write_text("{}")
    assert subprocess.run([TOOL, "--tracker", data], capture_output=True, timeout=60).returncode == 0
