"""Filters, loops, queries and balances: alone (R), in a simulated task (S) and in a task that is triggered (T)."""

import json
import time

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain, set_value

MANUAL = avs.TRIGGER_TYPE_MANUAL
SUCCESS, FAILED = avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED
AGES = [{"name": "Al", "age": 16}, {"name": "Bo", "age": 18}, {"name": "Cy", "age": 40}]


class Bench:
    """Runs nodes in all three ways."""

    def __init__(self, user, wallet):
        self.user, self.wallet = user, wallet

    def alone(self, node, **variables):
        request = avs.RunNodeWithInputsReq(node=node)
        for name, value in variables.items():
            set_value(request.input_variables[name], value)
        return self.user.call("RunNodeWithInputs", request)

    def simulated(self, *nodes, data=None, edges=None, trigger=None, **variables):
        created = tasks.task(self.wallet, trigger or tasks.manual(data), list(nodes), edges)
        request = avs.SimulateTaskReq(trigger=created.trigger, nodes=created.nodes, edges=created.edges)
        self._fill(request, created, variables)
        return self.user.call("SimulateTask", request)

    def triggered(self, *nodes, data=None, edges=None, trigger=None, **variables):
        """Runs a stored task once; returns the answer after checking that the record is the same."""
        request = tasks.task(self.wallet, trigger or tasks.manual(data), list(nodes), edges)
        self._fill(request, request, variables)
        task = self.user.create(request)
        answer = self.user.trigger(task, request.trigger.type, blocking=True)
        assert list(self.user.execution(task, answer.execution_id).steps) == list(answer.steps)
        return answer

    def _fill(self, request, created, variables):
        set_value(request.input_variables["settings"], {"name": "a task", "runner": self.wallet} | variables.pop("settings", {}))
        for name, value in variables.items():
            set_value(request.input_variables[name], value)

    def everywhere(self, node, **variables):
        """The output of a node in all three ways, which have to agree."""
        alone = self.alone(node, **variables)
        outputs = [plain(getattr(alone, alone.WhichOneof("output_data")).data)]
        for run in (self.simulated(node, **variables), self.triggered(node, **variables)):
            assert run.status == SUCCESS, run.error
            outputs.append(output(run.steps[1]))
        assert alone.success and outputs[0] == outputs[1] == outputs[2], outputs
        return outputs[0]

    def failing(self, node, **variables) -> list[str]:
        """The error of a node that has to fail, in all three ways."""
        alone = self.alone(node, **variables)
        assert not alone.success and alone.error_code >= 3000
        errors = [alone.error]
        for run in (self.simulated(node, **variables), self.triggered(node, **variables)):
            assert run.status == FAILED and run.error == f"1 of 2 steps failed: {node.name}"
            assert not run.steps[1].success
            errors.append(run.steps[1].error)
        return errors


def output(step):
    return plain(getattr(step, step.WhichOneof("output_data")).data)


def edges(text: str) -> list:
    """`t0>a a>b fork.yes>c`"""
    pairs = (pair.split(">") for pair in text.split())
    return [avs.TaskEdge(id=f"e{i}", source=source, target=target) for i, (source, target) in enumerate(pairs)]


@pytest.fixture
def bench(user, wallet) -> Bench:
    return Bench(user, wallet)


# Filter

@pytest.mark.parametrize("expression, kept", [
    ("value.age >= 18", ["Bo", "Cy"]), ("value.age >= limit", ["Cy"]), ("{{limit}} <= value.age", ["Cy"]),
    ("{{ value.age >= 18 }}", ["Bo", "Cy"]), ("index > 0 && value.name !== \"Cy\"", ["Bo"]),
    ("value.verified === true", []), ("value.address.city === \"x\"", [])])
def test_a_filter_keeps_what_passes(bench, expression, kept):
    """EE-5.8, EE-NF1, EE-NF5…EE-NF8: the bare list, in all three ways; an element that lacks something is skipped"""
    found = bench.everywhere(tasks.filter_node(expression, "{{people}}"), people=AGES, limit=20)
    assert [item["name"] for item in found] == kept


def test_a_filter_keeps_types(bench, web):
    """EE-NF2: also numbers that a double would round, which travel as texts"""
    values = [1, 1.5, "x", True, {"a": [None]}, [1], "90071992547409931"]
    assert bench.everywhere(tasks.filter_node("value", "{{list}}"), list=values + [0, "", None, False]) == values
    assert bench.everywhere(tasks.filter_node("value.age > 17", "{{one}}"), one=AGES[1]) == [AGES[1]]


def test_a_filter_echoes_its_configuration(bench):
    """EE-NF3"""
    step = bench.triggered(tasks.filter_node("value > 1", "{{start.data.list}}"), data={"list": [1, 2]}).steps[1]
    assert plain(step.config) == {"expression": "value > 1", "inputVariable": "{{start.data.list}}"}
    assert output(step) == [2] and "start.data" in step.inputs and step.type == "NODE_TYPE_FILTER"


@pytest.mark.parametrize("expression, source, error", [
    ("", "{{people}}", "expression is"), ("true", "", "inputVariable is"),
    ("true", "{{nowhere.list}}", "could not be resolved"), ("true", "{{number}}", "unsupported type")])
def test_a_filter_needs_a_list(bench, expression, source, error):
    """EE-NF4"""
    for text in bench.failing(tasks.filter_node(expression, source), people=AGES, number=7):
        assert error in text


# Loop

@pytest.mark.parametrize("parallel", [False, True])
def test_a_loop_asks_for_each_element(bench, web, parallel):
    """EE-NL3, EE-NL2: results stand at the index of their element"""
    node = tasks.loop("{{ids}}", parallel=parallel, rest_api=tasks.rest(f"{web.url}/posts/{{{{value}}}}?i={{{{index}}}}"))
    found = bench.everywhere(node, ids=[7, "x", 9])
    assert [item["data"]["path"] for item in found] == ["/posts/7?i=0", "/posts/x?i=1", "/posts/9?i=2"]
    assert all(item["status"] == 200 and item["headers"]["Content-Type"] == "application/json" for item in found)


def test_thirty_parallel_iterations_see_their_own_element(bench, web):
    """EE-NL2: no cross-talk"""
    inner = tasks.rest(f"{web.url}/own", method="POST", body="{{value.id}}-{{index}}")
    node = tasks.loop("{{items}}", parallel=True, rest_api=inner)
    found = bench.triggered(node, items=[{"id": 3 * n} for n in range(30)]).steps[1]
    assert [item["data"]["body"] for item in output(found)] == [f"{3 * n}-{n}" for n in range(30)]


def test_a_loop_queries_for_each_element(bench, web):
    """EE-NL13"""
    node = tasks.loop("{{ids}}", graphql_data_query=tasks.graphql_config(f"{web.url}/graphql", "{ a }", id="{{value}}"))
    assert [item["variables"] for item in bench.everywhere(node, ids=[1, 2])] == [{"id": "1"}, {"id": "2"}]


def test_a_loop_reads_a_contract_for_each_element(bench, chain):
    """EE-NL4"""
    inner = tasks.contract_read("{{value}}", chain.abi("token"), ("decimals", []), ("balanceOf", ["{{holder}}"]))
    token = chain.address("token")
    holder = chain.facts["accounts"][0]["address"]
    found = bench.everywhere(tasks.loop("{{tokens}}", contract_read=inner), tokens=[token, token], holder=holder)
    assert [item["decimals"] for item in found] == ["6", "6"] and set(found[0]) == {"decimals", "balanceOf"}


@pytest.mark.parametrize("source, error", [
    ("{{nowhere}}", "could not be resolved"), ("{{settings}}", "expected array"), ("{{number}}", "expected array")])
def test_a_loop_needs_a_list(bench, web, source, error):
    """EE-NL6"""
    node = tasks.loop(source, rest_api=tasks.rest(f"{web.url}/never"))
    settings = {"settings": {"name": "a task", "runner": bench.wallet}}
    for text in bench.failing(node, number=1, **settings):
        assert error in text
    assert not web.of("/never")


def test_an_empty_list_is_a_success(bench, web):
    """EE-NL6"""
    assert bench.everywhere(tasks.loop("{{none}}", rest_api=tasks.rest(f"{web.url}/never")), none=[]) == []


def test_a_failed_iteration_leaves_null(bench, web):
    """EE-NL7: and the loop goes on; the step fails and keeps its output"""
    node = tasks.loop("{{codes}}", rest_api=tasks.rest(f"{web.url}/status/{{{{value}}}}"))
    for text in bench.failing(node, codes=[200, 500, 201]):
        assert text == "1 of 3 iterations failed: HTTP 500: Internal Server Error"
    step = bench.triggered(node, codes=[200, 500, 201]).steps[1]
    assert [item and item["status"] for item in output(step)] == [200, None, 201] and step.error_code == 3000
    alone = bench.alone(node, codes=[500])
    assert plain(alone.loop.data) == [None] and alone.error_code == 3000


@pytest.mark.parametrize("change, error", [
    ({"source": ""}, "inputVariable is required"), ({"value": ""}, "iterVal is required")])
def test_a_loop_needs_names(bench, web, change, error):
    """EE-NL8: in R; the index needs none"""
    arguments = {"source": "{{ids}}", "value": "v", "key": ""} | change
    node = tasks.loop(arguments.pop("source"), rest_api=tasks.rest(f"{web.url}/named/{{{{v}}}}"), **arguments)
    answer = bench.alone(node, ids=[1])
    assert not answer.success and error in answer.error and answer.error_code == 3006
    keyless = tasks.loop("ids", value="v", key="", rest_api=tasks.rest(f"{web.url}/named/{{{{v}}}}"))
    assert bench.alone(keyless, ids=[1]).success


def test_modes_are_echoed_and_unknown_ones_are_sequential(bench, web):
    """EE-NL9, EE-NL11: numbers on the wire; the echo says sequential or parallel, the source is among the inputs"""
    for number, name in [(0, "sequential"), (1, "parallel"), (7, "sequential")]:
        node = tasks.loop("{{start.data}}", rest_api=tasks.rest(f"{web.url}/mode"), seconds=5)
        node.loop.config.execution_mode = number
        step = bench.triggered(node, data=[1]).steps[1]
        assert plain(step.config) == {
            "inputVariable": "{{start.data}}", "iterVal": "value", "iterKey": "index", "iterationTimeout": 5,
            "executionMode": name,
            "runner": {"type": "restApi", "config": {"url": f"{web.url}/mode", "method": "GET", "body": ""}}}
        assert "start.data" in step.inputs


def test_a_slow_iteration_ends_the_loop(bench, web):
    """EE-NL10"""
    node = tasks.loop("{{seconds}}", seconds=1, rest_api=tasks.rest(f"{web.url}/slow/{{{{value}}}}"))
    answer = bench.alone(node, seconds=[0, 5])
    assert not answer.success and answer.error == "iteration 1 timed out after 1s"


def test_five_hundred_elements(bench, web):
    """EE-NL12"""
    node = tasks.loop("{{list}}", parallel=True, rest_api=tasks.rest(f"{web.url}/status/204"))
    step = bench.triggered(node, list=list(range(500))).steps[1]
    assert step.success, step.error
    assert [item["status"] for item in output(step)] == [204] * 500


@pytest.mark.parametrize("source", ["{{nested.a.list}}", "{{settings.recipients}}", "{{start.data}}", "start.data"])
def test_a_loop_walks_nested_lists(bench, web, source):
    """EE-NL15"""
    node = tasks.loop(source, rest_api=tasks.rest(f"{web.url}/walk/{{{{value}}}}"))
    answer = bench.triggered(node, data=[1, 2], settings={"recipients": [3, 4]}, nested={"a": {"list": [5, 6]}})
    assert answer.status == SUCCESS, answer.error
    assert len(output(answer.steps[1])) == 2


def test_iterations_leave_nothing_in_scope(bench, web):
    """EE-V9: later steps see the loop, not its elements"""
    node = tasks.loop("{{start.data}}", "walk", rest_api=tasks.rest(f"{web.url}/scope"))
    answer = bench.triggered(node, tasks.branch("after", ("c1", "if", 'typeof value === "undefined"'), ("c2", "else", "")),
                             data=[1, 2])
    after = answer.steps[2]
    assert output(after) == {"conditionId": "after.c1"} and "walk.data" in after.inputs
    assert not [name for name in after.inputs if "iter" in name or name in ("value", "index")]


def test_gas_of_a_loop_off_the_chain_is_empty(bench, web):
    """API-10.4.25: texts, never null or numbers; that sums are right is shown where transactions are made"""
    steps = bench.triggered(tasks.loop("{{start.data}}", rest_api=tasks.rest(f"{web.url}/gas")), data=[1, 2]).steps
    for step in steps:
        assert (step.gas_used, step.gas_price, step.total_gas_cost) == ("", "", "")
    assert plain(steps[1].execution_context) == {"is_simulated": False, "provider": "chain_rpc", "chain_id": 31337}


# Branch

def test_a_branch_needs_an_if(bench):
    """EE-NB2: in all three ways, in the same words"""
    none = tasks.branch("b")
    del none.branch.config.conditions[:]
    for node, text in [(none, "there is no condition to evaluate"),
                       (tasks.branch("b", ("c1", "else", "")), "the first condition must be of type 'if'")]:
        for error in bench.failing(node):
            assert text in error


# REST

MOCK = "https://mock-api.ap-aggregator.local"


def test_the_mock_host_answers_without_a_server(bench):
    """EE-5.5.3: only where the configuration says so"""
    node = tasks.rest(f"{MOCK}/post?a={{{{n}}}}", method="POST", body='{"b": {{n}}}',
                      headers={"Content-Type": "application/json"})
    found = bench.triggered(node, n=7)
    assert found.status == SUCCESS and output(found.steps[1])["data"] == {
        "args": {"a": "7"}, "data": {"b": 7}, "headers": {"Content-Type": "application/json"}, "method": "POST",
        "url": f"{MOCK}/post?a=7"}
    alone = bench.alone(tasks.rest(f"{MOCK}/status/404"))
    assert (alone.error, alone.error_code) == ("invalid request: HTTP 404: Not Found", 3000)
    assert plain(alone.rest_api.data) == {"error": "Not Found", "code": 404, "url": f"{MOCK}/status/404"}


def test_a_request_alone_takes_its_parts_from_variables(bench, web):
    """EE-5.5.1: of RunNodeWithInputs only; in a task no variable turns a request"""
    node, parts = tasks.rest(f"{web.url}/own"), {"url": f"{web.url}/given/{{{{n}}}}", "method": "POST", "body": "b{{n}}"}
    assert plain(bench.alone(node, n=7, **parts).rest_api.data) == {
        "method": "POST", "path": "/given/7", "body": "b7"}
    for run in (bench.simulated, bench.triggered):
        assert output(run(node, n=7, **parts).steps[1])["data"]["path"] == "/own"


# GraphQL

def test_a_query_shows_its_data(bench, web):
    """EE-NG1, EE-NG2, EE-NG5: variables are replaced and sent as strings"""
    node = tasks.graphql(f"{web.url}/graphql", "{ pool(id: {{n}}) }", first="{{n}}", second="x")
    assert bench.everywhere(node, n=7) == {"query": "{ pool(id: 7) }", "variables": {"first": "7", "second": "x"}}
    sent = web.of("/graphql")[-1]
    assert sent["method"] == "POST" and sent["headers"]["content-type"].startswith("application/json")


@pytest.mark.parametrize("path, query, error", [
    ("/status/400", "{ a }", "400"), ("/graphql", "{ fail }", "graphql: no such field"), ("", "{ a }", "network")])
def test_a_query_that_fails(bench, web, path, query, error):
    """EE-NG4"""
    url = f"{web.url}{path}" if path else "http://no-such-host.invalid/graphql"
    for text in bench.failing(tasks.graphql(url, query)):
        assert error in text


@pytest.mark.parametrize("url, query", [("", "{ a }"), ("http://127.0.0.1", "")])
def test_a_query_needs_two_things(bench, url, query):
    """EE-NG3"""
    alone, simulated, triggered = bench.failing(tasks.graphql(url, query))
    assert "is required" in alone and simulated == triggered == "url and query is required"


# Balance

KEYS = {"symbol", "name", "balance", "balanceFormatted", "decimals", "tokenAddress"}
HOLDER = "0x" + "ab" * 20


def test_balances_by_the_service(bench, web):
    """EE-NX1, EE-NX2, EE-NX7, API-10.5.7"""
    found = bench.everywhere(tasks.balance("{{holder}}", "sepolia"), holder=HOLDER)
    assert [item["symbol"] for item in found] == ["ETH", "USDC"] and all(KEYS <= set(item) for item in found)
    assert found[1] == {"symbol": "USDC", "name": "USD Coin", "balance": "2500000", "balanceFormatted": "2.5", "decimals": 6,
                        "tokenAddress": "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238", "usdPrice": 1, "usdValue": 2.5}
    every = bench.everywhere(tasks.balance(HOLDER, "1", include_zero_balances=True))
    assert [item["symbol"] for item in every] == ["ETH", "USDC", "NONE"]
    dear = bench.everywhere(tasks.balance(HOLDER, "base", min_usd_value_cents=10**12))
    assert dear == []


def test_balances_of_the_servers_own_chain(bench, chain):
    """EE-NX5, EE-NX7: native and listed tokens, asked of the chain"""
    token = chain.address("token")
    holder = chain.facts["accounts"][0]["address"]
    own, listed = bench.everywhere(tasks.balance(holder, "31337", token_addresses=[token, "no address"]))
    amount = chain.contract("token").functions.balanceOf(holder).call()
    assert set(own) == set(listed) == KEYS and own["balance"] == str(chain.web3.eth.get_balance(holder))
    assert (listed["balance"], listed["decimals"], listed["tokenAddress"]) == (str(amount), 6, token)


@pytest.mark.parametrize("node, error", [
    (tasks.balance("0x12", "eth"), "invalid ethereum address format: 0x12"),
    (tasks.balance(HOLDER, "mars"), "unsupported chain: mars"),
    (tasks.balance(HOLDER, "eth", min_usd_value_cents=-1), "must be non-negative"),
    (tasks.balance(HOLDER, "{{nowhere}}"), "could not resolve variable nowhere in chain")])
def test_balances_that_cannot_be_asked_for(bench, node, error):
    """EE-NX3, EE-NX4, EE-NX6"""
    for text in bench.failing(node):
        assert error in text


# Notifications

JSON = {"Content-Type": "application/json"}


def chat(web, body='{"chat_id": 7}', identifier="tell"):
    return tasks.rest(f"{web.url}/bot123:abc/sendMessage", identifier, method="POST", body=body, headers=JSON,
                      options={"summarize": True})


def mail(web, identifier="tell"):
    body = json.dumps({"from": {"email": "a@b.c"}, "personalizations": [{"to": [{"email": "x@y.z"}]}], "content": []})
    return tasks.rest(f"{web.url}/v3/mail/send", identifier, method="POST", body=body, headers=JSON,
                      options={"summarize": True})


def test_a_chat_is_told_of_the_run(bench, web):
    """EE-NA14: text and parse mode go into the body, beside what is there"""
    node = tasks.rest(f"{web.url}/status/404", "first")
    assert bench.triggered(node, chat(web)).status == FAILED
    told = json.loads(web.of("/bot123:abc/sendMessage")[-1]["body"])
    assert told["chat_id"] == 7 and told["parse_mode"] == "HTML"
    assert told["text"].startswith("\u274c <code>a task</code>: failed at first (2 out of 2 steps)")
    assert "• first: invalid request: HTTP 404: Not Found" in told["text"]


def test_a_mail_tells_of_the_run(bench, web):
    """EE-NA14: in a simulation and alone too; a body that is no object goes out as it is"""
    for run, subject in [(bench.triggered, "a task: succeeded (1 out of 1 steps)"),
                         (bench.simulated, "Simulation: a task successfully completed")]:
        assert run(mail(web)).status == SUCCESS
        told = json.loads(web.of("/v3/mail/send")[-1]["body"])
        assert told["categories"] == ["workflow-summary"] and told["from"]["name"]
        data = told["dynamic_template_data"]
        assert data["subject"] == subject and told["personalizations"][0]["dynamic_template_data"] == data
    assert bench.alone(mail(web), settings={"name": "mine"}).success
    told = json.loads(web.of("/v3/mail/send")[-1]["body"])
    assert told["dynamic_template_data"]["subject"] == "Run Node: mine succeeded"
    assert bench.alone(chat(web, "[1]")).success and web.of("/bot123:abc/sendMessage")[-1]["body"] == "[1]"


# Retries

def retried(node, attempts: int = 3, *reasons: int):
    node.retry.max_attempts = attempts
    node.retry.initial_backoff_ms = 1
    node.retry.retry_on.extend(reasons)
    return node


def test_a_retry_policy_lets_a_node_run_again(bench, web):
    """Issue 5, item 8: what it did is visible in the step, in S and T and in the record; R counts the same"""
    for number, run in enumerate((bench.triggered, bench.simulated)):
        answer = run(retried(tasks.rest(f"{web.url}/flaky/2/{number}", "again")))
        step = answer.steps[1]
        assert answer.status == SUCCESS and step.success, answer.error
        assert [attempt.error for attempt in step.failed_attempts] == [
            "invalid request: HTTP 503: Service Unavailable"] * 2
        assert step.failed_attempts[0].start_at == step.start_at and step.failed_attempts[1].end_at <= step.end_at
        assert step.failed_attempts[0].error_code == 3000 and "Attempt 2 failed" in step.log
        assert len(web.of(f"/flaky/2/{number}")) == 3
    assert bench.alone(retried(tasks.rest(f"{web.url}/flaky/1/alone"))).success


def test_a_retry_policy_ends(bench, web):
    """Issue 5, item 8: by default nothing is repeated, and only what may pass"""
    step = bench.triggered(retried(tasks.rest(f"{web.url}/flaky/9/end"), 2)).steps[1]
    assert not step.success and len(step.failed_attempts) == 1 and len(web.of("/flaky/9/end")) == 2
    once = bench.triggered(tasks.rest(f"{web.url}/flaky/9/once")).steps[1]
    assert not once.success and not once.failed_attempts and len(web.of("/flaky/9/once")) == 1
    fault = bench.triggered(retried(tasks.rest(f"{web.url}/status/418"))).steps[1]
    assert not fault.success and not fault.failed_attempts
    named = bench.triggered(retried(tasks.rest(f"{web.url}/flaky/9/named"), 2, avs.RETRY_REASON_NETWORK)).steps[1]
    assert not named.success and not named.failed_attempts


@pytest.mark.parametrize("node, text", [
    (retried(tasks.branch(), 11), "at most 10"), (retried(tasks.transfer("0x" + "1" * 40, "1")), "transactions")])
def test_a_retry_policy_has_limits(bench, node, text):
    """Issue 5, item 8"""
    for run in (bench.triggered, bench.simulated):
        with refused("INVALID_ARGUMENT", 3002, None) as failure:
            run(node)
        assert text in failure.text


def test_a_task_shows_its_retry_policy(bench):
    """Issue 5, item 8: as it was created"""
    node = retried(tasks.branch(), 4, avs.RETRY_REASON_TIMEOUT, avs.RETRY_REASON_ANY)
    task = bench.user.create(tasks.task(bench.wallet, nodes=[node]))
    assert bench.user.task(task).nodes[0].retry == node.retry
    plain_task = bench.user.create(tasks.task(bench.wallet))
    assert not bench.user.task(plain_task).nodes[0].HasField("retry")


# Secrets

def test_a_node_alone_sees_the_servers_secrets_only(bench, web):
    """EE-V11, EE-V10: a task sees both"""
    bench.user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="mine", secret="hunter2"))
    shared = tasks.rest(f"{web.url}/x", method="POST", body="{{apContext.configVars.ap_shared}}")
    mine = tasks.rest(f"{web.url}/x", method="POST", body="{{apContext.configVars.mine}}")
    answer = bench.alone(shared)
    assert answer.success and plain(answer.rest_api.data)["body"] == "known to all"
    answer = bench.alone(mine)
    assert not answer.success
    assert answer.error == "could not resolve variable apContext.configVars.mine in body"
    for node, value in [(shared, "known to all"), (mine, "hunter2")]:
        assert output(bench.triggered(node).steps[1])["data"]["body"] == value


# Whole workflows

def test_a_time_trigger_leads_to_a_request(bench, web):
    """API-10.5.7, API-10.5.6: fixed time and REST"""
    epoch = int(time.time() * 1000)
    for run in (bench.simulated(tasks.rest(f"{web.url}/at", body="{{once.data.timestamp_iso}}", method="POST"),
                                trigger=tasks.fixed_time(epoch)),
                bench.triggered(tasks.rest(f"{web.url}/at", body="{{once.data.timestampIso}}", method="POST"),
                                trigger=tasks.fixed_time(epoch))):
        assert run.status == SUCCESS and output(run.steps[1])["data"]["body"].endswith("Z")


def test_many_kinds_of_node_in_one_workflow(bench, web, chain):
    """API-10.5.7: several nodes, a branch, a filter, a loop, a balance; the same in S and T"""
    holder = chain.facts["accounts"][0]["address"]
    nodes = [
        tasks.balance("{{holder}}", "31337", "funds"),
        tasks.filter_node('value.symbol === "ETH"', "{{funds.data}}", "coins"),
        tasks.branch("rich", ("yes", "if", 'coins.data[0].balance !== "0"'), ("no", "else", "")),
        tasks.loop("{{start.data.to}}", "tell", rest_api=tasks.rest(
            f"{web.url}/tell/{{{{value}}}}", method="POST", body="{{coins.data[0].balanceFormatted}}")),
        tasks.rest(f"{web.url}/poor", "poor"),
        tasks.rest(f"{web.url}/done", "done", method="POST", body="{{tell.data.length}}"),
    ]
    graph = edges("t0>funds funds>coins coins>rich rich.yes>tell rich.no>poor tell>done poor>done")
    for run in (bench.simulated, bench.triggered):
        answer = run(*nodes, edges=graph, data={"to": ["a", "b"]}, holder=holder)
        assert answer.status == SUCCESS, answer.error
        assert [step.name for step in answer.steps[1:]] == ["funds", "coins", "rich", "tell", "done"]
        assert [item["data"]["path"] for item in output(answer.steps[4])] == ["/tell/a", "/tell/b"]
        assert output(answer.steps[5])["data"]["body"] == "2"
    assert not web.of("/poor")


def test_three_arms_side_by_side(bench, web):
    """A loop, a filter and a request side by side; echoes as given"""
    nodes = [tasks.loop("{{start.data.list}}", "walk", rest_api=tasks.rest(f"{web.url}/v/{{{{value}}}}")),
             tasks.filter_node('value === "value1"', "{{start.data.list}}", "keep"),
             tasks.rest(f"{web.url}/beside", "beside")]
    graph = edges("t0>walk t0>keep t0>beside")
    answer = bench.triggered(*nodes, edges=graph, data={"list": ["value1", "value2"]})
    steps = {step.name: step for step in answer.steps}
    assert answer.status == SUCCESS and len(steps) == 4 and output(steps["keep"]) == ["value1"]
    assert plain(steps["keep"].config) == {"expression": 'value === "value1"', "inputVariable": "{{start.data.list}}"}
