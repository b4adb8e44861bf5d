"""Streams that come and go, on an aggregator where nobody else takes the tasks."""

import socket
import time

import pytest
from avs_testbed import tasks
from avs_testbed.operators import Operator
from avs_testbed.stubs import node
from avs_testbed.users import User
from avs_testbed.waiting import until
from h2.config import H2Configuration
from h2.connection import H2Connection

MONITOR, DISABLE = node.MonitorTaskTrigger, node.DisableTask
STABLE_SECONDS = 0.8


class Bench:
    """An aggregator, one user, and as many operators as a test asks for."""

    def __init__(self, aggregator):
        self.aggregator = aggregator
        self.channels = []
        self.user = User(self.channel()).sign_in()
        self.wallet = self.user.wallet().address

    def channel(self):
        self.channels.append(self.aggregator.channel())
        return self.channels[-1]

    def operator(self, number: int) -> Operator:
        return Operator(self.channel(), number)

    def make(self, count: int) -> set[str]:
        return {self.user.create(tasks.task(self.wallet, tasks.block())) for _ in range(count)}

    def close(self) -> None:
        for channel in self.channels:
            channel.close()


@pytest.fixture
def bench(new_aggregator):
    aggregator = new_aggregator(sync={"initial_delay_ms": int(STABLE_SECONDS * 1000)})
    aggregator.start()
    bench = Bench(aggregator)
    yield bench
    bench.close()
    if aggregator.is_running:
        assert aggregator.stop() == 0, aggregator.last_log()


def told(stream, made: set[str], seconds: float = 20) -> None:
    """Waits until the stream has told to watch all of these tasks."""
    left = set(made) - {message.id for message in stream.seen}
    while left:
        message = stream.next(seconds=seconds)
        assert message.op == MONITOR
        left.discard(message.id)


def connected_again(operator: Operator, clock: int):
    """Connects until the cooldown of the last connection is over."""
    def attempt():
        stream = operator.connect(clock=clock)
        stream.wait_for_headers()
        stream._thread.join(0.3)
        return None if stream.has_ended else stream
    return until(attempt, 20, "the end of the cooldown")


def test_every_connection_is_told_everything(bench):
    """API-10.7.5, API-10.7.6, API-10.7.7: with an equal and a smaller clock, the newer stream in the place of the
    older, and with the tasks of one that was gone."""
    operator = bench.operator(0)
    made = bench.make(5)
    stream = operator.connect(clock=7).wait_for_headers()
    told(stream, made)
    for clock, closes in ((7, False), (3, True)):
        if closes:
            stream.close()
            made |= bench.make(1)
        newer = connected_again(operator, clock)
        if not closes:
            assert stream.wait_for_end().name == "OK", "a replaced stream ends well"
        told(newer, made)
        stream = newer
    first = min(made)
    bench.user.set_enabled(first, False)
    assert stream.next_of(first).op == DISABLE, "the end of the older stream has not taken the newer one along"
    stream.close()


def test_nothing_is_sent_before_the_operator_is_stable(bench):
    """API-10.7.8: then everything at once."""
    made = bench.make(3)
    begin = time.monotonic()
    stream = bench.operator(0).connect()
    stream.next()
    assert time.monotonic() - begin >= STABLE_SECONDS
    told(stream, made)
    stream.close()


def test_tasks_of_an_operator_that_left_go_to_another_at_once(bench):
    """API-10.7.15, API-10.7.6, D-24: its connection is cut, not closed."""
    made = bench.make(6)
    first, second = bench.operator(0), bench.operator(1)
    leaving = first.connect().wait_for_headers()
    told(leaving, made)
    staying = second.connect().wait_for_headers()
    told(staying, bench.make(1))
    leaving.close()
    told(staying, made, seconds=10)
    staying.close()


def test_streams_end_well_when_the_service_stops_and_go_on_when_it_is_back(bench):
    """aggregator-api 6.3, OVL-12: a restart forgets who watches what, and tells everything again."""
    made = bench.make(3)
    operator = bench.operator(0)
    stream = operator.connect().wait_for_headers()
    told(stream, made)
    assert bench.aggregator.stop() == 0, bench.aggregator.last_log()
    assert stream.wait_for_end().name == "OK"
    bench.aggregator.start()
    stream = bench.operator(0).connect().wait_for_headers()
    told(stream, made)
    stream.close()


def test_an_operator_that_does_not_read_holds_up_nobody(bench):
    """API-10.7.3, OVL-8: changes of tasks, reports and other streams go on."""
    deaf, reader = bench.operator(0), bench.operator(1)
    with socket.create_connection(("127.0.0.1", bench.aggregator.port), 30) as connection:
        open_stream(connection, deaf)
        stream = reader.connect().wait_for_headers()
        told(stream, bench.make(1))
        abi = [{"type": "function", "name": f"f{number}", "inputs": [], "outputs": []} for number in range(1_000)]
        trigger = tasks.event("0x" + "ab" * 20)
        for entry in abi:
            tasks.set_value(trigger.event.config.queries[0].contract_abi.add(), entry)
        made = {bench.user.create(tasks.task(bench.wallet, trigger)) for _ in range(60)}
        told(stream, made)
        block, = bench.make(1)
        assert reader.notify_block(block, 1).status == "enabled"
        assert bench.user.delete(block).success
        stream.close()


def open_stream(connection: socket.socket, operator: Operator) -> None:
    """Asks for SyncMessages and never reads a byte of the answer."""
    http = H2Connection(H2Configuration(header_encoding="utf-8"))
    http.initiate_connection()
    message = node.SyncMessagesReq(address=operator.address).SerializeToString()
    http.send_headers(1, [
        (":method", "POST"), (":scheme", "http"), (":authority", "bench"), (":path", "/aggregator.Node/SyncMessages"),
        ("content-type", "application/grpc"), ("te", "trailers"), *operator.metadata()])
    http.send_data(1, b"\0" + len(message).to_bytes(4, "big") + message, end_stream=True)
    connection.sendall(http.data_to_send())


def test_operators_that_are_sent_away_come_back_one_after_the_other(bench):
    """OVL-13: at the end of the aggregator each stream ends with OK and says when to come back: within ten seconds, by
    the operator's address, so the same after every restart."""
    advised = []
    for restart in range(2):
        operators = [bench.operator(number) for number in range(4)]
        streams = [operator.connect().wait_for_headers() for operator in operators]
        assert bench.aggregator.stop() == 0
        for stream in streams:
            assert stream.wait_for_end().name == "OK"
        advised.append([int(stream.trailers()["grpc-retry-pushback-ms"]) for stream in streams])
        if restart == 0:
            bench.aggregator.start()
    assert advised[0] == advised[1]
    assert all(0 <= pause <= 10_000 for pause in advised[0])
    assert max(advised[0]) - min(advised[0]) > 500, "these four addresses are apart"
