"""Graphs as they run: which nodes, how often, in which order; in simulations and in stored tasks alike."""

import itertools
import json
import random

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain, set_value

MANUAL = avs.TRIGGER_TYPE_MANUAL
SUCCESS, FAILED, ERROR = avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED, avs.EXECUTION_STATUS_ERROR


def edges(text: str) -> list:
    """`t0>a a>b fork.yes>c`"""
    pairs = (pair.split(">") for pair in text.split())
    return [avs.TaskEdge(id=f"e{i}", source=source, target=target) for i, (source, target) in enumerate(pairs)]


@pytest.fixture(params=["simulated", "triggered"])
def run(request, user, wallet):
    """Runs a graph of these nodes and returns the names of the node steps, in their order, and the answer."""
    def run(graph: str, *nodes, **variables):
        created = tasks.task(wallet, tasks.manual(), list(nodes), edges(graph))
        for name, value in variables.items():
            set_value(created.input_variables[name], value)
        if request.param == "triggered":
            answer = user.trigger(user.create(created), MANUAL, blocking=True)
        else:
            call = avs.SimulateTaskReq(trigger=created.trigger, nodes=created.nodes, edges=created.edges)
            for name, value in created.input_variables.items():
                call.input_variables[name].CopyFrom(value)
            answer = user.call("SimulateTask", call)
        assert answer.steps[0].name == "start"
        return [step.name for step in answer.steps[1:]], answer
    return run


def calm(*names: str) -> list:
    """Nodes that succeed and need nothing."""
    return [tasks.branch(name) for name in names]


def fork(condition: str = "taken"):
    return tasks.branch("b", ("if", "if", condition), ("else", "else", ""))


def failing(name: str):
    return tasks.filter_node("true", "{{nowhere}}", name)


def test_a_chain(run):
    """EE-W6"""
    names, answer = run("t0>a a>b b>c", *calm("a", "b", "c"))
    assert names == ["a", "b", "c"] and (answer.status, answer.error) == (SUCCESS, "")
    assert all(step.success for step in answer.steps)


def test_a_fan_out(run):
    """EE-W7"""
    names, answer = run("t0>a t0>b t0>c", *calm("a", "b", "c"))
    assert sorted(names) == ["a", "b", "c"] and answer.status == SUCCESS


def test_a_diamond(run):
    """EE-W8: the end once, and last"""
    names, _ = run("t0>a t0>b a>c b>c", *calm("a", "b", "c"))
    assert sorted(names[:2]) == ["a", "b"] and names[2:] == ["c"]


def test_an_arm_that_is_not_taken(run):
    """EE-W9, EE-NB13"""
    names, answer = run("t0>b b.if>x b.else>w x>y y>z", fork(), *calm("x", "y", "z", "w"), taken=True)
    assert names == ["b", "x", "y", "z"] and answer.status == SUCCESS


@pytest.mark.parametrize("taken, expected", [(True, ["b", "x", "e"]), (False, ["b", "e"])])
def test_a_node_with_a_plain_and_a_branch_edge(run, taken, expected):
    """EE-W10"""
    names, answer = run("t0>b b.if>x x>e b.else>e", fork(), *calm("x", "e"), taken=taken)
    assert names == expected and answer.status == SUCCESS


@pytest.mark.parametrize("taken, arm", [(True, "x"), (False, "y")])
def test_exclusive_arms_join(run, taken, arm):
    """EE-W11: the join runs once, whichever arm was taken"""
    names, _ = run("t0>b b.if>x b.else>y x>j y>j", fork(), *calm("x", "y", "j"), taken=taken)
    assert names == ["b", arm, "j"]


@pytest.mark.parametrize("taken", [True, False])
def test_both_conditions_lead_to_one_node(run, taken):
    """EE-W12"""
    names, _ = run("t0>b b.if>e b.else>e", fork(), *calm("e"), taken=taken)
    assert names == ["b", "e"]


def test_a_failure_stops_nothing_behind_it(run):
    """EE-W13"""
    names, answer = run("t0>f f>a", failing("f"), *calm("a"))
    assert names == ["f", "a"] and answer.status == FAILED and answer.error == "1 of 3 steps failed: f"
    assert [step.success for step in answer.steps] == [True, False, True]


def test_failures_are_counted_with_the_trigger(run):
    """EE-W14"""
    _, answer = run("t0>f1 f1>f2", failing("f1"), failing("f2"))
    assert answer.status == FAILED and answer.error == "2 of 3 steps failed: f1, f2"


def test_twenty_nodes_at_once(run):
    """EE-W16"""
    names = [f"n{number}" for number in range(20)]
    found, answer = run(" ".join(f"t0>{name}" for name in names), *calm(*names))
    assert sorted(found) == sorted(names) and answer.status == SUCCESS


def test_arms_run_at_the_same_time(run, web):
    """EE 1.5: four arms of a second each take one second, not four"""
    nodes = [tasks.rest(f"{web.url}/slow/1", f"n{number}") for number in range(4)]
    _, answer = run(" ".join(f"t0>n{number}" for number in range(4)), *nodes)
    begun = [step.start_at for step in answer.steps[1:]]
    ended = [step.end_at for step in answer.steps[1:]]
    assert answer.status == SUCCESS and max(begun) < min(ended)


def simulate(user, wallet, graph: str, *nodes):
    request = avs.SimulateTaskReq(trigger=tasks.manual(), nodes=nodes, edges=edges(graph))
    set_value(request.input_variables["settings"], {"name": "x", "runner": wallet})
    return user.call("SimulateTask", request)


@pytest.mark.parametrize("graph, text", [
    ("t0>a a>gone", "…target node 'gone' in edge 'e1' not in TaskNodes"),
    ("t0>a gone>a", "…source node 'gone' in edge 'e1' not in TaskNodes"),
    ("a>b", "…trigger 't0' has no outgoing edges"),
    ("t0>a a>b b>a", "…nodes form a cycle: a -> b"), ("t0>a a>a", "…nodes form a cycle: a")])
def test_a_graph_that_cannot_run(user, wallet, graph, text):
    """EE-W4, EE-W5, EE-W15: an error of the rpc, and a task's run ends in an error; a cycle is refused at once"""
    with refused("INVALID_ARGUMENT", 3003, text):
        simulate(user, wallet, graph, *calm("a", "b"))
    created = tasks.task(wallet, tasks.manual(), calm("a", "b"), edges(graph))
    if "cycle" in text:
        with refused("INVALID_ARGUMENT", 3003, text):
            user.create(created)
    else:
        answer = user.trigger(user.create(created), MANUAL, blocking=True)
        assert answer.status == ERROR and answer.error.startswith("VM execution error: ") and text[1:] in answer.error


# Random graphs against the slow rule

def reached(nodes: list[str], links: list[tuple[str, str]], taken: dict[str, str]) -> set[str]:
    """Which nodes run, found by looking at every edge until nothing changes any more."""
    state = {name: None for name in nodes}
    while True:
        before = dict(state)
        for name in nodes:
            decided = []
            for source, target in links:
                if target != name:
                    continue
                node, _, condition = source.partition(".")
                if source == "t0":
                    decided.append(True)
                elif state[node] is None:
                    decided.append(None)
                else:
                    decided.append(state[node] and (not condition or taken[node] == condition))
            if None not in decided:
                state[name] = not decided or any(decided)
        if state == before:
            return {name for name, runs in state.items() if runs}


@pytest.mark.parametrize("seed", range(12))
def test_a_random_graph_runs_what_the_slow_rule_says(run, seed):
    """EE 1.5: joins, arms and failures at random; every node once, after everything that it waits for"""
    dice = random.Random(seed)
    names = [f"n{number}" for number in range(dice.randint(2, 14))]
    links = [("t0", names[0])]
    for target, source in itertools.product(range(1, len(names)), range(len(names))):
        if source < target and dice.random() < 0.3:
            links.append((names[source] + dice.choice(["", "", ".if", ".else"]), names[target]))
    for name in names[1:]:
        if all(target != name for _, target in links) or dice.random() < 0.1:
            links.append(("t0", name))
    taken = {name: dice.choice(["if", "else"]) for name in names}
    nodes = [tasks.branch(name, ("if", "if", json.dumps(taken[name] == "if")), ("else", "else", "")) for name in names]
    dice.shuffle(nodes)
    found, answer = run(" ".join(f"{source}>{target}" for source, target in links), *nodes)
    assert answer.status == SUCCESS and len(set(found)) == len(found)
    assert set(found) == reached(names, links, taken)
    for source, target in links:
        node = source.partition(".")[0]
        if node in found and target in found:
            assert found.index(node) < found.index(target), (source, target, found)
    for step in answer.steps[1:]:
        assert plain(step.branch.data) == {"conditionId": f"{step.name}.{taken[step.name]}"}
