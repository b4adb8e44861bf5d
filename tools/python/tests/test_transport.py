"""What every call has in common: statuses, trailers, sizes, bytes that are no message; health and reflection."""

import http.client
import socket

import grpc
import pytest
from avs_testbed import tasks
from avs_testbed.details import Details
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.users import User
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived

SERVICES = {"aggregator.Aggregator", "aggregator.Node", "grpc.health.v1.Health"}
MESSAGE_LIMIT = 4 << 20


class RawCall:
    """One POST on an HTTP/2 connection of its own, byte by byte as the test wants it."""

    def __init__(self, aggregator, path: str, body: bytes | list[bytes] = b"", *, ends: bool = True, **headers):
        fields = {":method": "POST", ":scheme": "http", ":authority": "bench", ":path": path,
                  "content-type": "application/grpc", "te": "trailers"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.headers: dict[str, str] = {}
        self.reset: int | None = None
        with socket.create_connection(("127.0.0.1", aggregator.port), 30) as stream:
            stream.settimeout(30)
            connection = H2Connection(H2Configuration(header_encoding="utf-8"))
            connection.initiate_connection()
            number = connection.get_next_available_stream_id()
            connection.send_headers(number, [item for item in fields.items() if item[1] is not None])
            connection.send_data(number, body, end_stream=ends)
            stream.sendall(connection.data_to_send())
            while self._is_open(connection.receive_data(stream.recv(65_536))):
                stream.sendall(connection.data_to_send())

    def _is_open(self, events) -> bool:
        for event in events:
            if isinstance(event, (ResponseReceived, TrailersReceived)):
                self.headers |= dict(event.headers)
            if isinstance(event, StreamReset):
                self.reset = event.error_code
            if isinstance(event, (StreamEnded, StreamReset)):
                return False
        return True

    @property
    def status(self) -> str | None:
        return self.headers.get("grpc-status")


def framed(message: bytes, *, compressed: int = 0, length: int | None = None) -> bytes:
    return bytes([compressed]) + (len(message) if length is None else length).to_bytes(4, "big") + message


def raw(user: User, name: str, message: bytes):
    """Calls with these bytes for a message."""
    call = user.stub_channel.unary_unary(f"/aggregator.Aggregator/{name}")
    return call(message, metadata=[("authkey", user.token)], timeout=60)


@pytest.fixture
def user(channel):
    user = User(channel).sign_in()
    user.stub_channel = channel
    return user


# Statuses

def test_every_error_has_its_number_and_a_code_of_grpc(user, wallet):
    """API-10.1.16"""
    for code, domain, request in (
            ("NOT_FOUND", 2000, ("GetTask", avs.IdReq(id="x"))),
            ("INVALID_ARGUMENT", 3006, ("GetTask", avs.IdReq())),
            ("INVALID_ARGUMENT", 3003, ("CreateTask", avs.CreateTaskReq())),
            ("NOT_FOUND", 2002, ("SetWallet", avs.SetWalletReq(salt="77")))):
        with refused(code, domain):
            user.call(*request)


@pytest.mark.parametrize("path, text", [
    ("/aggregator.Aggregator/Nothing", "unknown method 'Nothing' of service 'aggregator.Aggregator'"),
    ("/aggregator.Aggregator/gettask", "unknown method 'gettask' of service 'aggregator.Aggregator'"),
    ("/aggregator.Nothing/GetTask", "unknown service 'aggregator.Nothing'"),
    ("/a/b/c", "unknown service 'a/b'"), ("/Nothing", "…"), ("//", "…"),
])
def test_an_unknown_method_is_named(user, path, text):
    """API-10.1.13, HDR-5"""
    with refused("UNIMPLEMENTED", None, text):
        user.stub_channel.unary_unary(path)(b"", metadata=[("authkey", user.token)], timeout=60)


@pytest.mark.parametrize("name", ["WithdrawFunds", "GetTask", "EstimateFees"])
def test_every_method_of_the_schema_ends_with_a_status(user, name):
    """API-10.1.13"""
    method = avs.DESCRIPTOR.services_by_name["Aggregator"].methods_by_name[name]
    with pytest.raises(grpc.RpcError) as raised:
        user.call(name, getattr(avs, method.input_type.name)())
    assert 0 < raised.value.code().value[0] <= 16 and raised.value.details()


# Bytes

@pytest.mark.parametrize("message", [b"\x0a\x05abc", b"\x0a", b"\xff" * 20, b"\x08\x96", b"\x0b\x0b"],
                         ids=["cut short", "no length", "no varint end", "cut varint", "group"])
def test_bytes_that_are_no_message(user, message):
    """API-10.1.13"""
    with refused("INTERNAL"):
        raw(user, "GetTask", message)


def test_text_that_is_no_utf8(user):
    """grpc-runtime: a string field holds UTF-8."""
    for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"ab\x80"):
        with refused("INTERNAL"):
            raw(user, "GetTask", b"\x0a" + bytes([len(text)]) + text)


def test_a_nul_in_an_id(user):
    """INP: no id, name, address or key has one."""
    for name, request in (("GetTask", avs.IdReq(id="a\0")), ("CancelTask", avs.IdReq(id="\0")),
                          ("GetExecution", avs.ExecutionReq(task_id="a\0b", execution_id="x")),
                          ("ListExecutions", avs.ListExecutionsReq(task_ids=["\0"]))):
        with refused("INVALID_ARGUMENT", 3000, "…NUL"):
            user.call(name, request)


def test_fields_from_the_future_are_skipped(user, wallet):
    """aggregator-api 1.5"""
    task_id = user.create(tasks.task(wallet))
    message = avs.IdReq(id=task_id).SerializeToString() + b"\xfa\x3e\x03new" + b"\xc0\x3e\x01"
    assert avs.Task.FromString(raw(user, "GetTask", message)).id == task_id


def test_a_message_as_large_as_allowed_arrives_and_a_larger_one_does_not(user):
    """aggregator-api 1.1: 4 MiB."""

    def message(total: int) -> bytes:
        """An IdReq with nothing but an unknown field, which is skipped: tag, length in four bytes, content."""
        size = total - 5
        length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 21])
        return b"\x12" + length + b"x" * size

    with refused("INVALID_ARGUMENT", 3006, "Missing task id in request"):
        raw(user, "GetTask", message(MESSAGE_LIMIT))
    with refused("RESOURCE_EXHAUSTED"):
        raw(user, "GetTask", message(MESSAGE_LIMIT + 1))
    assert user.wallet().address, "the connection goes on"


@pytest.mark.parametrize(("what", "metadata", "message", "text", "limit"), [
    ("headers", [("x-much", "y" * 20_000)], b"", "16384 bytes", "size of a request's headers"),
    ("fields", [(f"x-{number}", "y") for number in range(140)], b"", "128 fields", "size of a request's headers"),
    ("a message", [], b"z" * (MESSAGE_LIMIT + 1), f"the limit of {MESSAGE_LIMIT} bytes", "size of a message"),
])
def test_what_is_too_large_says_that_repeating_is_useless(channel, user, what, metadata, message, text, limit):
    """OVL-5: also what the transport refuses by itself, before anything of ours sees the call."""
    call = channel.unary_unary("/aggregator.Aggregator/GetTask", request_serializer=bytes)
    with pytest.raises(grpc.RpcError) as caught:
        call(message, metadata=[("authkey", user.token), *metadata], timeout=30)
    error = caught.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and text in error.details(), what
    assert dict(error.trailing_metadata())["grpc-retry-pushback-ms"] == "-1"
    details = Details(error)
    assert details.retry_seconds is None
    assert details.violations == [(limit, error.details())]


def test_anonymous_callers_send_little(channel):
    """design: what needs no token takes 16 KiB at most."""
    with refused("RESOURCE_EXHAUSTED"):
        User(channel).call("GetKey", avs.GetKeyReq(message="x" * 20_000))


def test_compressed_requests_are_read(user, wallet):
    """grpc-runtime: gzip and deflate in, whatever the client accepts out."""
    for algorithm in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        request = tasks.task(wallet, name="z" * 10_000)
        answer = user.stub.CreateTask(request, metadata=[("authkey", user.token)], timeout=60, compression=algorithm)
        assert user.task(answer.id).name == "z" * 10_000


# Below gRPC

def test_another_content_type_is_refused(aggregator):
    """API-10.1.13"""
    for kind in ("application/json", "text/plain", "application/grpcx", None):
        call = RawCall(aggregator, "/aggregator.Node/HealthCheck", framed(b""), content_type=kind)
        assert call.headers[":status"] == "415" or call.status not in (None, "0"), call.headers


def test_a_stream_that_ends_inside_a_message(aggregator):
    """API-10.1.13"""
    for body in (b"\x00", framed(b"abc", length=10), framed(b"")[:4], b"\x00\xff\xff\xff\xff"):
        call = RawCall(aggregator, "/aggregator.Node/HealthCheck", body)
        assert call.status not in (None, "0"), (body, call.headers)


def test_a_message_that_announces_too_much_is_refused_before_it_comes(aggregator):
    """API-10.1.13"""
    call = RawCall(aggregator, "/aggregator.Node/HealthCheck", framed(b"", length=MESSAGE_LIMIT + 1), ends=False)
    assert call.status == "8", call.headers


@pytest.mark.parametrize("flag", [1, 2, 255])
def test_a_compression_that_was_not_announced(aggregator, flag):
    """grpc-runtime"""
    call = RawCall(aggregator, "/aggregator.Node/HealthCheck", framed(b"", compressed=flag))
    assert call.status == "13", call.headers


def test_no_message_and_two_messages(aggregator):
    """A unary call has exactly one."""
    for body in (b"", framed(b"") * 2):
        call = RawCall(aggregator, "/aggregator.Node/HealthCheck", body)
        assert call.status not in (None, "0"), (body, call.headers)
    assert RawCall(aggregator, "/aggregator.Node/HealthCheck", framed(b"")).status == "0"


def test_text_of_a_peer_arrives_whole(user):
    """grpc-message is percent-encoded on the wire."""
    with refused("INVALID_ARGUMENT", 3000, "invalid salt value: 10%\n ü€"):
        user.wallet("10%\n ü€")


def test_what_speaks_http_1_is_sent_away(aggregator, user):
    connection = http.client.HTTPConnection("127.0.0.1", aggregator.port, timeout=30)
    try:
        connection.request("GET", "/")
        assert connection.getresponse().status >= 400
    except (http.client.HTTPException, OSError):
        pass
    finally:
        connection.close()
    assert user.wallet().address, "others go on"


def test_a_deadline_that_has_passed(user):
    with refused("DEADLINE_EXCEEDED"):
        user.call("GetWallet", avs.GetWalletReq(salt="5"), timeout=0.000_001)


# Health and reflection

@pytest.mark.parametrize("service", ["", "aggregator.Aggregator", "aggregator.Node"])
def test_health_is_serving(channel, service):
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=60)
    assert next(iter(watch)).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def test_health_of_an_unknown_service(channel):
    with refused("NOT_FOUND"):
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=60)


def asked(channel, **request):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    return next(iter(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**request)]), timeout=60)))


def test_reflection_lists_the_services(channel):
    """API-10.1.15"""
    found = {item.name for item in asked(channel, list_services="").list_services_response.service}
    assert SERVICES <= found


@pytest.mark.parametrize("request_fields", [
    {"file_containing_symbol": "aggregator.Node"}, {"file_containing_symbol": "aggregator.Aggregator.GetTask"},
    {"file_by_filename": "avs.proto"}])
def test_reflection_describes_what_the_schema_says(channel, request_fields):
    """API-10.1.15"""
    files = asked(channel, **request_fields).file_descriptor_response.file_descriptor_proto
    described = [descriptor_pb2.FileDescriptorProto.FromString(content) for content in files]
    assert {file.package for file in described} & {"aggregator"}
    ours = {file.name: file for file in described}
    if "avs.proto" in ours:
        expected = descriptor_pb2.FileDescriptorProto()
        avs.DESCRIPTOR.CopyToProto(expected)
        assert [m.name for m in ours["avs.proto"].message_type] == [m.name for m in expected.message_type]


def test_reflection_of_an_unknown_symbol(channel):
    """API-10.1.15"""
    assert asked(channel, file_containing_symbol="no.Such").error_response.error_code == 5
