"""Runs that reach outside: a web server on loopback, the contracts of the development chain."""

import pytest
from avs_testbed import tasks
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain

MANUAL = avs.TRIGGER_TYPE_MANUAL
SUCCESS, FAILED = avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED


@pytest.fixture
def run(user, wallet):
    """Runs these nodes after a manual trigger and returns the answer and the node steps."""
    def run(*nodes, edges=None, variables=None):
        request = tasks.task(wallet, nodes=nodes, edges=edges)
        for name, value in (variables or {}).items():
            tasks.set_value(request.input_variables[name], value)
        answer = user.trigger(user.create(request), MANUAL, blocking=True)
        return answer, list(answer.steps[1:])
    return run


def test_a_request_over_http(run, web, user):
    """API-10.4.1: method, templated body and header arrive; the envelope is the step's output."""
    headers = {"Content-Type": "application/json", "X-Owner": "{{settings.owner}}"}
    node = tasks.rest(f"{web.url}/posts/{{{{number}}}}", method="POST", body='{"n": {{number}}}', headers=headers)
    answer, steps = run(node, variables={"number": 42})
    assert (answer.status, answer.error) == (SUCCESS, "")
    request, = web.of("/posts/42")
    assert (request["method"], request["body"]) == ("POST", '{"n": 42}')
    assert request["headers"]["x-owner"] == user.address
    output = plain(steps[0].rest_api.data)
    assert (output["status"], output["statusText"], output["url"]) == (200, "OK", f"{web.url}/posts/42")
    assert output["headers"]["Content-Type"] == "application/json"
    assert output["data"] == {"method": "POST", "path": "/posts/42", "body": '{"n": 42}'}
    assert (steps[0].type, steps[0].error, steps[0].error_code) == ("NODE_TYPE_REST_API", "", 0)
    assert (steps[0].gas_used, steps[0].gas_price, steps[0].total_gas_cost) == ("", "", "")


def test_a_failing_node_beside_a_succeeding_one(run, web):
    """API-10.4.17, API-10.4.18"""
    good, bad = tasks.rest(f"{web.url}/good", "good"), tasks.rest(f"{web.url}/status/404", "bad")
    edges = [avs.TaskEdge(id=f"e-{node.id}", source="t0", target=node.id) for node in (good, bad)]
    answer, steps = run(good, bad, edges=edges)
    assert answer.status == FAILED and answer.error.startswith("1 of 3 steps failed")
    assert {step.id: step.success for step in steps} == {"good": True, "bad": False}
    failed, = [step for step in steps if not step.success]
    assert (failed.error, failed.error_code) == ("invalid request: HTTP 404: Not Found", 3000)
    assert plain(failed.rest_api.data)["status"] == 404


def test_what_is_not_allowed_is_not_reached(run, aggregator):
    """SSRF: only the listed address on loopback may be asked, not the aggregator itself."""
    answer, steps = run(tasks.rest(f"http://127.0.0.1:{aggregator.http_port}/up"))
    assert answer.status == FAILED
    assert not steps[0].success and steps[0].error


def test_a_contract_is_read(run, chain, user):
    """API-10.4.1: an ERC-20 and the counter, at the state of the chain now."""
    token, counter = chain.address("token"), chain.address("counter")
    holder = chain.facts["accounts"][0]["address"]
    calls = [("decimals", []), ("balanceOf", ["{{holder}}"])]
    first = tasks.contract_read(token, chain.abi("token"), *calls, identifier="token")
    second = tasks.contract_read(counter, chain.abi("counter"), ("count", []), identifier="counter")
    answer, steps = run(first, second, variables={"holder": holder})
    assert (answer.status, answer.error) == (SUCCESS, "")
    balance = chain.contract("token").functions.balanceOf(holder).call()
    assert plain(steps[0].contract_read.data) == {"decimals": "6", "balanceOf": str(balance)}
    assert plain(steps[1].contract_read.data) == {"count": str(chain.contract("counter").functions.count().call())}


def test_a_read_that_fails_is_a_failed_step(run, chain):
    """API-10.4.17"""
    node = tasks.contract_read("0x" + "77" * 20, chain.abi("counter"), ("count", []))
    answer, steps = run(node)
    assert answer.status == FAILED and not steps[0].success and steps[0].error


@pytest.mark.parametrize("value, arm", [(12, "c1"), (5, "c2"), (1, "c3")])
def test_a_branch_leads_one_way(run, web, value, arm):
    """API-10.4.18: only the node behind the chosen arm runs."""
    conditions = [("c1", "if", "{{v}} > 10"), ("c2", "if", "v > 4"), ("c3", "else", "")]
    nodes = [tasks.branch("fork", *conditions)]
    nodes += [tasks.rest(f"{web.url}/arm/{name}/{value}", f"to_{name}") for name, *_ in conditions]
    edges = [avs.TaskEdge(id="e", source="t0", target="fork")] + [
        avs.TaskEdge(id=f"e-{name}", source=f"fork.{name}", target=f"to_{name}") for name, *_ in conditions]
    answer, steps = run(*nodes, edges=edges, variables={"v": value})
    assert answer.status == SUCCESS
    assert [step.id for step in steps] == ["fork", f"to_{arm}"]
    assert plain(steps[0].branch.data) == {"conditionId": f"fork.{arm}"}
    asked = [name for name, *_ in conditions if web.of(f"/arm/{name}/{value}")]
    assert asked == [arm]


def test_the_answer_of_one_node_decides_in_the_next(run, web):
    """API-10.4.12: steps in the order in which they ran, with type and name."""
    nodes = [tasks.rest(f"{web.url}/status/201", "asked"),
             tasks.branch("judge", ("yes", "if", 'asked.data.method === "GET"'), ("no", "else", ""))]
    answer, steps = run(*nodes)
    assert answer.status == SUCCESS
    assert [(step.name, step.type) for step in steps] == [
        ("asked", "NODE_TYPE_REST_API"), ("judge", "NODE_TYPE_BRANCH")]
    assert plain(steps[1].branch.data) == {"conditionId": "judge.yes"}
