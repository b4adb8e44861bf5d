"""tools/bench engine: what it asks of the service, and what it does not believe."""

import json
import os
import socket
import struct
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "packages" / "bench" / "driver"))

engine = pytest.importorskip("engine")
OK = 'grpc_server_handled_total{grpc_service="aggregator.Aggregator",grpc_method="TriggerTask",grpc_code="OK"}'
FAILED = 'avs_scripts_failed_total{reason="overloaded"}'
ANSWERED = "avs_scripts_answered_total"


def asked(monkeypatch, before: dict, after: dict):
    """Ten calls of a service whose metrics change like that, of two requests."""
    pages, used = iter([before, after]), iter([2.0, 2.5])
    monkeypatch.setattr(engine.Service, "metrics", lambda _: next(pages))
    monkeypatch.setattr(engine.Service, "cpu_seconds", property(lambda _: next(used)))

    def load(service, method, body, calls, *_, **__):
        task = engine.avs.TriggerTaskReq.FromString(body[5:]).task_id
        times = {"a": [3.0, 5.0], "b": [4.0]}[task]
        return engine.load.Result(calls, 0, {"a": 1.5, "b": 0.5}[task], 0.1, times)

    monkeypatch.setattr(engine.load, "call", load)
    requests = [engine.avs.TriggerTaskReq(task_id=task) for task in "ab"]
    return engine.Service(SimpleNamespace(target="")).call("TriggerTask", requests, 10, 1, 1)


def test_calls_count_when_the_service_says_that_it_answered_them_all(monkeypatch):
    result, scripts = asked(monkeypatch, {OK: 5, ANSWERED: 1}, {OK: 15, ANSWERED: 31})
    assert (result.calls, scripts) == (10, 30)
    assert (result.seconds, result.cpu_seconds, result.latencies) == (1.5, 0.5, [3.0, 4.0, 5.0])


@pytest.mark.parametrize("after", [{OK: 14}, {OK: 15, FAILED: 1}, {}])
def test_a_call_that_was_refused_or_a_script_that_failed_ends_the_bench(monkeypatch, after):
    with pytest.raises(RuntimeError):
        asked(monkeypatch, {OK: 5}, after)


def test_a_graph_runs_every_node_branches_by_the_condition_that_holds():
    nodes = engine.chain_of(7)
    assert [node.WhichOneof("task_type") for node in nodes[:4]] == ["branch", "custom_code", "filter", "branch"]
    edges = [(edge.source, edge.target) for edge in engine.edges_of(nodes)]
    assert edges[:5] == [("t0", "n0"), ("n0.c1", "n1"), ("n1", "n2"), ("n2", "n3"), ("n3.c1", "n4")]


def test_an_answer_comes_whole_however_it_is_cut():
    ours, theirs = socket.socketpair()
    content = json.dumps(["x" * 100_000]).encode()
    frame = struct.pack(">I", len(content)) + content

    def trickle():
        for start in range(0, len(frame), 999):
            theirs.sendall(frame[start:start + 999])
        theirs.close()

    thread = threading.Thread(target=trickle)
    thread.start()
    assert engine.answer(ours) == content
    with pytest.raises(RuntimeError):
        engine.answer(ours)
    thread.join()
    ours.close()


def test_the_children_of_a_process_are_found():
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.read(read, 1)
        os._exit(0)
    try:
        assert child in engine.children(os.getpid())
    finally:
        os.write(write, b"x")
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)
