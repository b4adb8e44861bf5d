"""What callers may ask for: rates, connections of one address; and keys of the configuration that decide nothing."""

import socket

import grpc
import pytest
from avs_testbed import tasks
from avs_testbed.details import Details
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.users import User

CONNECTIONS = 6
READS = 5


@pytest.fixture(scope="module")
def strict(new_aggregator):
    """With small limits, and with two keys that this version knows and does not need."""
    aggregator = new_aggregator(
        limits={
            "connections_per_address": CONNECTIONS,
            "unauthenticated_per_address": {"per_second": 1, "burst": 40},
            "reads_per_caller": {"per_second": 1, "burst": READS},
        },
        memory={"budget": "50%"}, auth={"single_use_messages": True})
    aggregator.start()
    return aggregator


def test_a_caller_beyond_its_rate_is_told_so_and_when_to_come_back(strict):
    def failures(user: User, count: int) -> list[grpc.RpcError]:
        found = []
        for _ in range(count):
            with pytest.raises(grpc.RpcError) as raised:
                user.task("0" * 26)
            found.append(raised.value)
        return found

    with strict.channel() as channel, strict.channel() as another:
        user, other = User(channel).sign_in(), User(another).sign_in()
        errors = failures(user, 20 * READS)  # more than come back in the meantime, however slow the machine is
        assert all(error.code() is grpc.StatusCode.NOT_FOUND for error in errors[:READS])
        refusals = [error for error in errors if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED]
        text = f"too many reads per caller: 1 a second are allowed, {READS} at once"
        assert refusals and refusals[0].details().startswith(f"{text}; try again in ")
        details = Details(refusals[0])
        assert details.violations == [("limits.reads_per_caller", text)] and 0 < details.retry_seconds <= 1.201
        trailers = dict(refusals[0].trailing_metadata())
        assert trailers["x-ap-error-code"] == "7002" and 0 < int(trailers["grpc-retry-pushback-ms"]) <= 1_201
        assert failures(other, 1)[0].code() is grpc.StatusCode.NOT_FOUND


def test_a_stranger_beyond_its_rate_is_refused_and_a_user_is_not(strict):
    with strict.channel() as channel:
        user = User(channel).sign_in()
        with pytest.raises(grpc.RpcError) as raised:
            for _ in range(200):
                user.stub.GetSignatureFormat(avs.GetSignatureFormatReq(wallet=user.address), timeout=30)
        assert raised.value.details().startswith("too many unauthenticated calls per address: 1 a second are allowed")
        assert Details(raised.value).violations[0][0] == "limits.unauthenticated_per_address"
        with refused("RESOURCE_EXHAUSTED"):  # a wrong token proves as little as none
            user.call("GetTask", avs.IdReq(id="0" * 26), token="wrong")
        with refused("NOT_FOUND"):
            user.task("0" * 26)


def test_one_address_has_so_many_connections_and_gets_new_ones_when_old_ones_end(strict):
    def is_open(connection: socket.socket) -> bool:
        """Whether the server lets us speak: it says nothing first, so it is asked for its settings."""
        try:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            return connection.recv(9) != b""
        except ConnectionError:
            return False

    connections, states = [], []
    for _ in range(3 * CONNECTIONS):  # one after the other: of those that come together any may be the first
        connections.append(socket.create_connection(("127.0.0.1", strict.port), 30))
        states.append(is_open(connections[-1]))
    assert states[0] and not states[-1] and sum(states) <= CONNECTIONS
    for connection in connections:
        connection.close()
    with strict.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        request = avs.IdReq(id="0" * 26)
        User(channel).stub.GetTask(request, timeout=30, wait_for_ready=True)
    # Both are answers of the server.
    assert raised.value.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED)


def test_keys_without_effect_are_named_once_at_start(strict):
    log = strict.log.read_text(encoding="utf-8").splitlines()
    text = ": auth.single_use_messages: is set, but has no effect in this version"
    assert len([line for line in log if text in line]) == 1
    assert not any(f": {key}: is set" in line for line in log for key in ("memory.budget", "limits.reads_per_caller"))


def test_an_owner_at_its_number_of_tasks_is_told_so_and_never_goes_beyond(new_aggregator):
    """limits.tasks_per_owner: twenty calls at the same moment, five places."""
    aggregator = new_aggregator(limits={"profile": "test", "tasks_per_owner": 5})
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        request = tasks.task(user.wallet().address, tasks.block())
        calls = [user.stub.CreateTask.future(request, metadata=[("authkey", user.token)], timeout=60) for _ in range(20)]
        errors = [error for call in calls if (error := call.exception()) is not None]
        assert len(errors) == 15
        for error in errors:
            text = "limit reached: at most 5 tasks per owner"
            assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            details = Details(error)
            assert details.violations == [("limits.tasks_per_owner", text)] and details.retry_seconds is None
            assert dict(error.trailing_metadata())["grpc-retry-pushback-ms"] == "-1"
        user.cancel(next(call.result().id for call in calls if call.exception() is None))
        assert user.create(request)
