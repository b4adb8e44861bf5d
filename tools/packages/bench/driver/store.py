"""What a large collection costs: the same calls to two aggregators, one of which has a hundred times more."""

import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import servers
from measures import Report

sys.path.insert(0, str(servers.ROOT / "tools" / "python"))

from avs_testbed import tasks, tokens  # noqa: E402
from avs_testbed.processes import Aggregator, Chain, inspector  # noqa: E402
from avs_testbed.stubs import avs, avs_grpc  # noqa: E402

TASKS, OWNERS, RUNS = 1_000_000, 10_000, 5
"""Of the full size: runs are of each task."""
SHARE = 100
SINGLES = (10, 1_000, 100_000)
"""Tasks of three more owners, the first of which has as many recorded runs."""
ROUNDS, CALLS, CHANGES = 5, 200, 60
STARTS = 5
RATIO_MAX, START_SECONDS_MAX, RESIDENT_MIB_MAX = 2, 2, 1024
QUIET_SECONDS, QUIET_SECONDS_MAX = 3, 900
FORMAT = 2
"""Rises with what the generator writes: databases that were kept from before are made anew."""
DISK_BYTES = 10 << 30
"""Wanted before anything is made, at full size: both databases, and what is twice there while it is compacted."""
SETTINGS = {
    "limits": {"profile": "test", "tasks_per_owner": 10_000_000},
    "store": {},  # as in production
    "log": {"level": "warning"},
}


def build() -> tuple[Path, Path]:
    """The aggregator and the generator, optimized. Returns (aggregator, generator)."""
    scratch = servers.BUILD / "aggregator"
    servers.run("swift", "build", "-c", "release", "--product", "avs-aggregator", "--package-path", servers.ROOT,
                "--scratch-path", scratch)
    return scratch / "release" / "avs-aggregator", servers.swift_build(servers.BENCH / "avs-bench-store", "bench-store")


@dataclass
class Service:
    """An aggregator over a filled database."""

    name: str
    aggregator: Aggregator
    content: dict
    random: random.Random
    tokens: dict[str, str] = field(default_factory=dict)
    channel: grpc.Channel | None = None

    def start(self) -> float:
        """Returns the seconds until it serves."""
        began = time.monotonic()
        self.aggregator.launch()
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.aggregator.port), 1).close()
                break
            except OSError:
                if self.aggregator.process.poll() is not None:
                    raise RuntimeError(f"the aggregator ended:\n{self.aggregator.last_log()}") from None
                time.sleep(0.005)
        self.aggregator.wait_until_serving()
        return time.monotonic() - began

    def connect(self) -> None:
        self.channel = self.aggregator.channel()
        self.stub = avs_grpc.AggregatorStub(self.channel)

    def stop(self) -> None:
        if self.channel is not None:
            self.channel.close()
        if self.aggregator.is_running:
            self.aggregator.stop()

    def call(self, name: str, owner: str, request):
        if owner not in self.tokens:
            claims = tokens.user_claims(owner, str(self.aggregator.chain.id), lifetime=24 * 3600)
            self.tokens[owner] = tokens.sign(self.aggregator.jwt_secret, claims)
        return getattr(self.stub, name)(request, metadata=[("authkey", self.tokens[owner])], timeout=60)

    def some_task(self) -> tuple[str, str]:
        """A random task and its owner."""
        return tuple(self.random.choice(self.content["sample"]))

    # What the kernel says

    @property
    def status(self) -> dict[str, str]:
        text = Path(f"/proc/{self.aggregator.process.pid}/status").read_text()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    @property
    def resident_mib(self) -> float:
        return int(self.status["VmRSS"].split()[0]) / 1024

    @property
    def read_mib(self) -> float:
        """What it has read of files and sockets so far, out of the page cache or not."""
        lines = Path(f"/proc/{self.aggregator.process.pid}/io").read_text().splitlines()
        return int(dict(line.split(": ") for line in lines)["rchar"]) / 1024 / 1024

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.aggregator.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / servers.TICKS

    def wait_until_quiet(self) -> None:
        """What the filling left to be compacted is not part of any measure."""
        progress(f"{self.name}: waiting for the end of its compaction")
        deadline = time.monotonic() + QUIET_SECONDS_MAX
        while time.monotonic() < deadline:
            before = self.cpu_seconds
            time.sleep(QUIET_SECONDS)
            if self.cpu_seconds - before < 0.02 * QUIET_SECONDS:
                return
        progress(f"{self.name}: still busy after {QUIET_SECONDS_MAX} s; what follows is measured beside that")


def progress(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def wallet_of(owner: str) -> str:
    return "0xa0" + owner[4:].lower()


def rpcs(service: Service):
    """The calls that are compared: name, how often in a round, one call."""

    def of_owner(name, request):
        return lambda: service.call(name, owner := service.some_task()[0], request(owner))

    def get_task():
        owner, task = service.some_task()
        service.call("GetTask", owner, avs.IdReq(id=task))

    def task_counts():
        owner, task = service.some_task()
        service.call("GetExecutionCount", owner, avs.GetExecutionCountReq(workflow_ids=[task]))

    def executions():
        owner, task = service.some_task()
        service.call("ListExecutions", owner, avs.ListExecutionsReq(task_ids=[task]))

    return [
        ("GetTask", CALLS, get_task),
        ("ListTasks, first page of 50", CALLS,
         of_owner("ListTasks", lambda owner: avs.ListTasksReq(smart_wallet_address=[wallet_of(owner)], limit=50))),
        ("ListExecutions of a task", CALLS, executions),
        ("CreateTask", CHANGES, of_owner("CreateTask", lambda owner: tasks.task(wallet_of(owner)))),
        ("GetWorkflowCount", CALLS, of_owner("GetWorkflowCount", lambda _: avs.GetWorkflowCountReq())),
        ("GetExecutionCount", CALLS, of_owner("GetExecutionCount", lambda _: avs.GetExecutionCountReq())),
        ("GetExecutionCount of a task", CALLS, task_counts),
        ("GetExecutionStats of 7 days", CHANGES,
         of_owner("GetExecutionStats", lambda _: avs.GetExecutionStatsReq(days=7))),
    ]


def timed(call, count: int) -> list[float]:
    """The microseconds of each of so many calls, one after the other."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1e6)
    return times


def measure(scale: float, keep: Path | None) -> Report:
    """`scale` makes everything smaller, for a trial of the bench itself."""
    aggregator, generator = build()
    os.environ["AVS_AGGREGATOR"] = str(aggregator)
    folder = keep or Path(tempfile.mkdtemp(prefix="avs-bench-store-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "full" / "content.json").exists() and shutil.disk_usage(folder).free < DISK_BYTES * scale:
        raise SystemExit(f"bench: {folder} has less than {DISK_BYTES * scale / (1 << 30):.1f} GiB free; "
                         "--keep names another place")
    chain = Chain()
    services: list[Service] = []
    try:
        for name, share in (("1/100", SHARE), ("full", 1)):
            content = fill(generator, folder / name.replace("/", "-"), scale / share, share == 1)
            running = Aggregator(folder / name.replace("/", "-"), chain, [], SETTINGS, starts=1)
            services.append(Service(name, running, content, random.Random(1)))
        report = Report()
        check(services[0], report)
        for service in services:
            service.start()
            service.wait_until_quiet()
            service.stop()
        start_up(services, report)
        compare(services, report)
        listing(services[1], report)
        for service in services:
            target = {"at_most": RESIDENT_MIB_MAX} if service.name == "full" else {}
            report.add(f"resident memory after all calls, {service.name}", service.resident_mib, "MiB", **target)
        return report
    finally:
        for service in services:
            service.stop()
        chain.stop()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def fill(generator: Path, folder: Path, scale: float, with_singles: bool) -> dict:
    """Makes the database, unless it was kept from an earlier run. Its progress goes to stderr."""
    note = folder / "content.json"
    content = json.loads(note.read_text()) if note.exists() else {}
    if content.get("format") != FORMAT or content.get("scale") != scale:
        note.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / "db", ignore_errors=True)
        owners = max(1, int(OWNERS * scale))
        command = [str(generator), "--db", str(folder / "db"), "--tasks", str(owners * TASKS // OWNERS), "--owners",
                   str(owners), "--runs", str(RUNS)]
        for count in SINGLES if with_singles else ():
            command += ["--single", str(count)]
        progress(f"filling {folder.name}")
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        content = {"format": FORMAT, "scale": scale, **json.loads(answer)}
        note.write_text(json.dumps(content))
    return content


def check(service: Service, report: Report) -> None:
    """What is measured is a database that keeps the rules."""
    if (tool := inspector()) is None:
        progress("avsctl is not built, the database is not checked")
        return
    progress(f"checking every row of {service.name}")
    answer = subprocess.run([str(tool), "store", "check", "--db", str(service.aggregator.folder / "db")],
                            stdout=subprocess.PIPE, text=True)
    report.add(f"findings of avsctl store check, {service.name}", len(answer.stdout.splitlines()), "", at_most=0)


def start_up(services: list[Service], report: Report) -> None:
    """The page cache is warm: what is measured is what a start does, not the disk."""
    times: dict[str, list[float]] = {service.name: [] for service in services}
    for _ in range(STARTS):
        for service in services:
            times[service.name].append(service.start())
            service.stop()
    for service in services:
        target = {"at_most": START_SECONDS_MAX} if service.name == "full" else {}
        report.add(f"start-up to serving, {service.name}", statistics.median(times[service.name]), "s", **target)
        service.start()
        report.add(f"read until serving, {service.name}", service.read_mib, "MiB")
        service.connect()


def compare(services: list[Service], report: Report) -> None:
    """Turn by turn, so that what else the machine does meets both."""
    for place, (name, count, _) in enumerate(rpcs(services[0])):
        times: dict[str, list[float]] = {service.name: [] for service in services}
        cpu: dict[str, float] = {service.name: 0 for service in services}
        for _ in range(ROUNDS + 1):
            for service in services:
                before = service.cpu_seconds
                times[service.name] += timed(rpcs(service)[place][2], count)
                cpu[service.name] += service.cpu_seconds - before
        for service in services:
            # The first round warms up.
            times[service.name] = times[service.name][count:]
            report.add(f"{name}, {service.name}", statistics.median(times[service.name]), "us")
        small, full = (statistics.median(times[service.name]) for service in services)
        report.add(f"{name}, full beside 1/100", full / small, "x", at_most=RATIO_MAX)
        report.add(f"{name}, server's CPU, full beside 1/100",
                   cpu[services[1].name] / max(cpu[services[0].name], 0.01), "x")


def listing(service: Service, report: Report) -> None:
    """A page of 50 at its beginning and, where there are more, from places inside the list; counts and statistics."""
    first: dict[str, float] = {}
    for single in service.content["singles"]:
        count, owner, task = single["count"], single["owner"], single["task"]
        for what, lister in (("tasks", tasks_page(service, owner)), ("executions", executions_page(service, owner, task))):
            cursors = [lister("").page_info.end_cursor]
            for _ in range(min(count // 50, 40) - 1):
                cursors.append(lister(cursors[-1]).page_info.end_cursor)
            places = ["", *cursors[:-1]]
            value = statistics.median(timed(lambda: lister(service.random.choice(places)), CALLS))
            compared(report, first, count, what, f"page of 50 {what}, owner with", value)
        for name, request in (("GetExecutionCount", avs.GetExecutionCountReq()),
                              ("GetExecutionStats", avs.GetExecutionStatsReq(days=7))):
            value = statistics.median(timed(lambda: service.call(name, owner, request), CALLS))
            compared(report, first, count, name, f"{name}, owner with", value)


def compared(report: Report, first: dict[str, float], count: int, what: str, label: str, value: float) -> None:
    """One figure of an owner with so many; that of the largest is held against that of the middle one."""
    report.add(f"{label} {count:,}", value, "us")
    if count == SINGLES[1]:
        first[what] = value
    elif count == SINGLES[2]:
        report.add(f"{label} {count:,} beside {SINGLES[1]:,}", value / first[what], "x", at_most=RATIO_MAX)


def tasks_page(service: Service, owner: str):
    return lambda cursor: service.call(
        "ListTasks", owner, avs.ListTasksReq(smart_wallet_address=[wallet_of(owner)], limit=50, after=cursor))


def executions_page(service: Service, owner: str, task: str):
    return lambda cursor: service.call(
        "ListExecutions", owner, avs.ListExecutionsReq(task_ids=[task], limit=50, after=cursor))
