"""What scripts and executions cost: the optimized aggregator, on RocksDB and with real script workers, under h2load."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import load
import servers
from measures import Report

sys.path.insert(0, str(servers.ROOT / "tools" / "python"))

from avs_testbed import tasks  # noqa: E402
from avs_testbed.processes import Aggregator, Chain  # noqa: E402
from avs_testbed.stubs import avs  # noqa: E402
from avs_testbed.users import User  # noqa: E402

SCRIPTS, SCRIPT_STREAMS, SCRIPTS_MIN, SCRIPT_P99_MS_MAX = 4_000, 16, 2_000, 10
ALONE = 800
"""Scripts of one worker by itself: fewer than after which the pool would replace it."""
SMALL_SCRIPT = "return number * 2 + 1;"
RUNS = {1: 200, 100: 1_000, 1_000: 2_000}
"""Executions of the small workflow, by how many are under way at the same time."""
TASKS = 10
"""The executions of the small workflow are of so many tasks, in turn: those of one task run one after the other (XO-22)."""
LARGE_NODES, LARGE_RUNS, LARGE_STREAMS = 100, 120, 8
METHODS = "/aggregator.Aggregator/"
LODASH = "/usr/share/javascript/lodash/lodash.min.js"
WORKER_MEMORY = 128 << 20
SETTINGS = {
    # One owner asks for everything, so what one may have at the same time is lifted; workers are as in production.
    "limits": {
        "profile": "test", "running_simulations_per_caller": 1_000, "running_handlers_per_caller": 10_000,
        "running_handlers": 10_000, "waiting_calls": 10_000, "queued_per_task": 10_000, "queued_per_owner": 10_000,
    },
    "store": {},
    "log": {"level": "warning"},
}


def build() -> Path:
    """The aggregator and its worker, optimized. Returns the folder where both are."""
    scratch = servers.BUILD / "aggregator"
    for product in ("avs-aggregator", "avs-script-worker"):
        servers.run("swift", "build", "-c", "release", "--product", product, "--package-path", servers.ROOT,
                    "--scratch-path", scratch)
    return scratch / "release"


# --- The service --------------------------------------------------------------------------------------------------------

@dataclass
class Service:
    """A running aggregator, as load.py wants a server to be."""

    aggregator: Aggregator
    token: str = ""
    name: str = "aggregator"

    def url(self, method: str) -> str:
        return f"http://{self.aggregator.target}{METHODS}{method}"

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.aggregator.process.pid)

    @property
    def workers(self) -> list[int]:
        """The processes that run scripts: where the kernel gives namespaces, each has one that waits for it."""
        waiting = children(self.aggregator.process.pid)
        return [child for process in waiting for child in children(process) or [process]]

    def metrics(self) -> dict[str, float]:
        """The samples of `/metrics`."""
        page = urllib.request.urlopen(f"http://127.0.0.1:{self.aggregator.http_port}/metrics", timeout=10).read().decode()
        lines = [line.rpartition(" ") for line in page.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def call(self, method: str, requests, calls: int, connections: int, streams: int):
        """Makes so many calls, as many of each request, whose messages are answered at the same time: `connections` and
        `streams` are of each.
        """
        def load_one(request):
            return load.call(
                self, method, message(request), calls // len(requests), connections, streams, core=None, latencies=True,
                headers=(f"authkey:{self.token}",))

        with self.counting(method, calls) as changes, ThreadPoolExecutor(len(requests)) as pool:
            cpu = self.cpu_seconds
            parts = list(pool.map(load_one, requests))
            cpu = self.cpu_seconds - cpu
        result = load.Result(
            sum(part.calls for part in parts), sum(part.failed for part in parts), max(part.seconds for part in parts),
            cpu, sorted(time for part in parts for time in part.latencies))
        return result, int(changes.get("avs_scripts_answered_total", 0))

    def arrive(self, method: str, request, calls: int, rate: float):
        """Makes so many calls at random moments, so many a second on average."""
        with self.counting(method, calls):
            return load.arrive(self, METHODS + method, message(request), calls, rate, (("authkey", self.token),))

    @property
    def port(self) -> int:
        return int(self.aggregator.target.rpartition(":")[2])

    @contextmanager
    def counting(self, method: str, calls: int):
        """Gives what changed in the metrics, once it is over: that each call was answered OK is for them to say, as the
        load sees no trailers.
        """
        name = f'grpc_server_handled_total{{grpc_service="aggregator.Aggregator",grpc_method="{method}",grpc_code="OK"}}'
        before, changes = self.metrics(), {}
        yield changes
        after = self.metrics()
        changes |= {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
        if changes.get(name) != calls:
            raise RuntimeError(f"{method} was not answered OK {calls} times: {changes}")
        if failures := {key: count for key, count in changes.items() if key.startswith("avs_scripts_failed")}:
            raise RuntimeError(f"scripts failed: {failures}")


def message(request) -> bytes:
    return load.framed(request.SerializeToString())


def children(process: int) -> list[int]:
    """The processes whose parent it is. What the kernel lists for a thread may leave some out while others end."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and parent(entry) == process:
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended
    return sorted(found)


def parent(entry: Path) -> int:
    return int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / servers.TICKS


def resident_mib(process: int) -> float:
    line = next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def measure() -> Report:
    programs = build()
    os.environ["AVS_AGGREGATOR"] = str(programs / "avs-aggregator")
    folder = Path(tempfile.mkdtemp(prefix="avs-bench-engine-"))
    report = Report()
    alone(report, programs / "avs-script-worker")
    chain = Chain()
    service = Service(Aggregator(folder, chain, [], SETTINGS))
    try:
        service.aggregator.start()
        with service.aggregator.channel() as channel:
            user = User(channel).sign_in()
            service.token = user.token
            memory(report, service, "before")
            scripts(report, service)
            executions(report, service, user)
            memory(report, service, "after")
        return report
    finally:
        if service.aggregator.is_running:
            service.aggregator.stop()
        chain.stop()
        shutil.rmtree(folder, ignore_errors=True)


def memory(report: Report, service: Service, when: str) -> None:
    if not service.workers:
        raise RuntimeError(f"there is no script worker:\n{service.aggregator.last_log()}")
    report.add(f"resident memory of the aggregator, {when}", resident_mib(service.aggregator.process.pid), "MiB")
    report.add(f"resident memory of the largest script worker, {when}", max(map(resident_mib, service.workers)), "MiB")


# --- Scripts ------------------------------------------------------------------------------------------------------------

def scripts(report: Report, service: Service) -> None:
    """Custom code in a node by itself: a call of RunNodeWithInputs is one script, with authentication and all."""
    request = avs.RunNodeWithInputsReq(node=tasks.custom_code(SMALL_SCRIPT))
    tasks.set_value(request.input_variables["number"], 20)
    service.call("RunNodeWithInputs", [request], 200, 1, SCRIPT_STREAMS)
    spread(report, service, request, SCRIPTS_MIN / 2, f"at {SCRIPTS_MIN // 2:,} a second", at_most=SCRIPT_P99_MS_MAX)
    result, count = service.call("RunNodeWithInputs", [request], SCRIPTS, 1, SCRIPT_STREAMS)
    if count != SCRIPTS:
        raise RuntimeError(f"{SCRIPTS} calls ran {count} scripts")
    rate = result.calls / result.seconds
    report.add(f"small scripts through an rpc, {SCRIPT_STREAMS} at a time", rate, "1/s", at_least=SCRIPTS_MIN)
    report.add("  CPU of the aggregator for each", result.cpu_microseconds, "us")
    spread(report, service, request, rate / 2, "at half of that")


def spread(report: Report, service: Service, request, rate: float, what: str, at_most: float | None = None) -> None:
    """How long a script takes when calls come at random moments, for four seconds."""
    before = stolen_seconds()
    result = service.arrive("RunNodeWithInputs", request, int(rate * 4), rate)
    stolen = (stolen_seconds() - before) / os.cpu_count() / result.seconds
    report.add(f"a small script {what}, p50", result.percentile(0.5) / 1e3, "ms")
    report.add(f"a small script {what}, p99", result.percentile(0.99) / 1e3, "ms", at_most=at_most)
    report.add("  processor time that the host gave to others meanwhile", stolen * 100, "%")


def stolen_seconds() -> float:
    """Of all processors of this machine, where it is a virtual one."""
    return int(Path("/proc/stat").read_text().split()[8]) / servers.TICKS


@contextmanager
def lone_worker(program: Path):
    """A worker started as the pool starts it: one end of a socket pair and nothing else. Gives (socket, process)."""
    ours, theirs = socket.socketpair()
    environment = {
        "JSC_useJIT": "0", "JSC_useWasm": "0", "JSC_useConcurrentGC": "0", "JSC_numberOfGCMarkers": "1", "TZ": "UTC",
        "JSC_forceRAMSize": str(WORKER_MEMORY), "JSC_smallHeapSize": str(3 << 20),
    }
    process = subprocess.Popen(
        ["avs-script-worker", str(WORKER_MEMORY), LODASH, "nojit"], executable=program, stdin=theirs, env=environment,
        preexec_fn=lambda: (os.close(1), os.close(2)))
    theirs.close()
    try:
        greeting = json.loads(answer(ours))
        if greeting["error"]:
            raise RuntimeError(f"a script worker does not start: {greeting['error']}")
        yield ours, (children(process.pid) or [process.pid])[0]
    finally:
        ours.close()
        process.kill()
        process.wait()


def answer(connection: socket.socket) -> bytes:
    """The next frame: its length in 4 bytes, and so many more."""
    def read(count: int) -> bytes:
        received = bytearray()
        while len(received) < count:
            chunk = connection.recv(count - len(received))
            if not chunk:
                raise RuntimeError("a script worker ended")
            received += chunk
        return bytes(received)

    return read(struct.unpack(">I", read(4))[0])


def alone(report: Report, program: Path) -> None:
    """What a script costs without the aggregator, beside Node.js doing the same without a sandbox."""
    header = json.dumps({"kind": "body", "limit": 10_000, "sources": [SMALL_SCRIPT]}).encode()
    body = struct.pack(">I", len(header)) + header + b'{"number":20}'
    frame = struct.pack(">I", len(body)) + body
    with lone_worker(program) as (connection, process):
        exchange(report, "one worker by itself", connection, process, frame, b'"v":41')
    if node := shutil.which("node"):
        peer = Path(__file__).resolve().parent.parent / "peers" / "node" / "scripts.js"
        ours, theirs = socket.socketpair()
        running = subprocess.Popen([node, peer], stdin=theirs)
        theirs.close()
        request = json.dumps({"source": SMALL_SCRIPT, "variables": {"number": 20}}).encode()
        try:
            frame = struct.pack(">I", len(request)) + request
            exchange(report, "Node.js, a new context for each, no sandbox", ours, running.pid, frame, b"41")
        finally:
            ours.close()
            running.kill()
            running.wait()


def exchange(report: Report, name: str, connection: socket.socket, process: int, frame: bytes, wanted: bytes) -> None:
    times = []
    for count in range(-100, ALONE):
        if count == 0:
            times, before = [], cpu_seconds(process)
        began = time.perf_counter()
        connection.sendall(frame)
        if wanted not in (got := answer(connection)):
            raise RuntimeError(f"{name} answered {got!r}")
        times.append((time.perf_counter() - began) * 1e6)
    report.add(f"a small script in {name}, CPU", (cpu_seconds(process) - before) / ALONE * 1e6, "us")
    report.add(f"a small script in {name}, p50", sorted(times)[ALONE // 2], "us")


# --- Executions ---------------------------------------------------------------------------------------------------------

def chain_of(count: int) -> list:
    """Nodes one after the other: branch, custom code, filter, and again. The filter's condition needs no JavaScript."""
    kinds = [
        lambda name: tasks.branch(name, ("c1", "if", "start.data.number > 2"), ("c2", "else", "")),
        lambda name: tasks.custom_code("return start.data.list.map((element) => element + 1);", name),
        lambda name: tasks.filter_node("value > 1", "start.data.list", name),
    ]
    return [kinds[place % 3](f"n{place}") for place in range(count)]


def edges_of(nodes: list) -> list:
    """In a row, from the condition that holds where a branch is before."""
    sources = ["t0"] + [f"{node.id}.c1" if node.type == avs.NODE_TYPE_BRANCH else node.id for node in nodes]
    return [avs.TaskEdge(id=f"e{place}", source=source, target=node.id)
            for place, (source, node) in enumerate(zip(sources, nodes))]


def executions(report: Report, service: Service, user: User) -> None:
    """TriggerTask answers, when it is told to wait, once the execution is recorded."""
    small, large = chain_of(3), chain_of(LARGE_NODES)
    requests = [trigger(user, small) for _ in range(TASKS)]
    for concurrent, runs in RUNS.items():
        result = run(service, user, requests[:concurrent], runs, concurrent, 1)
        named = f"{concurrent:,} at a time"
        report.add(f"executions of three nodes, {named}", runs / result.seconds, "1/s")
        report.add(f"  from the trigger to the record, {named}, p50", result.percentile(0.5) / 1e3, "ms")
        report.add(f"  from the trigger to the record, {named}, p99", result.percentile(0.99) / 1e3, "ms")
        report.add(f"  CPU of the aggregator for each, {named}", result.cpu_microseconds, "us")
    scripts_each = sum(node.type == avs.NODE_TYPE_CUSTOM_CODE for node in large)
    requests = [trigger(user, large) for _ in range(LARGE_STREAMS)]
    result = run(service, user, requests, LARGE_RUNS, LARGE_STREAMS, scripts_each)
    report.add(f"executions of {LARGE_NODES} nodes, {scripts_each} of them scripts, {LARGE_STREAMS} at a time",
               LARGE_RUNS / result.seconds, "1/s")


def trigger(user: User, nodes: list) -> avs.TriggerTaskReq:
    """A new task of these nodes, and the request that runs it and waits for its end."""
    data = {"number": 3, "list": [1, 2, 3]}
    start = tasks.manual(data)
    wallet = user.wallet().address
    task = user.create(tasks.task(wallet, start, nodes, edges_of(nodes)))
    request = avs.TriggerTaskReq(task_id=task, trigger_type=avs.TRIGGER_TYPE_MANUAL, is_blocking=True)
    tasks.set_value(request.manual_trigger.data, data)
    return request


def run(service: Service, user: User, requests: list, runs: int, concurrent: int, scripts_each: int):
    """Raises if the newest executions are not recorded as successes, or the scripts are not as many as they should be."""
    streams = concurrent // len(requests)
    result, count = service.call("TriggerTask", requests, runs, 1, streams)
    if count != runs * scripts_each:
        raise RuntimeError(f"{runs} executions ran {count} scripts")
    for request in requests:
        page = user.executions(request.task_id, limit=100)
        wrong = [item.error for item in page.items if item.status != avs.EXECUTION_STATUS_SUCCESS]
        if wrong or not page.items:
            raise RuntimeError(f"{len(wrong)} of the newest {len(page.items)} executions failed: {wrong[:3]}")
    return result
