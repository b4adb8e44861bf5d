"""The same service over TLS, with a certificate that the fixture makes."""

import shutil
import subprocess
from pathlib import Path

import grpc
import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.operators import Operator
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until
from grpc_health.v1 import health_pb2, health_pb2_grpc


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(
        [shutil.which("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=60)
    key.chmod(0o600)
    return certificate, key


class SecureAggregator:
    def __init__(self, aggregator, certificate: Path):
        self.aggregator = aggregator
        self.credentials = grpc.ssl_channel_credentials(certificate.read_bytes())

    def channel(self):
        return self.aggregator.channel(self.credentials)


@pytest.fixture(scope="module")
def secure(new_aggregator, tmp_path_factory):
    certificate, key = make_certificate(tmp_path_factory.mktemp("tls"))
    aggregator = new_aggregator(tls={"certificate": str(certificate), "key": str(key)})
    secure = SecureAggregator(aggregator, certificate)
    aggregator.launch()
    with secure.channel() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=60, wait_for_ready=True)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    yield secure
    assert aggregator.stop() == 0, aggregator.last_log()


def test_a_task_from_its_creation_to_its_execution(secure):
    """API-10.1.3, API-10.3.4, API-10.4.1, API-10.7.4: over TLS, ALPN h2."""
    with secure.channel() as channel, secure.channel() as other:
        user = User(channel).sign_in()
        operator = Operator(other, 0)
        request = tasks.task(user.wallet().address, tasks.block(), limit=2)
        task_id = user.create(request)
        stream = operator.connect().wait_for_headers()
        assert stream.next_of(task_id).op == 1
        assert operator.notify_block(task_id, 5).status == "enabled"
        record, = until(lambda: user.executions(task_id).items, what="the execution")
        assert record.status == avs.EXECUTION_STATUS_SUCCESS
        assert user.trigger(task_id, avs.TRIGGER_TYPE_BLOCK, blocking=True).status == avs.EXECUTION_STATUS_SUCCESS
        assert user.task(task_id).status == avs.Completed
        stream.close()


def test_a_large_message_passes_in_both_directions(secure):
    with secure.channel() as channel:
        user = User(channel).sign_in()
        request = tasks.task(user.wallet().address)
        tasks.set_value(request.input_variables["large"], "x" * 3_000_000)
        assert user.task(user.create(request)).input_variables["large"] == request.input_variables["large"]


def test_errors_have_their_trailers(secure):
    """API-10.1.16"""
    with secure.channel() as channel, refused("UNAUTHENTICATED", 1000):
        User(channel).call("GetTask", avs.IdReq(id="x"))


def test_who_does_not_trust_the_certificate_does_not_connect(secure):
    with secure.aggregator.channel(grpc.ssl_channel_credentials()) as channel, refused("UNAVAILABLE"):
        User(channel).call("GetTask", avs.IdReq(id="x"))


def test_a_renewed_certificate_is_for_new_connections(new_aggregator, tmp_path):
    """TLS-5: an open connection lives on with the old one."""
    certificate, key = make_certificate(tmp_path)
    aggregator = new_aggregator(
        tls={"certificate": str(certificate), "key": str(key), "reload_interval": "1s"})
    aggregator.launch()

    def is_serving(channel, **options) -> bool:
        try:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), **options)
            return True
        except grpc.RpcError:
            return False

    def connects(trusted: bytes) -> bool:
        with aggregator.channel(grpc.ssl_channel_credentials(trusted)) as channel:
            return is_serving(channel, timeout=10)

    first = certificate.read_bytes()
    with aggregator.channel(grpc.ssl_channel_credentials(first)) as old:
        assert is_serving(old, timeout=60, wait_for_ready=True)
        (tmp_path / "renewed").mkdir()
        for renewed, file in zip(make_certificate(tmp_path / "renewed"), (certificate, key), strict=True):
            renewed.replace(file)
        until(lambda: connects(certificate.read_bytes()), what="a handshake with the renewed certificate")
        assert is_serving(old, timeout=10)
        assert not connects(first)
    assert aggregator.stop() == 0, aggregator.last_log()


def test_plaintext_is_not_answered(secure):
    with secure.aggregator.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        User(channel).call("GetTask", avs.IdReq(id="x"), timeout=10)
    assert raised.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    with secure.channel() as channel:
        assert User(channel).sign_in().wallet().address, "others go on"
