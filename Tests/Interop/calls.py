"""Calls of every kind to the service of ForeignClientTests by gRPC core: calls.py TARGET. Prints what failed, then DONE."""

import concurrent.futures
import sys
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def same(message):
    return message


def failure(call):
    try:
        call()
        return None
    except grpc.RpcError as error:
        return error.code()


def check(name, is_true):
    if not is_true:
        print("FAILED", name)


def unary(channel, method):
    return channel.unary_unary("/test.Service/" + method, same, same)


def unary_cases(channel):
    echo = unary(channel, "Echo")
    for size in (0, 1, 100, 314_159, 4_000_000):
        check(f"echo of {size}", echo(b"x" * size) == b"x" * size)
    check("over the limit", failure(lambda: echo(b"x" * 4_194_305)) == grpc.StatusCode.RESOURCE_EXHAUSTED)
    metadata = (("in", "a"), ("in", "b"), ("in-bin", b"\x00\xff"))
    answer, call = unary(channel, "Meta").with_call(b"", metadata=metadata)
    check("initial metadata", ("echo", "a+b") in [(k, v) for k, v in call.initial_metadata()])
    check("trailing metadata", ("out-bin", b"\x00\xff") in [(k, v) for k, v in call.trailing_metadata()])
    try:
        unary(channel, "Meta")(b"1")
    except grpc.RpcError as error:
        check("special status message", error.details() == "\t\r\n☺ 😈 100%")
        check("status", error.code() == grpc.StatusCode.NOT_FOUND)
    check("unknown method", failure(lambda: unary(channel, "Nope")(b"")) == grpc.StatusCode.UNIMPLEMENTED)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        check("concurrent", all(len(r) == 100_000 for r in pool.map(lambda _: echo(b"x" * 100_000), range(100))))


def ending_cases(channel):
    for timeout in (0.001, 0.2):
        code = failure(lambda: unary(channel, "Hang")(b"", timeout=timeout))
        check(f"deadline {timeout}", code == grpc.StatusCode.DEADLINE_EXCEEDED)
    future = unary(channel, "Hang").future(b"")
    time.sleep(0.1)
    future.cancel()
    check("cancel", future.cancelled())


def streaming_cases(channel):
    count = channel.unary_stream("/test.Service/Count", same, same)
    check("server streaming", [m[0] for m in count(b"\xc8")] == list(range(200)))
    collect = channel.stream_unary("/test.Service/Collect", same, same)
    check("client streaming", collect(iter([b"a" * 27_182, b"b" * 8, b"c" * 1_828, b"d" * 45_904])) == b"4 74922")
    check("no requests", collect(iter([])) == b"0 0")
    mirror = channel.stream_stream("/test.Service/Mirror", same, same)
    messages = [b"1", b"", b"3" * 100_000]
    check("bidirectional", list(mirror(iter(messages))) == messages)
    check("empty stream", list(mirror(iter([]))) == [])


def health_cases(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    check("health", stub.Check(health_pb2.HealthCheckRequest()).status == 1)
    unknown = failure(lambda: stub.Check(health_pb2.HealthCheckRequest(service="x")))
    check("health of an unknown service", unknown == grpc.StatusCode.NOT_FOUND)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="x"))
    check("watch", next(watch).status == 3)
    watch.cancel()


def main():
    with grpc.insecure_channel(sys.argv[1]) as channel:
        unary_cases(channel)
        ending_cases(channel)
        streaming_cases(channel)
        health_cases(channel)
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        with grpc.insecure_channel(sys.argv[1], compression=compression) as channel:
            message = b"hello " * 10_000
            check(str(compression), unary(channel, "Echo")(message) == message)
            mirror = channel.stream_stream("/test.Service/Mirror", same, same)
            check(f"{compression} stream", list(mirror(iter([message, b"1"]))) == [message, b"1"])
    print("DONE")


main()
