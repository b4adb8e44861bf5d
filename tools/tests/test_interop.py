"""What tools/interop and tools/soak print, and that both languages name the same cases."""

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "python"))

from avs_interop import names, report  # noqa: E402
from avs_interop.report import Result  # noqa: E402

RESULTS = [
    Result("ping_pong", "a→b h2c", "ok", seconds=0.5),
    Result("ping_pong", "a→b tls", "failed", "UNAVAILABLE: gone", 1.0),
    Result("orca_oob", "a→b h2c", "skipped", "not built"),
    Result("orca_oob", "a→b tls", "skipped", "not built"),
]


def test_table_has_a_row_for_each_case_and_says_why_below():
    assert report.table(RESULTS, "case").splitlines() == [
        "case       a→b h2c      a→b tls",
        "ping_pong  ok           failed",
        "orca_oob   skipped (1)  skipped (1)",
        "",
        "(1) not built",
        "",
        "FAILED ping_pong, a→b tls: UNAVAILABLE: gone",
    ]


def test_closing_line_and_json_count_alike():
    assert report.closing_line(RESULTS) == "1 passed, 1 failed, 2 skipped"
    answer = json.loads(report.as_json(RESULTS, days=2))
    assert (answer["passed"], answer["failed"], answer["skipped"], answer["days"]) == (1, 1, 2, 2)
    assert answer["results"][1]["detail"] == "UNAVAILABLE: gone"


def test_junit_report_has_each_outcome(tmp_path):
    report.write_junit(RESULTS, tmp_path / "report.xml", "interop")
    cases = ElementTree.parse(tmp_path / "report.xml").findall("testcase")
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["skipped"], ["skipped"]]


def test_both_languages_name_the_same_cases():
    source = ROOT / "tools/packages/avs-interop/Sources/avs-interop/Client/InteropCase.swift"
    assert re.findall(r'^    case \w+ = "(\w+)"', source.read_text(encoding="utf-8"), re.M) == names.CASES
    assert names.LONG_CASES < set(names.CASES)
