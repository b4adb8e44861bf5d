"""The demonstration behind tools/run: a chain, an aggregator, an operator, five tasks, and what becomes of them."""

import argparse
import pathlib
import signal
import sys
import time

from client import Client
from processes import ProcessDied, System
from tasks import Demonstration

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Stopped(Exception):
    """Somebody pressed Ctrl-C, or a supervisor ends us."""


def main() -> int:
    arguments = parse()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    system = System(ROOT, pathlib.Path(arguments.binaries))
    try:
        system.start()
        demonstration = Demonstration(Client(ROOT, system), system)
        demonstration.create()
        return run(demonstration, system, arguments)
    except Stopped:
        say("stopping")
        return 1 if arguments.once else 0
    except ProcessDied as death:
        say(f"failed: {death}")
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        system.stop()


def run(demonstration: Demonstration, system: System, arguments: argparse.Namespace) -> int:
    deadline = time.monotonic() + arguments.timeout
    while True:
        system.check()
        demonstration.step()
        if arguments.once and demonstration.is_complete:
            print(demonstration.table())
            return 0
        if arguments.once and time.monotonic() > deadline:
            print(demonstration.table())
            say(f"failed: after {arguments.timeout} s these have no successful execution: {demonstration.missing}")
            return 1
        time.sleep(0.2)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", required=True)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--timeout", type=float, default=180)
    return parser.parse_args()


def stop(*_) -> None:
    raise Stopped


def say(text: str) -> None:
    print(f"run: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
