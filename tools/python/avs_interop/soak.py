"""A day of a server's life in ten minutes, and what of it stays behind."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from . import drain, report
from .programs import Program, Setting, build, say
from .rude import RudeClients

DESCRIPTION = """\
A day of a server's life in ten minutes: our server, and three kinds of clients of which none keeps a connection for
long. Ours and grpcio open a channel, make up to 40 calls, and close it; calls of every kind end in every way, with an
answer, with a status, by cancellation and by their deadline. Clients with plain sockets drop their connections after
some of the first bytes. In rounds: after each, everything is closed, and resident memory and open file descriptors of
the server and of our client are noted.

It passes when
  - every call ended as it should: another answer, status or end counts as failed;
  - at the end both processes have as many descriptors open as after the first round, which warms up;
  - and their resident memory is at most {tolerance} % and {slack} MiB above what it was then;
  - the server then ends with status 0 when it is told to.

Prints a line for each round and closes with `N passed, N failed, N skipped`. Exit status: 0 when all of that held.

`tools/soak drain` is another test, of servers that go away under load: tools/soak drain --help.
"""
EXAMPLES = """\
examples:
  tools/soak                       ten minutes, release build
  tools/soak --minutes 2 --debug   shorter, and without the release build, which takes some minutes the first time
  tools/soak --json > soak.json
  tools/soak drain                 restarts and short-lived connections: no call may fail
"""

TOLERANCE_PERCENT, SLACK_MIB = 10, 4
ROUND_SECONDS = 30
REST_SECONDS = 20  # at most, until what the clients have closed is closed here as well
# What the work is compared with: a day with a call each second and a new connection every ten seconds.
DAY_CALLS, DAY_CONNECTIONS = 86_400, 8_640


@dataclass
class Usage:
    """What a process holds."""

    resident_mib: float
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> "Usage":
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
        return cls(
            resident_mib=int(status["VmRSS"].split()[0]) / 1_024,
            descriptors=len(os.listdir(f"/proc/{pid}/fd")), threads=int(status["Threads"]))


@dataclass
class Round:
    seconds: float  # since the start
    server: Usage
    client: Usage
    calls: int
    connections: int
    failed: int

    def __str__(self) -> str:
        return (f"{self.seconds:>8.0f}{self.calls:>10}{self.connections:>13}{self.failed:>8}"
                f"{'':>11}{self.usage(self.server)}{'':>11}{self.usage(self.client)}")

    @staticmethod
    def usage(of: Usage) -> str:
        return f"{of.resident_mib:>6.1f}{of.descriptors:>7}{of.threads:>9}"

    @staticmethod
    def head() -> str:
        usage = f"{'MiB':>6}{'files':>7}{'threads':>9}"
        return (f"{'seconds':>8}{'calls':>10}{'connections':>13}{'failed':>8}"
                f"{'server:':>11}{usage}{'client:':>11}{usage}")


class Soak:
    def __init__(self, setting: Setting, seconds: float, stack: contextlib.ExitStack):
        self.began = time.monotonic()
        self.seconds = seconds
        self.server = stack.enter_context(setting.server())
        target = self.server.target
        commands = {
            "avs": [setting.program, "churn", "--target", target, *setting.client_tls],
            "grpcio": [sys.executable, "-m", "avs_interop.churn", "--target", target, *setting.client_tls],
        }
        self.clients = {
            name: stack.enter_context(Program(*command, stdin=subprocess.PIPE)) for name, command in commands.items()}
        self.rounds: list[Round] = []
        self.ends: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.calls = self.connections = self.failed = 0

    def run(self) -> None:
        length = min(ROUND_SECONDS, self.seconds / 4)
        while (left := self.seconds - self.elapsed) > 1:
            self.work(min(length, left))
            self.rest()
            self.rounds.append(Round(
                self.elapsed, Usage.of(self.server.pid), Usage.of(self.clients["avs"].pid), self.calls,
                self.connections, self.failed))
            say(str(self.rounds[-1]))

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def work(self, seconds: float) -> None:
        with RudeClients(self.server.target, seed=len(self.rounds)) as rude:
            for client in self.clients.values():
                client.write_line(str(seconds))
            tallies = {name: json.loads(client.read_line()) for name, client in self.clients.items()}
        self.connections += rude.connections
        for name, tally in tallies.items():
            self.calls += int(tally.pop("calls", 0))
            self.connections += int(tally.pop("connections", 0))
            self.failed += int(tally.pop("failed"))
            for text, count in tally.pop("failures").items():
                text = f"{name}: {text}"
                self.failures[text] = self.failures.get(text, 0) + int(count)
            for end, count in tally.items():
                self.ends[f"{name} {end}"] = self.ends.get(f"{name} {end}", 0) + int(count)

    def rest(self) -> None:
        """Until the server has closed what its clients have."""
        wanted = self.rounds[0].server.descriptors if self.rounds else 0
        deadline = time.monotonic() + (REST_SECONDS if self.rounds else 3)
        time.sleep(1)
        while time.monotonic() < deadline and Usage.of(self.server.pid).descriptors > wanted:
            time.sleep(0.25)

    # What came of it

    def results(self, status: int) -> list[report.Result]:
        seconds = self.elapsed
        found = [report.Result(
            "calls", "both", "failed" if self.failed or not self.calls else "ok",
            "; ".join(f"{count} × {text}" for text, count in self.failures.items())
            or f"{self.calls} that ended as they should", seconds)]
        for name in ("server", "client"):
            first, last = getattr(self.rounds[0], name), getattr(self.rounds[-1], name)
            same = last.descriptors == first.descriptors
            found.append(report.Result(
                "descriptors", name, "ok" if same else "failed", f"{first.descriptors} → {last.descriptors}", seconds))
            limit = first.resident_mib * (1 + TOLERANCE_PERCENT / 100) + SLACK_MIB
            found.append(report.Result(
                "memory", name, "ok" if last.resident_mib <= limit else "failed",
                f"{first.resident_mib:.1f} → {last.resident_mib:.1f} MiB, at most {limit:.1f}", seconds))
        found.append(report.Result(
            "end", "server", "ok" if status == 0 else "failed", f"exit status {status}", seconds))
        return found

    @property
    def days(self) -> float:
        return min(self.calls / DAY_CALLS, self.connections / DAY_CONNECTIONS)


def soak(options: argparse.Namespace) -> tuple[list[report.Result], str, dict]:
    setting = Setting(build("debug" if options.debug else "release"), options.tls)
    say(Round.head())
    with contextlib.ExitStack() as stack:
        run = Soak(setting, options.minutes * 60, stack)
        run.run()
        results = run.results(run.server.stop())
    worth = (f"{run.calls} calls and {run.connections} connections: {run.days:.1f} days of a call each second and a "
             "connection every ten seconds")
    text = "\n".join([Round.head(), *map(str, run.rounds), "", worth, "", drain.as_text(results)])
    more = {"rounds": [asdict(one) for one in run.rounds], "ends": run.ends, "days": round(run.days, 2)}
    return results, text, more


def arguments() -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="the results as JSON")
    common.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report as well")
    common.add_argument("--tls", action="store_true", help="over TLS instead of plaintext")
    common.add_argument("--debug", action="store_true", help="test the debug build")
    parser = argparse.ArgumentParser(
        prog="tools/soak", description=DESCRIPTION.format(tolerance=TOLERANCE_PERCENT, slack=SLACK_MIB),
        epilog=EXAMPLES, parents=[common], formatter_class=raw)
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="how long (default 10)")
    commands = parser.add_subparsers(dest="command", metavar="drain")
    draining = commands.add_parser(
        "drain", help="servers that go away under load", parents=[common], formatter_class=raw)
    drain.add_arguments(draining)
    options = parser.parse_args()
    if options.command is None and options.minutes < 0.2:
        parser.error("--minutes: at least 0.2")
    return options


def main() -> int:
    options = arguments()
    if options.command == "drain":
        results = drain.run(options)
        text, more = drain.as_text(results), {}
    else:
        results, text, more = soak(options)
    if options.junit:
        report.write_junit(results, options.junit, "drain" if options.command else "soak")
    print(report.as_json(results, **more) if options.json else f"{text}\n\n{report.closing_line(results)}")
    return 1 if report.counts(results)["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
