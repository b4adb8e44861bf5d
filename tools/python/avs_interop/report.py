"""Results as a table, as JSON and as a JUnit report."""

import json
import xml.etree.ElementTree as xml
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Result:
    row: str
    column: str
    outcome: str  # ok, failed or skipped
    detail: str = ""
    seconds: float = 0.0


def counts(results: list[Result]) -> dict[str, int]:
    found = {"passed": 0, "failed": 0, "skipped": 0}
    for result in results:
        found["passed" if result.outcome == "ok" else result.outcome] += 1
    return found


def closing_line(results: list[Result]) -> str:
    found = counts(results)
    return f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped"


def table(results: list[Result], corner: str) -> str:
    """A row for each case, a column for each pair; what went wrong and why something was skipped is listed below."""
    columns, rows = _distinct(r.column for r in results), _distinct(r.row for r in results)
    cells, notes = {}, {}
    for result in results:
        cell = result.outcome
        if cell == "skipped":
            number = notes.setdefault(result.detail, len(notes) + 1)
            cell = f"skipped ({number})"
        cells[result.row, result.column] = cell
    first = max(len(name) for name in [corner, *rows])
    widths = {column: max(len(column), *(len(cells.get((row, column), "")) for row in rows)) for column in columns}
    lines = ["  ".join([corner.ljust(first), *(column.ljust(widths[column]) for column in columns)]).rstrip()]
    for row in rows:
        line = [row.ljust(first), *(cells.get((row, column), "").ljust(widths[column]) for column in columns)]
        lines.append("  ".join(line).rstrip())
    lines += [""] * bool(notes) + [f"({number}) {reason}" for reason, number in notes.items()]
    failed = [r for r in results if r.outcome == "failed"]
    lines += [""] * bool(failed) + [f"FAILED {r.row}, {r.column}: {r.detail}" for r in failed]
    return "\n".join(lines)


def _distinct(names) -> list[str]:
    return list(dict.fromkeys(names))


def as_json(results: list[Result], **more) -> str:
    return json.dumps({**counts(results), **more, "results": [asdict(result) for result in results]}, indent=2)


def write_junit(results: list[Result], path: Path, suite: str) -> None:
    found = counts(results)
    root = xml.Element("testsuite", name=suite, tests=str(len(results)), failures=str(found["failed"]), errors="0",
                       skipped=str(found["skipped"]))
    for result in results:
        case = xml.SubElement(root, "testcase", classname=f"{suite}.{result.column}", name=result.row,
                              time=f"{result.seconds:.3f}")
        if result.outcome == "failed":
            xml.SubElement(case, "failure", message=result.detail)
        elif result.outcome == "skipped":
            xml.SubElement(case, "skipped", message=result.detail)
    xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
