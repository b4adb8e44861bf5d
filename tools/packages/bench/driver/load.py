"""Load: h2load for calls, raw frames for calls at given moments and for connections and streams that do nothing."""

import random
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from servers import Server

MAGIC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def message(field: bytes) -> bytes:
    """A gRPC message whose protobuf has one field, number 1, of text or bytes."""
    length, count = b"", len(field)
    while count > 0x7f:
        length += bytes([count & 0x7f | 0x80])
        count >>= 7
    return framed(b"\x0a" + length + bytes([count]) + field)


def framed(body: bytes) -> bytes:
    """A message as gRPC sends it, not compressed."""
    return b"\0" + struct.pack(">I", len(body)) + body


@dataclass
class Result:
    calls: int
    failed: int
    seconds: float
    cpu_seconds: float
    latencies: list[float]  # microseconds, sorted; empty unless asked for

    @property
    def cpu_microseconds(self) -> float:
        return self.cpu_seconds * 1e6 / self.calls

    def percentile(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def call(
    server: Server, method: str, body: bytes, calls: int, connections: int = 1, streams: int = 1, *,
    core: int | None = 1, latencies: bool = False, large_windows: bool = False, timeout: float = 300,
    headers: tuple[str, ...] = (),
) -> Result:
    """Makes `calls` calls as fast as they are answered."""
    with tempfile.TemporaryDirectory() as folder:
        data, log = Path(folder, "body"), Path(folder, "log")
        data.write_bytes(body)
        command = [] if core is None else ["taskset", "-c", str(core)]
        command += ["h2load", f"-n{calls}", f"-c{connections}", f"-m{streams}", "-t1", f"-d{data}"]
        command += ["-Hcontent-type:application/grpc", "-Hte:trailers"]
        command += [f"-H{header}" for header in headers]
        command += ["-w24", "-W27"] if large_windows else []
        command += [f"--log-file={log}"] if latencies else []
        before = server.cpu_seconds
        done = subprocess.run(
            [*command, server.url(method)], check=True, capture_output=True, text=True, timeout=timeout)
        cpu = server.cpu_seconds - before
        times = sorted(float(line.split("\t")[2]) for line in log.read_text().splitlines()) if latencies else []
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    seconds = re.search(r"finished in ([\d.]+)(us|ms|s)", done.stdout)
    if counts is None or seconds is None or int(counts[1]) == 0:
        raise RuntimeError(f"{server.name} answered no call:\n{done.stdout}{done.stderr}")
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1.0}[seconds[2]]
    return Result(int(counts[1]), calls - int(counts[1]), float(seconds[1]) * unit, cpu, times)


# --- At given moments ----------------------------------------------------------------------------------------------------

def arrive(
    server: Server, path: str, body: bytes, calls: int, rate: float, headers: tuple[tuple[str, str], ...] = (), *,
    streams: int = 100, seed: int = 1, timeout: float = 300,
) -> Result:
    """Makes calls as callers do who know nothing of each other: so many a second on average, at random moments (a
    Poisson process), whether or not those before are answered, on one connection with so many streams. A latency counts
    from the moment at which the call was due, also of one that waits for a stream. (h2load sends what is due in bursts,
    each 10 ms.)
    """
    random_numbers, due, moment = random.Random(seed), [], 0.0
    for _ in range(calls):
        moment += random_numbers.expovariate(rate)
        due.append(moment)
    block = head(path.encode(), headers)
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(MAGIC + frame(4, 0, 0) + frame(8, 0, 0, struct.pack(">I", (1 << 31) - 65_536)) + frame(4, 1, 0))
    latencies, failed, started, received = [], 0, 0, b""
    cpu, start = server.cpu_seconds, time.monotonic()
    try:
        while len(latencies) + failed < calls:
            now = time.monotonic() - start
            if now > timeout:
                raise RuntimeError(f"{server.name} left {calls - len(latencies) - failed} calls unanswered")
            ready = b""
            while started < calls and due[started] <= now and started - len(latencies) - failed < streams:
                ready += frame(1, 4, 1 + 2 * started, block) + frame(0, 1, 1 + 2 * started, body)
                started += 1
            if ready:
                connection.sendall(ready)
            may_start = started < calls and started - len(latencies) - failed < streams
            wait = due[started] - (time.monotonic() - start) if may_start else 1
            if not select.select([connection], [], [], max(0, wait))[0]:
                continue
            chunk = connection.recv(1 << 16)
            if not chunk:
                raise RuntimeError(f"{server.name} closed the connection")
            now, received = time.monotonic() - start, received + chunk
            while len(received) >= 9 + (length := int.from_bytes(received[:3], "big")):
                kind, flags, stream = received[3], received[4], int.from_bytes(received[5:9], "big")
                payload, received = received[9:9 + length], received[9 + length:]
                if kind == 6 and not flags & 1:
                    connection.sendall(frame(6, 1, 0, payload))
                elif kind == 7:
                    raise RuntimeError(f"{server.name} goes away: {payload[4:]!r}")
                elif kind == 3:
                    failed += 1
                elif kind in (0, 1) and flags & 1:
                    latencies.append((now - due[stream // 2]) * 1e6)
    finally:
        connection.close()
    return Result(len(latencies), failed, time.monotonic() - start, server.cpu_seconds - cpu, sorted(latencies))


# --- Idle --------------------------------------------------------------------------------------------------------------

def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A field that goes into no table (RFC 7541, 6.2.2)."""
    return b"\x00" + prefixed(name) + prefixed(value)


def prefixed(text: bytes) -> bytes:
    """A string with its length (RFC 7541, 5.1 and 5.2)."""
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, length = len(text) - 127, b"\x7f"
    while rest > 127:
        length += bytes([rest & 127 | 128])
        rest >>= 7
    return length + bytes([rest]) + text


def head(path: bytes, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The compressed headers of a call."""
    block = b"\x83\x86" + literal(b":path", path) + literal(b":authority", b"bench")
    block += literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers")
    return block + b"".join(literal(name.encode(), value.encode()) for name, value in headers)


def request(stream: int, method: bytes = b"Hold") -> bytes:
    """The frame that begins a call."""
    return frame(1, 4, stream, head(b"/bench.Echo/" + method))


class Holder:
    """Connections that are opened and then do nothing."""

    def __init__(self, server: Server, connections: int) -> None:
        raise_file_limit()
        self.sockets = [self._connect(server.port) for _ in range(connections)]

    @staticmethod
    def _connect(port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(MAGIC + frame(4, 0, 0) + frame(4, 1, 0))
        Holder._answer_ping(connection)
        return connection

    @staticmethod
    def _answer_ping(connection: socket.socket) -> None:
        """Comes back when the server has seen everything sent so far."""
        connection.sendall(frame(6, 0, 0, b"12345678"))
        received = b""
        while b"12345678" not in received:
            chunk = connection.recv(65536)
            if not chunk:
                raise RuntimeError("the server closed an idle connection")
            received += chunk

    def open_streams(self, count: int) -> None:
        for connection in self.sockets:
            connection.sendall(b"".join(request(1 + 2 * index) for index in range(count)))
            self._answer_ping(connection)

    def call_all(self, body: bytes) -> int:
        """One call on each connection, all under way at the same time; returns how many were not answered with OK."""
        for connection in self.sockets:
            connection.sendall(request(1, b"Unary") + frame(0, 1, 1, body))
        failed = 0
        for connection in self.sockets:
            received = b""
            while frame(1, 5, 1)[3:] not in received:  # HEADERS that end the headers and the stream
                chunk = connection.recv(65536)
                if not chunk:
                    break
                received += chunk
            failed += body not in received or b"grpc-status" in received and not received.endswith(b"0")
        return failed

    def close(self) -> None:
        for connection in self.sockets:
            connection.close()


def burst(server: Server, connections: int) -> tuple[float, int]:
    """Connects as often as said while the server stands still, as it may for a moment, and lets it go on.

    Returns the seconds until all were answered, and how often the kernel dropped a SYN or what follows it because too
    many waited to be accepted: each is tried again, after a second, after two more, and so on.
    """
    raise_file_limit()
    server.process.send_signal(signal.SIGSTOP)
    dropped = listen_drops()
    poller, waiting = select.epoll(), {}
    try:
        for _ in range(connections):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", server.port))
            poller.register(connection, select.EPOLLOUT)
            waiting[connection.fileno()] = connection
    finally:
        server.process.send_signal(signal.SIGCONT)
    held, start = list(waiting.values()), time.monotonic()
    while waiting and time.monotonic() - start < 60:
        for number, events in poller.poll(1):
            connection = waiting[number]
            if events & (select.EPOLLERR | select.EPOLLHUP):
                raise RuntimeError("a connection of the burst was refused")
            if events & select.EPOLLOUT:
                connection.send(MAGIC + frame(4, 0, 0))
                poller.modify(number, select.EPOLLIN)
            elif connection.recv(65536):  # the server's SETTINGS: it has accepted
                poller.unregister(number)
                del waiting[number]
    seconds = time.monotonic() - start
    for connection in held:
        connection.close()
    if waiting:
        raise RuntimeError(f"{len(waiting)} connections of the burst were not answered in a minute")
    return seconds, listen_drops() - dropped


def listen_drops() -> int:
    """SYNs and connections dropped at full listeners of this machine so far."""
    lines = [line.split() for line in Path("/proc/net/netstat").read_text().splitlines() if line.startswith("TcpExt:")]
    return int(lines[1][lines[0].index("ListenDrops")])


def raise_file_limit() -> int:
    """Returns how many files this process and those it starts may open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
