"""Calls without a pause on grpcio until SIGTERM; then prints how many there were and which failed, as JSON.

usage: python -m avs_interop.load --target TARGET [--authority FILE]

The counterpart of `avs-interop load`: no call waits for ready, none is repeated by hand. Of four callers two make unary
calls, one reads streams that last 60 ms, and one reads streams that last a second and a half.
"""

import argparse
import collections
import json
import signal
import threading
from pathlib import Path

import grpc

from .stubs import testing, testing_grpc

CHANNELS = 2
CALLERS = 4  # on each channel
STREAMS = {1: (3, 20_000), 3: (15, 100_000)}  # caller → answers, microseconds before each; the others are unary
PAUSE_AFTER_FAILURE = 0.02  # a server that is gone for good must not make millions of them


class Load:
    def __init__(self, target: str, authority: bytes | None):
        self.target, self.authority = target, authority
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.calls = 0
        self.failures: collections.Counter[str] = collections.Counter()

    def channel(self) -> grpc.Channel:
        options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
        if self.authority is None:
            return grpc.insecure_channel(self.target, options)
        options += [("grpc.ssl_target_name_override", "localhost"), ("grpc.default_authority", "localhost")]
        return grpc.secure_channel(self.target, grpc.ssl_channel_credentials(self.authority), options)

    def call(self, stub, caller: int) -> None:
        unary = testing.SimpleRequest(payload=testing.Payload(body=bytes(100)), response_size=1_000)
        answers, pause = STREAMS.get(caller, (0, 0))
        stream = testing.StreamingOutputCallRequest(
            response_parameters=[testing.ResponseParameters(size=100, interval_us=pause)] * answers)
        while not self.stopped.is_set():
            try:
                if answers:
                    right = sum(1 for _ in stub.StreamingOutputCall(stream)) == answers
                else:
                    right = len(stub.UnaryCall(unary).payload.body) == 1_000
                failure = None if right else "a wrong answer"
            except grpc.RpcError as error:
                failure = f"{error.code().name}: {error.details()}"
            with self.lock:
                self.calls += failure is None
                if failure is not None:
                    self.failures[f"{'stream' if answers else 'unary'}: {failure}"] += 1
            if failure is not None:
                self.stopped.wait(PAUSE_AFTER_FAILURE)

    def run(self) -> dict:
        channels = [self.channel() for _ in range(CHANNELS)]
        callers = [
            threading.Thread(target=self.call, args=(testing_grpc.TestServiceStub(channel), number))
            for channel in channels for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        print("calling", flush=True)
        self.stopped.wait()
        for caller in callers:
            caller.join()
        for channel in channels:
            channel.close()
        return {"calls": self.calls, "failed": self.failures.total(), "failures": dict(self.failures)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Calls without a pause on grpcio until SIGTERM.")
    parser.add_argument("--target", required=True, help="one address, or several: ipv4:a:1,b:2")
    parser.add_argument("--authority", type=Path, help="TLS, trusting the authority in this PEM file")
    arguments = parser.parse_args()
    load = Load(arguments.target, arguments.authority.read_bytes() if arguments.authority else None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: load.stopped.set())
    print(json.dumps(load.run()), flush=True)


if __name__ == "__main__":
    main()
