"""OVL-9: what the aggregator does when its memory runs short, which here is a small part of the machine's."""

import re
import socket
import time
from pathlib import Path

import grpc
import pytest
from avs_testbed import tasks
from avs_testbed.details import Details
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated

MEBIBYTE = 1 << 20
BUDGET = 256 * MEBIBYTE
MESSAGE = 4 * MEBIBYTE - 1_000


def resident(aggregator) -> int:
    text = Path(f"/proc/{aggregator.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024


class Hoarder:
    """A connection whose calls send nearly a whole message each, and never its end."""

    def __init__(self, aggregator, token: str):
        self.stream = socket.create_connection(("127.0.0.1", aggregator.port), 10)
        self.stream.settimeout(0.05)
        self.connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()
        self.token, self.is_over = token, False
        self.left: dict[int, int] = {}

    def begin(self) -> None:
        number = self.connection.get_next_available_stream_id()
        self.connection.send_headers(number, [
            (":method", "POST"), (":scheme", "http"), (":authority", "bench"), (":path", "/aggregator.Aggregator/GetTask"),
            ("content-type", "application/grpc"), ("te", "trailers"), ("authkey", self.token)])
        self.connection.send_data(number, b"\0" + MESSAGE.to_bytes(4, "big"))
        self.left[number] = MESSAGE - 1

    def push(self, most: int) -> int:
        """Sends what the windows allow, up to `most` bytes; returns how much that was."""
        sent = 0
        try:
            for number in list(self.left):
                while self.left[number] and sent < most:
                    size = min(self.left[number], self.connection.local_flow_control_window(number),
                               self.connection.max_outbound_frame_size)
                    if size <= 0:
                        break
                    self.connection.send_data(number, b"x" * size)
                    self.left[number] -= size
                    sent += size
            self.stream.sendall(self.connection.data_to_send())
            data = self.stream.recv(1 << 16)
            events = self.connection.receive_data(data)
            self.is_over |= not data or any(isinstance(event, ConnectionTerminated) for event in events)
        except TimeoutError:
            pass
        except Exception:  # reset, or a stream that the server has ended: this one is heard no more
            self.is_over = True
        return sent


@pytest.fixture
def small(new_aggregator):
    aggregator = new_aggregator(
        memory={"budget": "256MiB"}, limits={"profile": "test", "connections": 64, "connections_per_address": 64},
        drain={"timeout": "1s", "total_timeout": "10s"})
    aggregator.start()
    yield aggregator
    if aggregator.is_running:
        aggregator.stop()
    aggregator.process = None  # how it ended is what the tests are about


def test_callers_who_hoard_memory_do_not_take_the_service_with_them(small):
    """OVL-9: a few hundred megabytes of messages that never end. The service stays within its budget, or ends in good
    order with 75; nothing that was acknowledged is lost, and what was refused was told why."""
    with small.channel() as channel:
        user = User(channel).sign_in()
        task = user.create(tasks.task(user.wallet().address, tasks.block()))
        hoarders = [Hoarder(small, user.token) for _ in range(4)]
        for hoarder in hoarders:
            for _ in range(30):
                hoarder.begin()
        most, refusals, idle = 0, [], 0
        deadline = time.monotonic() + 40
        while small.is_running and idle < 40 and time.monotonic() < deadline:
            # So slowly that the watch, four times a second, sees each state on the way.
            sent = sum(hoarder.push(MEBIBYTE) for hoarder in hoarders if not hoarder.is_over)
            idle = idle + 1 if sent == 0 else 0
            try:
                most = max(most, resident(small))
                user.call("SimulateTask", avs.SimulateTaskReq(), timeout=5)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                    refusals.append(error)
            except (OSError, TypeError):
                break  # it has ended meanwhile
        assert most > BUDGET * 8 // 10, f"only {most >> 20} MiB were in use: this is no attack"
        # Either the memory is short, or so much less may wait because of that.
        assert refusals or most > BUDGET * 95 // 100, "it went on as if nothing was"
        for details in map(Details, refusals):
            assert details.retry_seconds > 0
            assert {subject for subject, _ in details.violations} <= {"memory.budget", "buffered bytes of all connections"}
        for hoarder in hoarders:
            hoarder.stream.close()
    assert most < BUDGET * 12 // 10

    def settled() -> str | None:
        """Those who held it are gone, and so is what they held; or the process is on its way out."""
        if not small.is_running:
            return "ended"
        try:
            with small.channel() as channel:
                return "serves" if User(channel, user.account).sign_in().task(task).id == task else None
        except grpc.RpcError:
            return None

    if until(settled, 30, "the end of the shortage") == "ended":
        assert small.process.returncode == 75
        small.start()
        assert settled() == "serves"
    assert "memory" in small.log.read_text() and "pressure" in small.log.read_text()
