"""`grpc.testing.TestService` on grpcio.

usage: python -m avs_interop.server --port PORT [--name TEXT] [--certificate FILE --key FILE]

Serves on loopback until SIGTERM; prints `listening PORT` once it does.
"""

import argparse
import concurrent.futures
import signal
import threading
import time
from pathlib import Path

import grpc

from . import names
from .stubs import testing, testing_grpc

CODES = {code.value[0]: code for code in grpc.StatusCode}
LARGEST_RESPONSE = 64 << 20


def payload(kind: int, size: int, context: grpc.ServicerContext):
    if kind != testing.COMPRESSABLE:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"payload type {kind}: only COMPRESSABLE is supported")
    if not 0 <= size <= LARGEST_RESPONSE:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a response of {size} bytes")
    return testing.Payload(type=kind, body=bytes(size))


def end_as(status, context: grpc.ServicerContext) -> None:
    if status.code != 0:
        context.abort(CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message)


class TestService(testing_grpc.TestServiceServicer):
    """Does as the request says. What grpcio does not tell a handler, whether a message came compressed, it ignores."""

    def __init__(self, name: str):
        self.name = name

    def echo_metadata(self, context: grpc.ServicerContext) -> None:
        fields = list(context.invocation_metadata())
        initial = [(key, value) for key, value in fields if key == names.ECHO_INITIAL]
        context.set_trailing_metadata([(key, value) for key, value in fields if key == names.ECHO_TRAILING])
        context.send_initial_metadata([(names.SERVER_NAME, self.name), *initial])

    def EmptyCall(self, request, context):
        self.echo_metadata(context)
        return request

    def UnaryCall(self, request, context):
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        self.echo_metadata(context)
        end_as(request.response_status, context)
        answer = testing.SimpleResponse(payload=payload(request.response_type, request.response_size, context))
        if request.fill_username:
            tokens = [value for key, value in context.invocation_metadata() if key == "authorization"]
            answer.username = "".join(tokens).removeprefix("Bearer ")
        return answer

    def StreamingOutputCall(self, request, context):
        yield from self.answers([request], context)

    def StreamingInputCall(self, requests, context):
        self.echo_metadata(context)
        return testing.StreamingInputCallResponse(
            aggregated_payload_size=sum(len(request.payload.body) for request in requests))

    def FullDuplexCall(self, requests, context):
        yield from self.answers(requests, context)

    def HalfDuplexCall(self, requests, context):
        yield from self.answers(list(requests), context)

    def answers(self, requests, context):
        """The answers that each request lists. The headers go out with the first request: they name an encoding."""
        has_begun = False
        for request in requests:
            if not has_begun:
                has_begun = True
                if any(parameters.compressed.value for parameters in request.response_parameters):
                    context.set_compression(grpc.Compression.Gzip)
                self.echo_metadata(context)
            end_as(request.response_status, context)
            for parameters in request.response_parameters:
                if parameters.interval_us > 0:
                    time.sleep(parameters.interval_us / 1e6)
                if not parameters.compressed.value:
                    context.disable_next_message_compression()
                yield testing.StreamingOutputCallResponse(
                    payload=payload(request.response_type, parameters.size, context))


def main() -> None:
    parser = argparse.ArgumentParser(description="grpc.testing.TestService on grpcio, on loopback, until SIGTERM.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", default="grpcio", help="goes out with each answer, to tell servers apart")
    parser.add_argument("--certificate", type=Path, help="TLS, with this PEM chain")
    parser.add_argument("--key", type=Path, help="its key, PEM")
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(max_workers=32), options=[("grpc.so_reuseport", 0)])
    testing_grpc.add_TestServiceServicer_to_server(TestService(options.name), server)
    address = f"127.0.0.1:{options.port}"
    if options.certificate:
        pair = (options.key.read_bytes(), options.certificate.read_bytes())
        port = server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(f"listening {port}", flush=True)
    stop.wait()
    server.stop(5).wait()


if __name__ == "__main__":
    main()
