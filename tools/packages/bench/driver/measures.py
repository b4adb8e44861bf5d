"""What is measured, and what it should be."""

import sys
import time
from dataclasses import asdict, dataclass
from statistics import median

import load
import servers
from servers import Server

SMALL = load.message(b"x" * 98)  # a protobuf of 100 bytes
BULK = load.message(b"y" * (1 << 20))
# With all methods, and compared with; Python is a hundred times slower.
PEERS = ("grpc-go", "grpc-c++", "grpc-swift-2")


@dataclass
class Row:
    """One line of the report. A row that only informs has no target and holds."""

    measure: str
    value: float
    unit: str
    target: str | None = None
    holds: bool = True


class Report:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, measure: str, value: float, unit: str, *, at_most: float | None = None,
            at_least: float | None = None) -> None:
        target, holds = None, True
        if at_most is not None:
            target, holds = f"<= {at_most:.4g}", value <= at_most
        if at_least is not None:
            target, holds = f">= {at_least:.4g}", value >= at_least
        self.rows.append(Row(measure, float(f"{value:.4g}"), unit, target, holds))
        print(f"bench: {measure.strip()}: {value:.4g} {unit}", file=sys.stderr, flush=True)

    @property
    def json(self) -> dict:
        return {"rows": [asdict(row) for row in self.rows]}

    @property
    def text(self) -> str:
        width = max(len(row.measure) for row in self.rows)
        lines = [f"{'measure':{width}}  {'value':>10} {'unit':12} {'target':>10}"]
        for row in self.rows:
            verdict = "" if row.target is None else ("ok" if row.holds else "MISSED")
            lines.append(f"{row.measure:{width}}  {row.value:>10.4g} {row.unit:12} {row.target or '':>10}  {verdict}")
        return "\n".join(lines)


class Rotation:
    """Asks each server in turn, beginning with another one each round, and keeps all answers."""

    def __init__(self, running: dict[str, Server], rounds: int) -> None:
        self.running, self.rounds = running, rounds

    def each(self, measure) -> dict[str, list[load.Result]]:
        names = list(self.running)
        results: dict[str, list[load.Result]] = {name: [] for name in names}
        for name in names:
            measure(self.running[name], 0.1)  # warms up: HPACK tables, pools, the code itself
        for turn in range(self.rounds):
            for index in range(len(names)):
                name = names[(index + turn) % len(names)]
                results[name].append(measure(self.running[name], 1.0))
        return results


def calls_for(server: Server, scale: float, fast: int) -> int:
    """Python takes a hundred times as long for a call."""
    return max(10, int(fast * scale / (50 if server.name == "grpcio" else 1)))


# --- Calls -------------------------------------------------------------------------------------------------------------

def unary(report: Report, rotation: Rotation) -> None:
    results = rotation.each(
        lambda server, scale: load.call(server, "Unary", SMALL, calls_for(server, scale, 100_000), 10, 100))
    cpu = {name: median(result.cpu_microseconds for result in each) for name, each in results.items()}
    rate = {name: median(result.calls / result.seconds for result in each) for name, each in results.items()}
    for name in results:
        if name != "ours":
            report.add(f"CPU per small unary call, {name}", cpu[name], "us")
    report.add("CPU per small unary call, ours", cpu["ours"], "us", at_most=6)
    report.add("  times the plain C echo", cpu["ours"] / cpu["c"], "x", at_most=3)
    for name in results:
        report.add(f"calls per second, 10 x 100, {name}", rate[name], "1/s")
    for name in PEERS:
        if name in rate:
            report.add(f"  times {name}", rate["ours"] / rate[name], "x", at_least=4)
            report.add(f"  CPU per call of {name} in ours", cpu[name] / cpu["ours"], "x")
    failed = sum(result.failed for each in results.values() for result in each)
    report.add("calls that failed", failed, "calls", at_most=0)


def percentiles(report: Report, rotation: Rotation) -> None:
    """One call at a time, and the distribution under full load."""
    for title, fast, connections, streams in (("one at a time", 10_000, 1, 1), ("10 x 100", 100_000, 10, 100)):
        results = rotation.each(
            lambda server, scale: load.call(
                server, "Unary", SMALL, calls_for(server, scale, fast), connections, streams, latencies=True))
        values = {
            (name, share): median(result.percentile(share) for result in each)
            for name, each in results.items() for share in (0.5, 0.99, 0.999)}
        for name in results:
            limits = {}
            if name == "ours" and streams == 1:
                limits = {0.99: min((values[peer, 0.99] for peer in PEERS if peer in results),
                                    default=None)}
            for share, label in ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")):
                report.add(f"{label}, {title}, {name}", values[name, share], "us", at_most=limits.get(share))


def streaming(report: Report, rotation: Rotation) -> None:
    """Messages of one server-streaming call. Per core: what the processor time of the server would allow."""
    def measure(server: Server, scale: float) -> load.Result:
        count = int((1_000_000 if server.name == "ours" else 200_000) * scale)
        result = load.call(server, "Stream", load.message(str(count).encode()), 1, large_windows=True)
        result.calls = count
        return result

    results = rotation.each(measure)
    for name, each in results.items():
        at_least = 1e6 if name == "ours" else None
        report.add(f"messages per second and core, server streaming, {name}",
                   median(result.calls / result.cpu_seconds for result in each), "1/s", at_least=at_least)
        report.add(f"  by the clock, {name}", median(result.calls / result.seconds for result in each), "1/s")


def bulk(report: Report, rotation: Rotation) -> None:
    results = rotation.each(
        lambda server, scale: load.call(server, "Bulk", BULK, calls_for(server, scale, 200), large_windows=True))
    cpu = {name: median(result.cpu_microseconds for result in each) / 1000 for name, each in results.items()}
    for name in results:
        if name not in ("ours", "ours TLS"):
            report.add(f"CPU per echo of 1 MiB, {name}", cpu[name], "ms")
    report.add("CPU per echo of 1 MiB, ours", cpu["ours"], "ms", at_most=1.2)
    report.add("CPU per echo of 1 MiB, ours, TLS 1.3", cpu["ours TLS"], "ms")
    report.add("  times plaintext", cpu["ours TLS"] / cpu["ours"], "x", at_most=2)


# --- Memory and many connections ---------------------------------------------------------------------------------------

def idle(report: Report, commands: dict[str, list[str]]) -> None:
    """Resident memory, before and after; each server fresh, so that nothing is left over from load."""
    connections, streams = 1_000, 50
    per_stream = {}
    # The other peers' servers have no method that holds a stream.
    for name in (name for name in ("c", "ours", "grpc-swift-2") if name in commands):
        with Server(name, commands[name]) as server:
            warm = load.Holder(server, 20)
            warm.open_streams(streams)
            before = server.resident_bytes
            holder = load.Holder(server, connections)
            opened = server.resident_bytes
            holder.open_streams(streams)
            full = server.resident_bytes
            holder.close()
            warm.close()
        kibibytes = (opened - before) / connections / 1024
        per_stream[name] = (full - opened) / connections / streams / 1024
        report.add(f"memory of an idle connection, {name}", kibibytes, "KiB", at_most=24 if name == "ours" else None)
        report.add(f"memory of an idle stream, {name}", per_stream[name], "KiB")
    report.add("  beyond libnghttp2's own", per_stream["ours"] - per_stream["c"], "KiB", at_most=2)


def many_connections(report: Report, commands: dict[str, list[str]]) -> None:
    connections = min(10_000, load.raise_file_limit() - 500)
    with Server("ours", [*commands["ours"], "--threads", "2"], core=None) as server:
        before, cpu = server.resident_bytes, server.cpu_seconds
        holder = load.Holder(server, connections)
        idle_bytes = server.resident_bytes - before
        start = time.monotonic()
        failed = holder.call_all(SMALL)
        seconds = time.monotonic() - start
        report.add(f"{connections} connections, a call on each: not answered", failed, "calls", at_most=0)
        report.add("  seconds for all of them, the client being Python", seconds, "s")
        report.add("  processor time, connecting included", server.cpu_seconds - cpu, "s")
        report.add("  memory, idle", idle_bytes / 2**20, "MiB")
        report.add("  memory, after the calls", (server.resident_bytes - before) / 2**20, "MiB")
        holder.close()
    for label, options in (("backlog of 1,024", ["--backlog", "1024"]), ("usual backlog", [])):
        with Server("ours", [*commands["ours"], "--threads", "2", *options], core=None) as server:
            seconds, dropped = load.burst(server, connections)
        report.add(f"{connections} connects while the server stands still, {label}: then all answered in", seconds, "s")
        report.add("  drops at the full listener, to be tried again", dropped, "drops")


def measure(commands: dict[str, list[str]], rounds: int, only: set[str]) -> Report:
    report = Report()
    chain, key = servers.certificate()
    running = {name: Server(name, command).__enter__() for name, command in commands.items()}
    tls = Server("ours TLS", [*commands["ours"], "--certificate", chain, "--key", key], scheme="https").__enter__()
    try:
        offers_all = {name: server for name, server in running.items() if name in ("ours", *PEERS)}
        if "unary" in only:
            unary(report, Rotation(running, rounds))
        if "latency" in only:
            percentiles(report, Rotation(running, rounds))
        if "streaming" in only:
            streaming(report, Rotation(offers_all, rounds))
        if "bulk" in only:
            bulk(report, Rotation({"c": running["c"], **offers_all, "ours TLS": tls}, rounds))
    finally:
        for server in (*running.values(), tls):
            server.__exit__()
    if "idle" in only:
        idle(report, commands)
    if "connections" in only:
        many_connections(report, commands)
    return report
