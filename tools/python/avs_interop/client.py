"""The interop cases on grpcio.

usage: python -m avs_interop.client --target HOST:PORT [--second HOST:PORT] [--authority FILE] [--only CASE]…

Prints one JSON object a line: {"case", "outcome", "detail", "seconds"}; the outcome is ok, failed or skipped.
"""

import argparse
import concurrent.futures
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import grpc

from . import names
from .meter import Meter
from .stubs import testing, testing_grpc

CALL_SECONDS = 60


class Skipped(Exception):
    """The case cannot be run here, and why."""


def expect(value, wanted, what: str) -> None:
    if value != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {value!r}")


def expect_status(code: grpc.StatusCode, what: str, call) -> grpc.RpcError:
    """Runs what must fail with a status, and returns that."""
    try:
        call()
    except grpc.RpcError as error:
        if error.code() != code:
            raise AssertionError(f"{what}: wanted {code.name}, got {error.code().name}: {error.details()}") from error
        return error
    raise AssertionError(f"{what}: wanted {code.name}, got OK")


def zeros(size: int):
    return testing.Payload(body=bytes(size))


def outputs(*sizes: int, **parameters):
    return [testing.ResponseParameters(size=size, **parameters) for size in sizes]


@dataclass
class Cases:
    target: str
    second: str | None
    authority: bytes | None

    # Channels

    def channel(self, target: str | None = None) -> grpc.Channel:
        options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
        if self.authority is None:
            return grpc.insecure_channel(target or self.target, options)
        options += [("grpc.ssl_target_name_override", "localhost"), ("grpc.default_authority", "localhost")]
        return grpc.secure_channel(
            target or self.target, grpc.ssl_channel_credentials(self.authority), options)

    def run(self, case: str) -> None:
        method = getattr(self, case, None)
        if method is None:
            raise Skipped(REASONS[case])
        with self.channel() as channel:
            method(testing_grpc.TestServiceStub(channel))

    # Messages

    def empty_unary(self, stub) -> None:
        expect(stub.EmptyCall(testing.Empty(), timeout=CALL_SECONDS), testing.Empty(), "answer")

    def large_unary(self, stub, **options):
        change = options.pop("change", {})
        request = testing.SimpleRequest(payload=zeros(271_828), response_size=314_159, **change)
        answer, call = stub.UnaryCall.with_call(request, timeout=CALL_SECONDS, **options)
        expect(answer.payload == zeros(314_159), True, "the payload is 314159 zeros")
        return answer, call

    def client_streaming(self, stub) -> None:
        requests = [testing.StreamingInputCallRequest(payload=zeros(size)) for size in (27_182, 8, 1_828, 45_904)]
        answer = stub.StreamingInputCall(iter(requests), timeout=CALL_SECONDS)
        expect(answer.aggregated_payload_size, 74_922, "sum of the sizes")

    def server_streaming(self, stub) -> None:
        sizes = [31_415, 9, 2_653, 58_979]
        request = testing.StreamingOutputCallRequest(response_parameters=outputs(*sizes))
        answers = stub.StreamingOutputCall(request, timeout=CALL_SECONDS)
        expect([len(answer.payload.body) for answer in answers], sizes, "sizes of the answers")

    def ping_pong(self, stub) -> None:
        answered, steps = threading.Semaphore(1), [(27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979)]

        def requests():
            for up, down in steps:
                answered.acquire()
                yield testing.StreamingOutputCallRequest(payload=zeros(up), response_parameters=outputs(down))

        sizes = []
        for answer in stub.FullDuplexCall(requests(), timeout=CALL_SECONDS):
            sizes.append(len(answer.payload.body))
            answered.release()
        expect(sizes, [down for _, down in steps], "sizes of the answers")

    def empty_stream(self, stub) -> None:
        expect(list(stub.FullDuplexCall(iter([]), timeout=CALL_SECONDS)), [], "answers to no request")

    # Compression

    def client_compressed_unary(self, stub) -> None:
        claims = {"expect_compressed": testing.BoolValue(value=True)}
        expect_status(grpc.StatusCode.INVALID_ARGUMENT, "a plain message that claims to be compressed",
                      lambda: self.large_unary(stub, change=claims))
        self.large_unary(stub, change=claims, compression=grpc.Compression.Gzip)
        self.large_unary(stub, change={"expect_compressed": testing.BoolValue(value=False)})

    def server_compressed_unary(self, _) -> None:
        for wanted in (True, False):
            with Meter(self.target) as meter, self.channel(meter.address) as channel:
                stub = testing_grpc.TestServiceStub(channel)
                self.large_unary(stub, change={"response_compressed": testing.BoolValue(value=wanted)})
                expect(meter.received < 50_000, wanted, f"few of {meter.received} bytes on the wire")

    def client_compressed_streaming(self, stub) -> None:
        yes, no = testing.BoolValue(value=True), testing.BoolValue(value=False)
        claim = testing.StreamingInputCallRequest(payload=zeros(27_182), expect_compressed=yes)
        expect_status(grpc.StatusCode.INVALID_ARGUMENT, "a plain message that claims to be compressed",
                      lambda: stub.StreamingInputCall(iter([claim]), timeout=CALL_SECONDS))
        # grpcio offers no choice for a single message, but core sends what does not shrink as it is.
        noise = testing.Payload(body=os.urandom(45_904))
        plain = testing.StreamingInputCallRequest(payload=noise, expect_compressed=no)
        answer = stub.StreamingInputCall(
            iter([claim, plain]), timeout=CALL_SECONDS, compression=grpc.Compression.Gzip)
        expect(answer.aggregated_payload_size, 73_086, "sum of the sizes")

    def server_compressed_streaming(self, _) -> None:
        yes, no = testing.BoolValue(value=True), testing.BoolValue(value=False)
        request = testing.StreamingOutputCallRequest(
            response_parameters=outputs(31_415, compressed=yes) + outputs(92_653, compressed=no))
        with Meter(self.target) as meter, self.channel(meter.address) as channel:
            answers = testing_grpc.TestServiceStub(channel).StreamingOutputCall(request, timeout=CALL_SECONDS)
            expect([len(answer.payload.body) for answer in answers], [31_415, 92_653], "sizes of the answers")
            expect(92_653 < meter.received < 92_653 + 20_000, True,
                   f"the second of two messages plain, the first not, in {meter.received} bytes on the wire")

    # Metadata and credentials

    def custom_metadata(self, stub) -> None:
        metadata = [(names.ECHO_INITIAL, "test_initial_metadata_value"), (names.ECHO_TRAILING, b"\xab\xab\xab")]
        _, call = self.large_unary(stub, metadata=metadata)
        self.check_echoes(call)
        request = testing.StreamingOutputCallRequest(payload=zeros(271_828), response_parameters=outputs(314_159))
        call = stub.FullDuplexCall(iter([request]), metadata=metadata, timeout=CALL_SECONDS)
        expect(len(list(call)), 1, "answers")
        self.check_echoes(call)

    @staticmethod
    def check_echoes(call) -> None:
        initial = [value for key, value in call.initial_metadata() if key == names.ECHO_INITIAL]
        trailing = [value for key, value in call.trailing_metadata() if key == names.ECHO_TRAILING]
        expect(initial, ["test_initial_metadata_value"], "text in the headers")
        expect(trailing, [b"\xab\xab\xab"], "bytes in the trailers")

    def per_rpc_creds(self, stub) -> None:
        if self.authority is None:
            raise Skipped("grpcio sends the credentials of a call over TLS only")
        mine, _ = self.large_unary(
            stub, change={"fill_username": True}, credentials=grpc.access_token_call_credentials("interop-user"))
        expect(mine.username, "interop-user", "caller with credentials")
        nobodys, _ = self.large_unary(stub, change={"fill_username": True})
        expect(nobodys.username, "", "caller without credentials")

    # Statuses

    def status_code_and_message(self, stub, text: str = "test status message") -> None:
        status = testing.EchoStatus(code=2, message=text)
        error = expect_status(grpc.StatusCode.UNKNOWN, "unary", lambda: stub.UnaryCall(
            testing.SimpleRequest(response_status=status), timeout=CALL_SECONDS))
        expect(error.details(), text, "text, unary")
        error = expect_status(grpc.StatusCode.UNKNOWN, "duplex", lambda: list(stub.FullDuplexCall(
            iter([testing.StreamingOutputCallRequest(response_status=status)]), timeout=CALL_SECONDS)))
        expect(error.details(), text, "text, duplex")

    def special_status_message(self, stub) -> None:
        self.status_code_and_message(
            stub, "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n")

    def unimplemented_method(self, stub) -> None:
        expect_status(grpc.StatusCode.UNIMPLEMENTED, "a method that the service lacks",
                      lambda: stub.UnimplementedCall(testing.Empty(), timeout=CALL_SECONDS))

    def unimplemented_service(self, _) -> None:
        with self.channel() as channel:
            stub = testing_grpc.UnimplementedServiceStub(channel)
            expect_status(grpc.StatusCode.UNIMPLEMENTED, "a service that the server lacks",
                          lambda: stub.UnimplementedCall(testing.Empty(), timeout=CALL_SECONDS))

    # Ends from this side

    def cancel_after_begin(self, stub) -> None:
        never = threading.Event()

        def requests():
            never.wait(CALL_SECONDS)
            yield from ()

        call = stub.StreamingInputCall.future(requests(), timeout=CALL_SECONDS)
        call.cancel()
        never.set()
        expect(call.code(), grpc.StatusCode.CANCELLED, "status")

    def cancel_after_first_response(self, stub) -> None:
        done = threading.Event()

        def requests():
            yield testing.StreamingOutputCallRequest(payload=zeros(27_182), response_parameters=outputs(31_415))
            done.wait(CALL_SECONDS)

        call = stub.FullDuplexCall(requests(), timeout=CALL_SECONDS)
        expect(len(next(call).payload.body), 31_415, "size of the answer")
        call.cancel()
        done.set()
        expect(call.code(), grpc.StatusCode.CANCELLED, "status")

    def timeout_on_sleeping_server(self, stub) -> None:
        request = testing.StreamingOutputCallRequest(
            payload=zeros(27_182), response_parameters=outputs(31_415, interval_us=1_000_000))
        expect_status(grpc.StatusCode.DEADLINE_EXCEEDED, "a call with 1 ms to live",
                      lambda: list(stub.FullDuplexCall(iter([request]), timeout=0.001)))

    # Many

    def concurrent_large_unary(self, stub) -> None:
        with concurrent.futures.ThreadPoolExecutor(1) as checker:
            request = testing.SimpleRequest(payload=zeros(271_828), response_size=314_159)
            wanted = zeros(314_159)
            calls = [stub.UnaryCall.future(request, timeout=CALL_SECONDS) for _ in range(1_000)]
            same = list(checker.map(lambda call: call.result().payload == wanted, calls))
            expect(same.count(True), 1_000, "right answers")

    def pick_first_unary(self, _) -> None:
        if self.second is None:
            raise Skipped("needs a second server")
        with self.channel(f"ipv4:{self.target},{self.second}") as channel:
            stub = testing_grpc.TestServiceStub(channel)
            answered = set()
            for _ in range(20):
                _, call = stub.UnaryCall.with_call(testing.SimpleRequest(), timeout=CALL_SECONDS)
                answered |= {value for key, value in call.initial_metadata() if key == names.SERVER_NAME}
            expect(len(answered), 1, "servers that answered")

    def rpc_soak(self, stub) -> None:
        for _ in range(100):
            self.large_unary(stub)

    def channel_soak(self, _) -> None:
        for _ in range(100):
            with self.channel() as channel:
                self.large_unary(testing_grpc.TestServiceStub(channel))

    def long_lived_channel(self, stub) -> None:
        for _ in range(5):
            self.large_unary(stub)
            time.sleep(0.3)


CLOUD = "needs a cloud; the mechanism itself is tested by per_rpc_creds"
REASONS = {
    "cacheable_unary": "historic: it used GET, which gRPC has given up",
    "orca_per_rpc": "optional: load reports are not built",
    "orca_oob": "optional: load reports are not built",
    "compute_engine_creds": CLOUD, "jwt_token_creds": CLOUD, "oauth2_auth_token": CLOUD,
    "google_default_credentials": CLOUD,
}


def run(cases: Cases, case: str) -> dict:
    began = time.monotonic()
    outcome, detail = "ok", ""
    try:
        cases.run(case)
    except Skipped as skipped:
        outcome, detail = "skipped", str(skipped)
    except grpc.RpcError as error:
        outcome, detail = "failed", f"{error.code().name}: {error.details()}"
    except Exception as error:
        outcome, detail = "failed", f"{type(error).__name__}: {error}"
    return {"case": case, "outcome": outcome, "detail": detail, "seconds": time.monotonic() - began}


def main() -> int:
    parser = argparse.ArgumentParser(description="The interop cases on grpcio, against a server of any make.")
    parser.add_argument("--target", required=True, help="the server, host:port")
    parser.add_argument("--second", help="a second server of the same kind, for pick_first_unary")
    parser.add_argument("--authority", type=Path, help="TLS, trusting the authority in this PEM file")
    parser.add_argument("--only", action="append", choices=names.CASES, metavar="CASE", help="may be repeated")
    options = parser.parse_args()
    cases = Cases(options.target, options.second, options.authority.read_bytes() if options.authority else None)
    failed = 0
    for case in options.only or names.CASES:
        result = run(cases, case)
        failed += result["outcome"] == "failed"
        print(json.dumps(result), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
