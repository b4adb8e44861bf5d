"""HRD-6: C stays behind modules that the compiler holds to strict memory safety, and what it must believe is explained."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "Sources"

# Modules that lend bytes to system calls without wrapping a library. What computes has no business with pointers.
CALLS_THE_SYSTEM = {"AVSConfiguration", "AVSLogging", "AVSTransport", "avs-operator", "avsctl"}
# Its functions take and give numbers, or nothing.
NUMBERS_ONLY = {"CProcess"}

POINTERS = r"\bwithUnsafe\w+|\bUnsafe\w*Pointer\b|\bUnmanaged<|\bOpaquePointer\b|\bunsafeBitCast\b"
CLAIMS = r"nonisolated\(unsafe\)|@unchecked Sendable|@safe\b|@unsafe\b"


def swift_files() -> list[Path]:
    return [file for file in sorted(SOURCES.rglob("*.swift")) if "Generated" not in file.parts]


def code(text: str) -> str:
    """Without comments and texts; as many lines as before."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"|//[^\n]*', "", text)


def c_modules() -> set[str]:
    return {folder.name for folder in SOURCES.iterdir() if re.fullmatch(r"C[A-Z]\w+", folder.name)} - NUMBERS_ONLY


def module(file: Path) -> str:
    return file.relative_to(SOURCES).parts[0]


def strict_modules() -> set[str]:
    """Those whose target has the settings of a wrapper, as Package.swift says."""
    text = (ROOT / "Package.swift").read_text(encoding="utf-8")
    assert "let wrapperSettings = settings + [.strictMemorySafety()]" in text
    assert ".treatAllWarnings(as: .error)" in text, "an unmarked unsafe step is a warning"
    targets = re.split(r"\n        \.(?:target|executableTarget|testTarget|systemLibrary)\(", text)
    named = {re.search(r'name: "([\w-]+)"', target).group(1): target for target in targets[1:]}
    return {name for name, target in named.items() if "swiftSettings: wrapperSettings" in target}


def test_who_imports_c_is_strict():
    """HRD-6"""
    pattern = re.compile(rf"^\s*(?:\w+ )?import ({'|'.join(c_modules())})\b", re.MULTILINE)
    importers = {module(file) for file in swift_files() if pattern.search(file.read_text(encoding="utf-8"))}
    assert {"AVSRocksDB", "AVSHTTP2", "AVSTLS"} <= importers <= strict_modules()


def test_a_c_library_has_one_wrapper():
    """HRD-6: a pointer of a library is known to one module."""
    wrappers: dict[str, set[str]] = {}
    for file in swift_files():
        for name in re.findall(r"^\s*(?:\w+ )?import (C[A-Z]\w+)\b", file.read_text(encoding="utf-8"), re.MULTILINE):
            wrappers.setdefault(name, set()).add(module(file))
    assert {name: users for name, users in wrappers.items() if name.startswith("C") and len(users) > 1} == {}


def test_pointers_are_known_where_c_is_called_and_nowhere_else():
    """HRD-6"""
    users = {module(file) for file in swift_files() if re.search(POINTERS, code(file.read_text(encoding="utf-8")))}
    assert users - strict_modules() == CALLS_THE_SYSTEM


def test_what_the_compiler_must_believe_is_explained():
    """HRD-6: each claim has a comment with it, or stands in a group that has one."""
    unexplained = []
    for file in swift_files():
        text = file.read_text(encoding="utf-8")
        lines, bare = text.split("\n"), code(text).split("\n")
        for number, line in enumerate(bare):
            if not re.search(CLAIMS, line) or "//" in lines[number]:
                continue
            above = number - 1
            while above >= 0 and (re.search(CLAIMS, bare[above]) or lines[above].lstrip().startswith("@")):
                above -= 1
            if above < 0 or not lines[above].lstrip().startswith("//"):
                unexplained.append(f"{file.relative_to(ROOT)}:{number + 1}")
    assert unexplained == []
