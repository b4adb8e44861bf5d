"""Connections that come and go on grpcio, for as long as each line of standard input says, as `avs-interop churn`.

usage: python -m avs_interop.churn --target HOST:PORT [--authority FILE]
"""

import argparse
import collections
import json
import random
import sys
import threading
import time
from pathlib import Path

from . import client
from .stubs import testing_grpc

WORKERS = 3
CALLS_OF_A_CHANNEL = 40
KINDS = ["empty_unary", "large_unary", "server_streaming", "ping_pong", "cancel_after_begin",
         "cancel_after_first_response", "timeout_on_sleeping_server", "special_status_message"]


class Churn:
    def __init__(self, target: str, authority: bytes | None, seed: int):
        self.cases = client.Cases(target, None, authority)
        self.random = random.Random(seed)
        self.counts: collections.Counter[str] = collections.Counter()
        self.failures: collections.Counter[str] = collections.Counter()

    def run(self, end: float) -> None:
        while time.monotonic() < end:
            with self.cases.channel() as channel:
                self.counts["connections"] += 1
                stub = testing_grpc.TestServiceStub(channel)
                for _ in range(self.random.randint(1, CALLS_OF_A_CHANNEL)):
                    if time.monotonic() >= end:
                        break
                    self.call(self.random.choice(KINDS), stub)

    def call(self, kind: str, stub) -> None:
        try:
            getattr(self.cases, kind)(stub)
            self.counts["calls"] += 1
            self.counts[kind] += 1
        except Exception as error:  # whatever it is, it is what this program counts
            self.failures[f"{kind}: {error}"] += 1


def work(target: str, authority: bytes | None, seconds: float, seed: int) -> dict:
    churns = [Churn(target, authority, seed + number) for number in range(WORKERS)]
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=churn.run, args=(end,)) for churn in churns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts: collections.Counter[str] = collections.Counter()
    failures: collections.Counter[str] = collections.Counter()
    for churn in churns:
        counts += churn.counts
        failures += churn.failures
    return {**counts, "failed": failures.total(), "failures": dict(failures)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Connections that come and go on grpcio.")
    parser.add_argument("--target", required=True, help="the server, host:port")
    parser.add_argument("--authority", type=Path, help="TLS, trusting the authority in this PEM file")
    options = parser.parse_args()
    authority = options.authority.read_bytes() if options.authority else None
    for number, line in enumerate(sys.stdin):
        print(json.dumps(work(options.target, authority, float(line), 1_000 * number)), flush=True)


if __name__ == "__main__":
    main()
