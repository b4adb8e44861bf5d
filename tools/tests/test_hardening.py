"""What the programs are made with (HRD-4), and what the machine that builds them has to have (SUP-2)."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build" / "debug"
PROGRAMS = ["avs-aggregator", "avs-operator", "avs-script-worker", "avsctl"]
PACKAGES = ROOT / "tools" / "debian-packages.txt"


def readelf(file: Path, *options: str) -> str:
    return subprocess.run(
        ["readelf", "--wide", *options, file], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(params=PROGRAMS)
def program(request) -> Path:
    file = BUILT / request.param
    if not file.exists():
        pytest.skip(f"{file.name} is not built")
    return file


def test_a_program_is_linked_so_that_little_of_it_can_be_overwritten(program):
    """HRD-4: it can be moved, its tables of functions are read-only before it runs, its stack is no code."""
    assert re.search(r"Type:\s+DYN \(Position-Independent Executable", readelf(program, "--file-header"))
    segments = readelf(program, "--program-headers")
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK.* RW +0x", segments), "the stack is executable"
    assert not re.search(r"LOAD.* RWE ", segments), "something is writable and executable"
    assert re.search(r"\(FLAGS(?:_1)?\).*\bNOW\b", readelf(program, "--dynamic")), "functions are bound late"


@pytest.mark.parametrize("target", ["CSandbox", "CSpawn", "CProcess"])
def test_c_of_ours_checks_its_stack(target):
    """HRD-4: each of them has variables that others write to by address."""
    objects = sorted((BUILT / f"{target}.build").glob("*.o"))
    if not objects:
        pytest.skip(f"{target} is not built")
    for file in objects:
        assert "__stack_chk_fail" in readelf(file, "--symbols"), file.name


def test_every_target_of_c_is_compiled_with_its_checks():
    """HRD-4: of what has C in it, as the package says itself."""
    text = (ROOT / "Package.swift").read_text(encoding="utf-8")
    assert '"-fstack-protector-strong"' in text and '.unsafeFlags(["-D_FORTIFY_SOURCE=2"], .when(configuration: .release))' in text
    ours = {file.parent.name for file in (ROOT / "Sources").glob("*/*.c")}
    assert ours >= {"CAVSProto", "CProcess", "CSandbox", "CSpawn"}
    for target in ours:
        assert re.search(rf'\.target\(name: "{target}",[^\n]*cSettings: hardenedC', text), target


def test_no_check_of_the_language_is_switched_off():
    """HRD-4: optimized, but not without its checks; and C has its checks of lengths where it is optimized."""
    files = [ROOT / "Package.swift", *(ROOT / "tools").glob("*"), *(ROOT / "tools" / "packages").glob("*/Package.swift")]
    texts = {file: file.read_text(encoding="utf-8") for file in files if file.is_file()}
    for file, text in texts.items():
        assert not re.search(r"-Ounchecked|exclusivity=unchecked|-Xcc -fno-stack|disable-.*-checks", text), file


# SUP-2

def minimums() -> dict[str, str]:
    lines = (line.split("#")[0].split() for line in PACKAGES.read_text(encoding="utf-8").splitlines())
    return {fields[0]: fields[1] for fields in lines if len(fields) == 2}


def check(tmp_path: Path, package: str, version: str) -> tuple[int, str]:
    """tools/setup --check on a machine that has every package as it is here, but this one in this version."""
    folder = tmp_path / "bin"
    folder.mkdir()
    real = subprocess.run(["which", "dpkg-query"], capture_output=True, text=True, check=True).stdout.strip()
    fake = folder / "dpkg-query"
    fake.write_text(f"#!/bin/sh\n{real} \"$@\" | sed 's/^{re.escape(package)} [^ ]*/{package} {version}/'\n")
    fake.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [ROOT / "tools" / "setup", "--check"], env=environment, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stderr


def test_the_libraries_that_strangers_reach_have_minimums():
    """SUP-2: and nghttp2's is the one below which three attacks end the process."""
    versions = minimums()
    assert versions["libnghttp2-14"] == "1.52.0-1+deb12u3"
    assert {"libssl3", "libcurl4", "libjavascriptcoregtk-4.1-0"} <= versions.keys()


@pytest.mark.parametrize("package", sorted(minimums()))
def test_an_older_library_is_refused(tmp_path, package):
    """SUP-2: a version just below the minimum is too old; `~` sorts before everything."""
    status, text = check(tmp_path, package, minimums()[package] + "~")
    assert status == 1 and re.search(rf"too old Debian packages:.*\b{re.escape(package)}\b", text)


def test_nghttp2_of_the_release_before_the_fixes_is_refused(tmp_path):
    """SUP-2: the library itself calls both 1.52.0."""
    status, text = check(tmp_path, "libnghttp2-14", "1.52.0-1+deb12u2")
    assert status == 1 and "libnghttp2-14" in text


def test_a_newer_library_is_taken(tmp_path):
    """SUP-2"""
    _, text = check(tmp_path, "libnghttp2-14", "1.64.0-1")
    assert "libnghttp2-14" not in text
