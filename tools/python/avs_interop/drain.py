"""Servers that go away while clients call: no call may fail."""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from . import report
from .programs import Program, Server, Setting, build, free_ports, say

DESCRIPTION = """\
Two ways for a server to end connections on purpose, while grpcio and our own client call it without a pause and
without repeating anything by hand:

  restarts  two servers on fixed ports, stopped with SIGTERM and started again in turn; the clients know both
            addresses
  age       one server that ends each connection after about a second

Every call must succeed: unary ones, and streams of up to a second and a half, which a server that stops waits for.
h2load runs in the background against the servers, as load only: what it loses when a server
stops is not counted. Prints calls and failures for each client, and closes with `N passed, N failed, N skipped`. Exit
status: 0 when no call failed and every server ended with status 0.
"""
EXAMPLES = """\
examples:
  tools/soak drain                        50 restarts, then 5 minutes of connections that live a second: 7 minutes
  tools/soak drain --short                30 s of both, debug build (as in tools/test)
  tools/soak drain --restarts 200 --age-minutes 0 --tls
"""

PAUSE = 0.3  # after each start: time for calls to settle on the server that is not stopped next
CHANNELS = 6  # of both clients, each with one connection at a time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("--restarts", type=int, metavar="N", help="how often a server is stopped (default 50)")
    parser.add_argument("--age-minutes", type=float, metavar="N", help="how long connections are aged (default 5)")
    parser.add_argument("--short", action="store_true", help="10 restarts and 12 s of ageing, with a debug build")


@dataclass
class Background:
    """h2load in a loop against a target, until the block ends."""

    target: str
    scheme: str

    def __enter__(self):
        self.stopped = threading.Event()
        self.process: subprocess.Popen | None = None
        self.request = tempfile.NamedTemporaryFile()
        self.request.write(bytes(5))  # an empty message behind its prefix
        self.request.flush()
        self.thread = threading.Thread(target=self._run)
        if shutil.which("h2load"):
            self.thread.start()
        else:
            say("h2load is not installed (Debian: nghttp2-client); going on without background load")
        return self

    def _run(self) -> None:
        command = ["h2load", "-n", "500", "-c", "2", "-m", "10", "-t", "1", "-T", "5", "-N", "5", "-d",
                   self.request.name, "-H", "content-type: application/grpc", "-H", "te: trailers",
                   f"{self.scheme}://{self.target}/grpc.testing.TestService/EmptyCall"]
        while not self.stopped.wait(0.2):
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.process.wait()

    def __exit__(self, *_) -> None:
        self.stopped.set()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.thread.ident is not None:
            self.thread.join()
        self.request.close()


class Callers:
    """One process of each kind of client, calling a target."""

    def __init__(self, setting: Setting, target: str, stack: contextlib.ExitStack):
        commands = {
            "avs": [setting.program, "load", "--target", target, *setting.client_tls],
            "grpcio": [sys.executable, "-m", "avs_interop.load", "--target", target, *setting.client_tls],
        }
        self.programs = {name: stack.enter_context(Program(*command)) for name, command in commands.items()}
        for client in self.programs.values():
            client.read_line()  # it calls

    def finish(self, phase: str, seconds: float) -> list[report.Result]:
        results = []
        for name, client in self.programs.items():
            client.ask_to_stop()
            tally = json.loads(client.read_line())
            failures = ", ".join(f"{count} × {text}" for text, count in tally["failures"].items())
            calls, failed = int(tally.get("calls", 0)), int(tally["failed"])
            say(f"{phase}: {name} made {calls} calls, {failed} failed")
            detail = f"{failed} of {calls + failed} calls failed: {failures}" if failed else f"{calls} calls"
            results.append(report.Result(
                phase, name, "failed" if failed or calls == 0 else "ok", detail, seconds))
        return results


def restarts(setting: Setting, count: int) -> list[report.Result]:
    ports = free_ports(2)
    began = time.monotonic()
    slowest = 0.0
    with contextlib.ExitStack() as stack:
        def start(index: int) -> Server:
            return stack.enter_context(setting.server("--port", str(ports[index]), "--name", str(index)))

        servers = [start(0), start(1)]
        for server in servers:
            stack.enter_context(Background(server.target, setting.scheme))
        callers = Callers(setting, "ipv4:" + ",".join(server.target for server in servers), stack)
        statuses = []
        for number in range(count):
            time.sleep(PAUSE)
            index = number % 2
            stopping = time.monotonic()
            statuses.append(servers[index].stop())
            slowest = max(slowest, time.monotonic() - stopping)
            servers[index] = start(index)
            if (number + 1) % 10 == 0:
                say(f"restarts: {number + 1} of {count}, the slowest took {slowest:.1f} s to stop")
        time.sleep(PAUSE)
        results = callers.finish("restarts", time.monotonic() - began)
        wrong = [status for status in statuses if status != 0]
        results.append(report.Result(
            "restarts", "server", "failed" if wrong else "ok",
            f"exit statuses {wrong}" if wrong else f"{count} restarts, at most {slowest:.1f} s to stop",
            time.monotonic() - began))
    return results


def age(setting: Setting, seconds: float) -> list[report.Result]:
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(setting.server("--maximum-age", "1", "--counts"))
        stack.enter_context(Background(server.target, setting.scheme))
        callers = Callers(setting, server.target, stack)
        while (left := seconds - (time.monotonic() - began)) > 0:
            time.sleep(min(30, left))
            say(f"age: {time.monotonic() - began:.0f} of {seconds:.0f} s")
        results = callers.finish("age", time.monotonic() - began)
        server.ask_to_stop()
        counts = json.loads(server.read_line())
        status, connections = server.stop(), int(counts["connections"])
        # Each channel should have come with a new connection about once a second; half of that shows that they do.
        right = status == 0 and connections >= seconds * CHANNELS / 2
        results.append(report.Result(
            "age", "server", "ok" if right else "failed",
            f"{connections} connections in {seconds:.0f} s, exit status {status}", time.monotonic() - began))
    return results


def run(options: argparse.Namespace) -> list[report.Result]:
    count = options.restarts if options.restarts is not None else 10 if options.short else 50
    minutes = options.age_minutes if options.age_minutes is not None else 0.2 if options.short else 5
    setting = Setting(build("debug" if options.short or options.debug else "release"), options.tls)
    results = restarts(setting, count) if count > 0 else []
    return results + (age(setting, minutes * 60) if minutes > 0 else [])


def as_text(results: list[report.Result]) -> str:
    lines = [f"{'what':13}{'who':9}{'outcome':9}detail"]
    lines += [f"{result.row:13}{result.column:9}{result.outcome:9}{result.detail}" for result in results]
    return "\n".join(lines)
