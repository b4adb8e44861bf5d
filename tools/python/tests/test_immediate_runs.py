"""Nodes, triggers and whole tasks that run at once and leave nothing behind."""

import time

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain, set_value

INVALID = "INVALID_ARGUMENT"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def run_node(user, node=None, **variables):
    request = avs.RunNodeWithInputsReq(node=node)
    for name, value in variables.items():
        set_value(request.input_variables[name], value)
    return user.call("RunNodeWithInputs", request)


def run_trigger(user, trigger=None, **variables):
    request = avs.RunTriggerReq(trigger=trigger)
    for name, value in variables.items():
        set_value(request.trigger_input[name], value)
    return user.call("RunTrigger", request)


def simulate(user, trigger=None, nodes=(), edges=None, **variables):
    if edges is None and trigger is not None:
        chain = [trigger.id] + [node.id for node in nodes]
        edges = [avs.TaskEdge(id=f"e{i}", source=a, target=b) for i, (a, b) in enumerate(zip(chain, chain[1:]))]
    request = avs.SimulateTaskReq(trigger=trigger, nodes=nodes, edges=edges or [])
    for name, value in variables.items():
        set_value(request.input_variables[name], value)
    return user.call("SimulateTask", request)


@pytest.fixture
def settings(wallet) -> dict:
    return {"settings": {"name": "trial", "runner": wallet}}


# One node

def test_a_node_runs_with_the_variables_given(user, web):
    """API-10.5.2, EE 6.2"""
    answer = run_node(user, tasks.rest(f"{web.url}/x", method="POST", body="{{name}} {{list[1]}}"), name="a", list=[1, 2])
    assert (answer.success, answer.error, answer.error_code) == (True, "", 0)
    assert plain(answer.rest_api.data)["body"] == "a 2"
    assert plain(answer.execution_context) == {"chainId": 31337, "isSimulated": False, "provider": "chain_rpc"}
    branch = run_node(user, tasks.branch("b", ("c1", "if", "{{n}} > 2"), ("c2", "else", "")), n=3)
    assert branch.success and branch.WhichOneof("output_data") == "branch" and branch.metadata.ByteSize()


def test_a_read_runs_on_the_chain(user, chain):
    """EE 6.2: and is never simulated"""
    answer = run_node(user, tasks.contract_read(chain.address("token"), chain.abi("token"), ("decimals", [])))
    assert answer.success and answer.WhichOneof("output_data") == "contract_read"
    assert plain(answer.execution_context)["isSimulated"] is False


def test_custom_code_without_source_is_refused(user, settings):
    """API-10.5.1: with the same number alone and inside a simulated task"""
    answer = run_node(user, tasks.custom_code(""))
    assert not answer.success and "source is required" in answer.error and answer.error_code == 3006
    assert answer.WhichOneof("output_data") == "custom_code" and not answer.custom_code.HasField("data")
    execution = simulate(user, tasks.manual(), [tasks.custom_code("", "code1")], **settings)
    assert execution.status == avs.EXECUTION_STATUS_FAILED and "code1" in execution.error
    step = execution.steps[1]
    assert not step.success and "source is required" in step.error and step.error_code == 3006


@pytest.mark.parametrize("node, text", [
    (None, "node is required"), (avs.TaskNode(id="n", name="n"), "unsupported node type"),
    (avs.TaskNode(id="n", name="n", type=avs.NODE_TYPE_FILTER), "unsupported node type: NODE_TYPE_FILTER"),
    (avs.TaskNode(id="n", name="n", type=99), "unsupported node type: 99"),
])
def test_what_is_no_node_is_answered(user, node, text):
    """API-10.5.2: inside an OK answer with an empty output"""
    answer = run_node(user, node)
    assert not answer.success and text in answer.error and answer.error_code == 3000
    assert answer.WhichOneof("output_data") == "rest_api" and not answer.rest_api.HasField("data")
    assert not answer.HasField("execution_context")


@pytest.mark.parametrize("kind", ["rest_api", "custom_code", "branch", "filter", "contract_read", "contract_write",
                                  "eth_transfer", "graphql_query", "balance", "loop"])
def test_a_node_without_configuration_is_answered(user, kind):
    """API-10.5.2: with an empty output of its own kind"""
    node = avs.TaskNode(id="n", name="n")
    getattr(node, kind).SetInParent()
    answer = run_node(user, node)
    assert (answer.success, answer.error) == (False, "failed to extract node configuration")
    assert answer.error_code == 3000 and answer.WhichOneof("output_data") == kind.removesuffix("_query")


@pytest.mark.parametrize("node, field", [
    (tasks.rest(""), "url"), (tasks.contract_read("", []), "contractAddress"),
    (tasks.contract_read("0x" + "1" * 40, []), "contractAbi"),
    (tasks.contract_read("0x" + "1" * 40, [{"type": "function"}]), "methodCalls"),
])
def test_a_missing_field_is_named(user, node, field):
    """API-10.5.2, EE 6.2: before anything runs"""
    answer = run_node(user, node)
    assert (answer.success, answer.error, answer.error_code) == (False, f"failed to create node: {field} is required", 3006)


def contract_write(address: str = "") -> avs.TaskNode:
    return avs.TaskNode(id="n", name="n", type=avs.NODE_TYPE_CONTRACT_WRITE, contract_write=avs.ContractWriteNode(
        config=avs.ContractWriteNode.Config(contract_address=address)))


@pytest.mark.parametrize("node, kind", [(contract_write(), "contractWrite"), (tasks.transfer("", ""), "ethTransfer")])
def test_a_write_needs_a_wallet_of_the_caller(user, new_user, node, kind):
    """API-10.5.3, EE-NE5: before any other check of the node"""
    def error(**variables) -> tuple[str, int]:
        answer = run_node(user, node, **variables)
        assert not answer.success and not answer.HasField("metadata")
        return answer.error, answer.error_code

    assert error() == (f"settings is required for {kind}", 3000)
    assert error(settings="x") == (f"settings must be an object for {kind}", 3000)
    assert error(settings={}) == (f"settings.runner is required for {kind}", 3000)
    assert error(settings={"runner": "0x12"}) == (f"settings.runner must be a valid hex address for {kind}", 3000)
    foreign = new_user().wallet().address
    text, code = error(settings={"runner": foreign})
    assert foreign in text and user.address in text and code == 8001
    text, code = error(settings={"runner": user.wallet().address.lower()})
    assert text.startswith("failed to create node: ") and code == 3006


def test_a_failing_request_keeps_its_output(user, web):
    """2.12: the other side's refusal is the node's, and what it said is kept."""
    answer = run_node(user, tasks.rest(f"{web.url}/status/404"))
    assert not answer.success and answer.error and answer.error_code == 3000
    assert plain(answer.rest_api.data)["path"] == "/status/404" and answer.HasField("execution_context")
    envelope = plain(answer.metadata)
    assert (envelope["status"], envelope["statusText"], envelope["success"]) == (404, "Not Found", False)
    dead = run_node(user, tasks.rest("http://127.0.0.1:1/"))
    assert (dead.success, dead.error_code) == (False, 3000) and not dead.rest_api.HasField("data")
    assert dead.error == "HTTP request failed: connection error or timeout - blocked address: 127.0.0.1"


@pytest.mark.parametrize("node", [
    tasks.rest("http://nobody.invalid/"), tasks.graphql("http://nobody.invalid/", "{ a }"),
    tasks.loop("{{ids}}", rest_api=tasks.rest("http://nobody.invalid/{{value}}"))])
def test_a_server_that_is_not_reached(user, node):
    """EE-NA11, 2.12: connection failures have a code of their own"""
    request = avs.RunNodeWithInputsReq(node=node)
    tasks.set_value(request.input_variables["ids"], [1])
    dead = user.call("RunNodeWithInputs", request)
    assert not dead.success and "network error: could not connect: nobody.invalid" in dead.error and dead.error_code == 5000
    if node.type == avs.NODE_TYPE_REST_API:
        assert dead.error.startswith("HTTP request failed: connection error or timeout - ")
        assert not dead.rest_api.HasField("data") and not dead.HasField("metadata")
        assert not dead.HasField("execution_context")


LOST = "{{lost.data.id}}"
JSON = {"Content-Type": "application/json"}
UNRESOLVED = [
    (tasks.rest(f"http://x/{LOST}"), "url"), (tasks.rest("http://x/", headers={LOST: "v"}), "header key"),
    (tasks.rest("http://x/", headers={"k": f"a={LOST}"}), "header value"),
    (tasks.rest("http://x/", method="POST", body=f"a={LOST}"), "body"),
    (tasks.rest("http://x/", method="POST", body=f'{{"a":"{LOST}"}}', headers=JSON), "body"),
    (tasks.graphql(f"http://{LOST}/", "{ a }"), "url"), (tasks.graphql("http://x/", f"{{ a(id: {LOST}) }}"), "query"),
    (tasks.graphql("http://x/", "{ a }", who=LOST), "variable 'who'"),
    (tasks.custom_code(f"return '{LOST}'"), "source"), (tasks.transfer(LOST, "1"), "destination"),
    (tasks.transfer("0x" + "1" * 40, LOST), "amount"), (tasks.balance(LOST, "31337"), "address"),
    (tasks.balance("0x" + "1" * 40, LOST), "chain"),
    (tasks.balance("0x" + "1" * 40, "31337", token_addresses=[LOST]), "tokenAddresses"),
]


@pytest.mark.parametrize("node, field", UNRESOLVED, ids=[f"{n.WhichOneof('task_type')}-{f}" for n, f in UNRESOLVED])
def test_a_variable_that_is_not_there_is_named(user, settings, node, field):
    """EE-P1, EE-3.6: with the field and the node to run first, and before anything is sent"""
    settings["settings"]["chain_id"] = 31337
    answer = run_node(user, node, **settings)
    text = f"could not resolve variable lost.data.id in {field}. Make sure to run the 'lost' node first"
    assert not answer.success and answer.error == text and answer.error_code == 3000
    assert "=undefined" not in answer.error and not answer.HasField("execution_context")


def test_immediate_runs_see_the_servers_secrets_only(user, web):
    """8.3: a user's own secret stays out of them."""
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="mine", secret="hunter2"))
    node = tasks.rest(f"{web.url}/y", method="POST", body="{{apContext.configVars.mine}}")
    assert "hunter2" not in str(run_node(user, node))


# One trigger

@pytest.mark.parametrize("interval", [1, 5, 100, 2**40])
def test_a_block_trigger_shows_the_latest_block(user, chain, interval):
    """API-10.5.5"""
    answer = run_trigger(user, tasks.block(interval))
    assert (answer.success, answer.error, answer.error_code) == (True, "", 0)
    block = plain(answer.block_trigger.data)
    latest = chain.web3.eth.get_block(int(block["blockNumber"]))
    assert block["blockHash"] == latest.hash.to_0x_hex() and block["parentHash"] == latest.parentHash.to_0x_hex()
    assert (block["timestamp"], block["gasLimit"], block["gasUsed"]) == (latest.timestamp, latest.gasLimit, latest.gasUsed)
    assert isinstance(block["difficulty"], str) and not answer.HasField("metadata")
    assert plain(answer.execution_context) == {"chainId": 31337, "isSimulated": False, "provider": "chain_rpc"}


@pytest.mark.parametrize("interval", [0, -1])
def test_a_block_trigger_needs_an_interval(user, interval):
    """API-10.5.5"""
    answer = run_trigger(user, tasks.block(interval))
    assert not answer.success and "interval must be greater than 0" in answer.error and answer.error_code == 3001
    assert answer.WhichOneof("output_data") == "block_trigger" and not answer.HasField("execution_context")


@pytest.mark.parametrize("trigger", [
    *(tasks.cron(text) for text in ("* * * * *", "*/5 9-17 * * 1-5", "@hourly", "not a schedule", "61 * * * *", "", "é")),
    tasks.cron("* * * * *", "0 0 1 1 *"), tasks.fixed_time(1, 2**62), tasks.fixed_time(),
])
def test_a_time_trigger_shows_the_time(user, trigger):
    """API-10.5.5: whatever its schedule says"""
    before = int(time.time()) * 1000
    answer = run_trigger(user, trigger)
    assert answer.success and answer.error_code == 0
    output = plain(getattr(answer, answer.WhichOneof("output_data")).data)
    assert before <= output["timestamp"] <= time.time() * 1000 and output["timestamp"] % 1000 == 0
    assert output["timestampIso"].endswith(".000Z")


@pytest.mark.parametrize("data", [{"a": 1, "b": [True, None]}, [], {}, 0, False, "{\"k\":1}", [1, "x"]])
def test_a_manual_trigger_shows_its_data(user, data):
    """API-10.5.5: with its type"""
    trigger = tasks.manual(data)
    trigger.manual.config.headers["X-A"] = "1"
    trigger.manual.config.pathParams["id"] = "7"
    answer = run_trigger(user, trigger)
    assert answer.success and plain(answer.manual_trigger.data) == data


@pytest.mark.parametrize("data, lang, text", [
    (None, avs.LANG_JSON, "ManualTrigger data is required and cannot be null"),
    ({}, avs.LANG_UNSPECIFIED, "language field (lang) is required"),
    ("plain words", avs.LANG_JSON, "Data must be valid JSON"),
    ("\"" + "x" * (1 << 20) + "\"", avs.LANG_JSON, "exceeds maximum size limit"),
])
def test_a_manual_trigger_needs_data_of_its_language(user, data, lang, text):
    """API-10.5.5"""
    trigger = tasks.manual()
    set_value(trigger.manual.config.data, data)
    trigger.manual.config.lang = lang
    answer = run_trigger(user, trigger)
    assert not answer.success and text in answer.error and answer.error_code == 3001
    assert answer.WhichOneof("output_data") == "manual_trigger" and not answer.manual_trigger.HasField("data")


@pytest.mark.parametrize("trigger, text", [
    (avs.TaskTrigger(id="t", name="t", event=avs.EventTrigger()), "queries is required"),
    (tasks.event("0x1234", TRANSFER), "0x1234"), (tasks.event("0x" + "1" * 40, "0xzz"), "0xzz"),
    (tasks.event("0x" + "1" * 40, "0x0x12"), "0x0x12"), (tasks.event("{{nowhere}}", TRANSFER), "nowhere"),
    (tasks.event("0x" + "1" * 40, TRANSFER), "requires at least one address"),
])
def test_an_event_trigger_needs_sound_queries(user, trigger, text):
    """API-10.5.5, EE 4.5.2"""
    answer = run_trigger(user, trigger)
    assert not answer.success and text in answer.error and answer.WhichOneof("output_data") == "event_trigger"


@pytest.mark.parametrize("trigger, text", [
    (None, "trigger is required"), (avs.TaskTrigger(id="t", name="t"), "unsupported trigger type"),
    (avs.TaskTrigger(id="t", name="t", type=99), "unsupported trigger type: 99"),
])
def test_what_is_no_trigger_is_answered(user, trigger, text):
    """API-10.5.5, 2.12"""
    answer = run_trigger(user, trigger)
    assert not answer.success and text in answer.error and answer.error_code == 3000
    assert answer.WhichOneof("output_data") == "manual_trigger"


# A whole task

def test_a_simulated_task_uses_its_variables_and_leaves_nothing(user, web, settings):
    """API-10.5.6"""
    node = tasks.rest(f"{web.url}/simulated", method="POST", body="{{greeting}} {{start.data.who}}")
    execution = simulate(user, tasks.manual({"who": "b"}), [node], greeting="a", **settings)
    assert execution.status == avs.EXECUTION_STATUS_SUCCESS and execution.error == "" and len(execution.id) == 26
    trigger, step = execution.steps
    assert (trigger.name, trigger.type, trigger.success) == ("start", "TRIGGER_TYPE_MANUAL", True)
    assert list(trigger.inputs) == ["greeting", "settings"] and "Simulated trigger: start" in trigger.log
    assert plain(trigger.execution_context) == {"chain_id": 31337, "is_simulated": True, "provider": "tenderly"}
    assert plain(step.rest_api.data)["data"]["body"] == "a b"
    assert execution.execution_fee.amount == "0.020000" and execution.end_at >= execution.start_at
    assert user.call("GetWorkflowCount", avs.GetWorkflowCountReq()).total == 0


def test_a_simulated_task_needs_no_wallet_of_the_caller(user):
    """2.12: workflows are tried before their wallets are there."""
    stranger = {"settings": {"name": "x", "runner": "0x" + "12" * 20}}
    execution = simulate(user, tasks.manual(), [tasks.branch()], edges=[], **stranger)
    assert execution.steps[0].success and len(execution.steps) == 1 and execution.status == avs.EXECUTION_STATUS_SUCCESS


@pytest.mark.parametrize("kind", ["block", "cron", "fixed_time"])
def test_each_trigger_is_tried(user, settings, kind):
    """API-10.5.6"""
    trigger = {"block": tasks.block(), "cron": tasks.cron(), "fixed_time": tasks.fixed_time(1)}[kind]
    execution = simulate(user, trigger, [tasks.branch()], **settings)
    assert execution.status == avs.EXECUTION_STATUS_SUCCESS and execution.steps[0].WhichOneof("output_data") == f"{kind}_trigger"


def test_secrets_are_there_in_a_simulation(user, web, settings):
    """EE 6.1"""
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="mine", secret="value"))
    node = tasks.rest(f"{web.url}/with-secret", headers={"X-Key": "{{apContext.configVars.mine}}"})
    simulate(user, tasks.manual(), [node], **settings)
    assert web.of("/with-secret")[-1]["headers"]["x-key"] == "value"


@pytest.mark.parametrize("change, code, text", [
    ({"trigger": None}, 3006, "trigger is required for task simulation"),
    ({"nodes": []}, 3006, "at least one node is required for task simulation"),
    ({"variables": {}}, 3006, "invalid task argument: inputVariables is required"),
    ({"variables": {"a": 1}}, 3006, "invalid task argument: inputVariables.settings is required"),
    ({"variables": {"settings": {"name": "x"}}}, 3006, "invalid task argument: inputVariables.settings.runner is required"),
    ({"variables": {"settings": {"name": "x", "runner": "y"}}}, 3004, "…must be a valid hex address"),
    ({"nodes": [tasks.branch("n", name="no name")]}, 3002, "…node name validation failed: "),
    ({"nodes": [tasks.branch("n", name="class")]}, 3002, "…node name validation failed: "),
    ({"trigger": tasks.manual(name="a-b")}, 3001, "…trigger name validation failed: "),
    ({"trigger": avs.TaskTrigger(id="t", name="t", type=avs.TRIGGER_TYPE_CRON, block=tasks.block().block)}, 3001,
     "…simulation failed: trigger type mismatch: "),
    ({"nodes": [tasks.branch("n"), tasks.branch("n")]}, 3003, "…is used more than once"),
    ({"trigger": tasks.manual("no json")}, 3001, "…simulation failed: Data must be valid JSON"),
])
def test_what_cannot_be_simulated_is_refused(user, settings, change, code, text):
    """API-10.5.6, DEFECT-3, DEFECT-47"""
    arguments = {"trigger": tasks.manual(), "nodes": [tasks.branch()], "variables": settings} | change
    with refused(INVALID, code, text):
        simulate(user, arguments["trigger"], arguments["nodes"], **arguments["variables"])


def test_every_call_needs_a_caller(user):
    """API-10.1.11"""
    for name, request in [("RunNodeWithInputs", avs.RunNodeWithInputsReq()), ("RunTrigger", avs.RunTriggerReq()),
                          ("SimulateTask", avs.SimulateTaskReq()), ("EstimateFees", avs.EstimateFeesReq()),
                          ("GetTokenMetadata", avs.GetTokenMetadataReq()), ("WithdrawFunds", avs.WithdrawFundsReq()),
                          ("GetWorkflowCount", avs.GetWorkflowCountReq()), ("GetExecutionCount", avs.GetExecutionCountReq()),
                          ("GetExecutionStats", avs.GetExecutionStatsReq())]:
        with refused("UNAUTHENTICATED", 1000, "…User authentication error"):
            user.call(name, request, token="no.such.token")
