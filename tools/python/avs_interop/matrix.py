"""Every interop case, with every pair of peers, in plaintext and over TLS."""

import argparse
import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path

from . import names, report
from .programs import Credentials, Program, Server, build, say

DESCRIPTION = """\
Builds tools/packages/avs-interop and runs the cases that implementations of gRPC run against each other (service
grpc.testing.TestService), on loopback:

  grpcio→avs   gRPC core, through Python, calls our server
  avs→grpcio   our client calls gRPC core
  avs→avs      our client calls our server

each over h2c (HTTP/2 with prior knowledge) and over TLS. Prints a row for each case and a column for each pair, then
why something was skipped and what failed, and closes with `N passed, N failed, N skipped`. Exit status: 0 when nothing
failed, else 1.

Takes about two minutes once built; the first build takes some minutes more. tools/test runs the short form.
"""
EXAMPLES = """\
examples:
  tools/interop                              all of it
  tools/interop --only ping_pong             one case, all pairs
  tools/interop --only grpcio→avs --only tls one pair over TLS (-> works for the arrow)
  tools/interop --json > interop.json
"""

PAIRS = ["grpcio→avs", "avs→grpcio", "avs→avs"]
SECURITIES = ["h2c", "tls"]
SIDE_SECONDS = 1_200  # for all cases of one column; each case has a limit of its own


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/interop", description=DESCRIPTION, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="ROW",
                        help="a case, a pair, h2c or tls; may be repeated")
    parser.add_argument("--json", action="store_true", help="the results as JSON instead of the table")
    parser.add_argument("--short", action="store_true", help="without the cases that take seconds (as in tools/test)")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report as well")
    parser.add_argument("--release", action="store_true", help="build with optimization")
    options = parser.parse_args()
    options.only = [name.replace("->", "→") for name in options.only]
    known = [*names.CASES, *PAIRS, *SECURITIES]
    for name in options.only:
        if name not in known:
            parser.error(f"no row '{name}'; there are: {', '.join(known)}")
    return options


def chosen(all_of_them: list[str], only: list[str]) -> list[str]:
    return [name for name in all_of_them if name in only] or all_of_them


class Column:
    """One client, two servers of one kind, one kind of security."""

    def __init__(self, pair: str, security: str, program: Path, credentials: Credentials):
        self.name = f"{pair} {security}"
        self.client, _, self.server = pair.partition("→")
        self.program = str(program)
        self.server_tls = credentials.of_server if security == "tls" else []
        self.client_tls = credentials.of_client if security == "tls" else []

    def start_server(self, name: str) -> Server:
        if self.server == "avs":
            return Server(self.program, "serve", "--name", name, *self.server_tls)
        return Server(sys.executable, "-m", "avs_interop.server", "--name", name, *self.server_tls)

    def client_command(self, target: str, second: str, cases: list[str]) -> list[str]:
        if self.client == "avs":
            command = [self.program, "cases"]
            if self.server == "grpcio":
                command.append("--no-probes")
        else:
            command = [sys.executable, "-m", "avs_interop.client"]
        command += ["--target", target, "--second", second, *self.client_tls]
        for case in cases:
            command += ["--only", case]
        return command

    def run(self, cases: list[str]) -> list[report.Result]:
        results: list[report.Result] = []
        with contextlib.ExitStack() as stack:
            first, second = (stack.enter_context(self.start_server(name)) for name in ("first", "second"))
            client = stack.enter_context(Program(*self.client_command(first.target, second.target, cases)))
            limit = threading.Timer(SIDE_SECONDS, client.process.kill)
            limit.start()
            for line in client.process.stdout:
                answer = json.loads(line)
                results.append(report.Result(
                    answer["case"], self.name, answer["outcome"], answer["detail"], answer["seconds"]))
                say(f"{self.name}  {answer['case']}: {answer['outcome']}, {answer['seconds']:.1f} s")
            limit.cancel()
            for server in (first, second):
                if (status := server.stop()) != 0:
                    results.append(report.Result(
                        "server's end", self.name, "failed", f"exit status {status} after SIGTERM"))
        answered = {result.row for result in results}
        missing = [case for case in cases if case not in answered]
        return results + [
            report.Result(case, self.name, "failed", "the client ended before this case") for case in missing]


def main() -> int:
    options = arguments()
    cases = [case for case in chosen(names.CASES, options.only) if not (options.short and case in names.LONG_CASES)]
    program = build("release" if options.release else "debug")
    credentials = Credentials()
    results: list[report.Result] = []
    for security in chosen(SECURITIES, options.only):
        for pair in chosen(PAIRS, options.only):
            try:
                results += Column(pair, security, program, credentials).run(cases)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                results.append(report.Result("start", f"{pair} {security}", "failed", str(error)))
    if options.junit:
        report.write_junit(results, options.junit, "interop")
    if options.json:
        print(report.as_json(results))
    else:
        print(report.table(results, "case"))
        print()
        print(report.closing_line(results))
    return 1 if report.counts(results)["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
