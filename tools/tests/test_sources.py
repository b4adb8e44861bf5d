"""Rules about what the sources may call."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "Sources"

# Whoever reads a clock or waits by it, and why not by the injected TimeSource.
WALL_CLOCK = {
    "AVSTransport/SystemTime.swift": "the time source itself",
    "AVSRocksDB/Files/System.swift": "how old the oldest snapshot is, which the library stamps by this clock; it is told, and decides nothing",
}
MONOTONIC_CLOCK = {
    "AVSTransport/SystemTime.swift": "the time source itself",
    "AVSTesting/ManualTime.swift": "any instant to begin at",
    "AVSTransport/Server/RPCServer.swift": "pauses of a drain, cancelled by its end",
    "AVSTransport/WebSocket/WebSocketHandler.swift": "the event loop's own clock, which its timers follow",
    "AVSTransport/Sleepers.swift": "how the time source sleeps: the delay of its one timer",
    "AVSRocksDB/Files/System.swift": "a thread that waits on a semaphore",
    "AVSRocksDB/Committer/Intake.swift": "the same",
    "AVSRocksDB/Store/RocksDBOptions.swift": "the default of an option that tests replace",
    "AVSScript/WorkerProcess.swift": "a thread that waits for a worker process",
    "AVSScriptEngine/ScriptWorker.swift": "inside a worker process, which no source is injected into",
    "AVSScriptEngine/Watchdog.swift": "the same",
    "AVSStorage/Failpoints/Failpoint+Armed.swift": "tests only, with the trait Failpoints",
}


def callers(pattern: str) -> set[str]:
    """The files whose code, without comments and texts, has the pattern."""
    found = set()
    for file in SOURCES.rglob("*.swift"):
        code = re.sub(r'"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|//[^\n]*', "", file.read_text(encoding="utf-8"))
        if re.search(pattern, code):
            found.add(str(file.relative_to(SOURCES)))
    return found


def test_nobody_measures_with_the_wall_clock():
    """TIM-1: no date is subtracted from another, and the clock that can step is read in two places."""
    assert callers(r"timeIntervalSince(?:Now|\()|\bDate\(\)|\bDate\.now|CFAbsoluteTime|DispatchWallTime|SuspendingClock") == set()
    assert callers(r"\bgettimeofday\b|\btime\((?:nil|&)|CLOCK_REALTIME") == set(WALL_CLOCK)


def test_clocks_are_read_where_they_are_injected():
    """TIM-3: every other file has its time from a TimeSource."""
    pattern = (
        r"ContinuousClock(?:\(\))?\.now|(?<![\w)\]])\.now\b(?!\()|\bNIODeadline\.now|eventLoop\.now|systemUptime|CLOCK_MONOTONIC|CLOCK_BOOTTIME"
        r"|\bTask\.sleep|\b(?:u|nano)sleep\(|DispatchTime")
    assert callers(pattern) - {"AVSPrimitives/TimeSource.swift"} == set(MONOTONIC_CLOCK)


@pytest.mark.parametrize("call", [
    "rocksdb_open_column_families", "rocksdb_create_column_family", "rocksdb_open_with_ttl", "rocksdb_transactiondb",
    "rocksdb_optimistictransactiondb",
])
def test_the_database_has_one_column_family_and_no_other_openers(call):
    """KEY-1, KEY-7: one keyspace; neither expiry nor transactions of the library's own."""
    assert callers(rf"\b{call}") == set()


def test_one_place_writes_to_the_database():
    """DUR-12: batches are written by the committer's thread alone, and by the start before there is one."""
    assert callers(r"\brocksdb_(?:write|put|delete|merge|ingest_external_file)(?:_cf)?\(") == {"AVSRocksDB/Library/Database.swift"}
    assert callers(r"\.write\([^)]*isSynced:") == {
        "AVSRocksDB/Committer/Committer.swift", "AVSRocksDB/Store/StartUp.swift"}


def long_lines(text: str) -> list[int]:
    """The numbers of the lines over 120 characters, but for those in texts over several lines, and for texts that stand
    alone on their line: the vectors, URLs and messages that a reader looks for as they are."""
    found, is_text = [], False
    for number, line in enumerate(text.split("\n"), 1):
        is_alone = re.fullmatch(r' *(?:[=!+]=? )?#*".*"#*[,)\]]*', line)
        if len(line) > 120 and not is_text and not is_alone:
            found.append(number)
        is_text ^= line.count('"""') % 2 == 1
    return found


def test_long_lines_are_seen():
    long = "x" * 121
    assert long_lines(f'{long}\nshort\n    """\n{long}\n    """\n    "{long}",\n    call("{long}")') == [1, 7]


def test_lines_are_at_most_120_characters_long():
    """Files that tools/generate writes are as they come."""
    folders = (SOURCES, ROOT / "Tests")
    files = [file for folder in folders for file in folder.rglob("*") if file.suffix in (".swift", ".c", ".h")]
    files = [file for file in files if not {"Generated", "CAVSProto", "CAVSProtoKinds"} & set(file.parts)]
    found = {str(file.relative_to(ROOT)): long_lines(file.read_text(encoding="utf-8"))
             for file in [*files, ROOT / "Package.swift"]}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_every_scan_of_the_database_is_one_function():
    """KEY-3: the one whose bounds a test measures."""
    assert callers(r"\brocksdb_create_iterators?\(") == {"AVSRocksDB/Library/Database.swift"}
    text = (SOURCES / "AVSRocksDB" / "Library" / "Database.swift").read_text(encoding="utf-8")
    assert len(re.findall(r"\brocksdb_create_iterators?\(", text)) == 1


# Seconds that a machine with other things to do is given at least, where a test says that something does not wait.
GENEROUS = 5


def test_no_test_asserts_speed():
    """TST-11: what a test measures is compared with bounds that only waiting goes beyond; figures are of tools/bench."""
    tests = ROOT / "Tests"
    measuring = {str(file.relative_to(tests)) for file in tests.rglob("*.swift")
                 if re.search(r"Clock(?:\(\))?\.measure|\bclock\.measure\b|\bclock_gettime\b|\bgetrusage\b",
                              file.read_text(encoding="utf-8"))}
    assert measuring == {"AVSRocksDBTests/Measurements.swift"}, "it asserts nothing, and runs for who asks for it"
    assert '.enabled(if: ProcessInfo.processInfo.environment["AVS_MEASURE"] != nil)' in (
        tests / "AVSRocksDBTests" / "Measurements.swift").read_text(encoding="utf-8")
    bounds = {}
    for folder in (tests, ROOT / "tools"):
        for file in folder.rglob("test_*.py"):
            if {".build", ".venv"} & set(file.parts):
                continue
            text = file.read_text(encoding="utf-8")
            for bound in re.findall(r"(?:monotonic|perf_counter|time)\(\) - \w+ <=? ([\d.]+)", text):
                bounds.setdefault(str(file.relative_to(ROOT)), []).append(float(bound))
    assert bounds, "the expression finds none any more"
    assert {name: found for name, found in bounds.items() if min(found) < GENEROUS} == {}
