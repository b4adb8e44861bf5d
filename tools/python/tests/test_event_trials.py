"""Event triggers that are tried: RunTrigger and SimulateTask make up the event, on what a real EVM says of its contracts."""

import re

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain, set_value
from eth_utils import keccak

TRIED = {"chainId": 31337, "isSimulated": True, "provider": "tenderly"}
FAILED, SUCCESS = avs.EXECUTION_STATUS_FAILED, avs.EXECUTION_STATUS_SUCCESS


def topic0(signature: str) -> str:
    return "0x" + keccak(text=signature).hex()


TRANSFER = topic0("Transfer(address,address,uint256)")
ANSWER = topic0("AnswerUpdated(int256,uint256,uint256)")


def padded(address: str) -> str:
    return "0x" + "0" * 24 + address[2:].lower()


def add_query(trigger, address: str, *topics: str, abi=(), conditions=(), calls=()):
    """Conditions are (field, operator, value, type); calls are (method, fields)."""
    query = trigger.event.config.queries.add(addresses=[address], topics=topics)
    for entry in abi:
        set_value(query.contract_abi.add(), entry)
    for field, comparison, value, kind in conditions:
        query.conditions.add(field_name=field, operator=comparison, value=value, field_type=kind)
    for name, fields in calls:
        query.method_calls.add(method_name=name, apply_to_fields=fields)
    return trigger


def event(*query, name: str = "onEvent", **parts):
    trigger = avs.TaskTrigger(id="t0", name=name, type=avs.TRIGGER_TYPE_EVENT, event=avs.EventTrigger(
        config=avs.EventTrigger.Config()))
    return add_query(trigger, *query, **parts) if query else trigger


def run(user, trigger, **variables):
    request = avs.RunTriggerReq(trigger=trigger)
    for name, value in variables.items():
        set_value(request.trigger_input[name], value)
    answer = user.call("RunTrigger", request)
    assert answer.WhichOneof("output_data") == "event_trigger"
    return answer


def simulate(user, trigger, *nodes, **variables):
    chain = [trigger.id] + [node.id for node in nodes]
    request = avs.SimulateTaskReq(trigger=trigger, nodes=nodes, edges=[
        avs.TaskEdge(id=f"e{i}", source=a, target=b) for i, (a, b) in enumerate(zip(chain, chain[1:]))])
    for name, value in variables.items():
        set_value(request.input_variables[name], value)
    return user.call("SimulateTask", request)


@pytest.fixture
def settings(wallet) -> dict:
    return {"settings": {"name": "trial", "runner": wallet, "chain_id": 31337}}


@pytest.fixture
def feed(chain) -> str:
    """The price feed, whose latest answer is 3,123.4567."""
    sender = chain.facts["accounts"][0]["address"]
    chain.contract("priceFeed").functions.setAnswer(312_345_670_000).transact({"from": sender})
    return chain.address("priceFeed")


def events(chain, contract: str) -> list[dict]:
    return [entry for entry in chain.abi(contract) if entry["type"] == "event"]


# Transfers

def test_a_transfer_has_every_field(user, wallet, chain):
    """EE-TE4, EE-TE7: of the types of 4.5.4, consistent with the token's decimals"""
    token = chain.address("token")
    answer = run(user, event(token, TRANSFER, padded(wallet), abi=events(chain, "token")))
    assert (answer.success, answer.error, answer.error_code) == (True, "", 0)
    assert plain(answer.execution_context) == TRIED
    data = plain(answer.event_trigger.data)
    assert re.fullmatch("0x[0-9a-f]{64}", data.pop("transactionHash"))
    assert data.pop("blockNumber") > 0 and data.pop("blockTimestamp") > 1.7e12
    other = data.pop("toAddress")
    assert data == {
        "eventName": "Transfer", "tokenName": "Development Dollar", "tokenSymbol": "DEVD", "tokenDecimals": 6,
        "contractAddress": token, "fromAddress": wallet, "value": "1500000", "valueFormatted": "1.5",
        "direction": "sent", "walletAddress": wallet, "chainId": 31337}
    assert plain(answer.metadata)["topics"] == [TRANSFER, padded(wallet), padded(other)]


def test_a_transfer_needs_one_side(user, wallet, chain):
    """EE-TE3: the other one is somebody"""
    token, abi = chain.address("token"), events(chain, "token")
    sent = plain(run(user, event(token, TRANSFER, padded(wallet), abi=abi)).event_trigger.data)
    assert (sent["fromAddress"], sent["toAddress"]) == (wallet, "0x" + "0" * 39 + "2")
    received = plain(run(user, event(token, TRANSFER, "", wallet, abi=abi)).event_trigger.data)
    assert (received["fromAddress"], received["toAddress"]) == ("0x" + "0" * 39 + "1", wallet)
    assert received["direction"] == "received"
    for topics in ([TRANSFER], [TRANSFER, ""], [TRANSFER, "null", ""]):
        answer = run(user, event(token, *topics, abi=abi))
        assert (answer.success, answer.error_code, answer.event_trigger.HasField("data")) == (False, 3001, False)
        assert answer.error == "transfer event simulation requires at least one address (FROM or TO) in topics"
        assert not answer.HasField("metadata") and not answer.HasField("execution_context")


def test_a_transfer_without_abi_is_a_raw_log(user, wallet, chain):
    """EE-TE5"""
    answer = run(user, event(chain.address("token"), TRANSFER, wallet))
    data = plain(answer.event_trigger.data)
    assert set(data) == {"contractAddress", "blockNumber", "transactionHash", "logIndex", "blockHash", "topics", "data", "removed"}
    assert data["topics"][:2] == [TRANSFER, padded(wallet)] and int(data["data"], 16) == 1_500_000
    assert data["removed"] is False and data["contractAddress"] == chain.address("token")


@pytest.mark.parametrize("comparison, value, amount", [
    ("gt", "99000000", "99000001"), ("gte", "7", "7"), ("less_than", "7", "6"), ("eq", "123456789", "123456789")])
def test_a_condition_on_its_value_makes_the_amount(user, wallet, chain, comparison, value, amount):
    """EE-TE10"""
    answer = run(user, event(
        chain.address("token"), TRANSFER, wallet, abi=events(chain, "token"),
        conditions=[("Transfer.value", comparison, value, "uint256")]))
    assert answer.success and plain(answer.event_trigger.data)["value"] == amount
    assert plain(answer.metadata)["conditionsMet"] is True


# Price feeds

def test_a_price_update_follows_the_latest_round(user, feed, chain):
    """EE-TE6, EE-TE7"""
    rounds = chain.contract("priceFeed").functions.latestRound().call()
    answer = run(user, event(feed, ANSWER, abi=events(chain, "priceFeed")))
    assert answer.success and plain(answer.execution_context) == TRIED
    update = plain(answer.event_trigger.data)["AnswerUpdated"]
    assert (update["current"], update["roundId"]) == ("312345670000", str(rounds + 1))
    assert set(update) == {"current", "roundId", "updatedAt"} and int(update["updatedAt"]) > 1.7e9
    log = plain(answer.metadata)
    assert (log["address"], log["topics"][0], log["chainId"], log["removed"]) == (feed, ANSWER, 31337, False)
    assert all(isinstance(log[name], float) for name in ("blockNumber", "transactionIndex", "logIndex"))
    assert "executionContext" not in log and int(log["data"], 16) == int(update["updatedAt"])


def test_decimals_format_a_price(user, feed, chain):
    """EE-TE8"""
    answer = run(user, event(
        feed, ANSWER, abi=events(chain, "priceFeed"), calls=[("decimals", ["AnswerUpdated.current"])]))
    update = plain(answer.event_trigger.data)["AnswerUpdated"]
    assert re.fullmatch(r"\d+\.\d+", update["current"]) and re.fullmatch(r"\d+", update["currentRaw"])
    assert (update["current"], update["currentRaw"], update["decimals"]) == ("3123.4567", "312345670000", 8)
    direct = run(user, event(feed, calls=[("decimals", ["AnswerUpdated.current"])]))
    assert plain(direct.event_trigger.data)["AnswerUpdated"]["current"] == "2500"


def test_conditions_are_told_one_by_one(user, feed, chain, settings):
    """EE-TE9: in RunTrigger the event is shown all the same; in SimulateTask nothing runs behind it"""
    def price(comparison: str, bound: str):
        return event(feed, ANSWER, abi=events(chain, "priceFeed"), conditions=[
            ("AnswerUpdated.current", comparison, bound, "int256")])

    answer = run(user, price("gt", "200000000000"))
    assert answer.success and plain(answer.metadata)["conditionsMet"] is True
    [verdict] = plain(answer.metadata)["matchedConditions"]
    assert verdict.pop("reason")
    assert verdict == {"fieldName": "AnswerUpdated.current", "operator": "gt", "expectedValue": "200000000000",
                       "actualValue": "312345670000", "passed": True}
    answer = run(user, price("lt", "200000000000"))
    assert (answer.success, answer.error, answer.error_code) == (False, "Conditions not met for simulated event", 3000)
    assert plain(answer.event_trigger.data)["AnswerUpdated"]["current"] == "312345670000"
    assert plain(answer.metadata)["conditionsMet"] is False and plain(answer.execution_context) == TRIED
    assert plain(answer.metadata)["matchedConditions"][0]["passed"] is False

    execution = simulate(user, price("lt", "200000000000"), tasks.branch(), **settings)
    assert (execution.status, execution.error) == (FAILED, "1 of 1 steps failed: onEvent")
    [step] = execution.steps
    assert (step.success, step.error, step.error_code) == (False, "Conditions not met for simulated event", 3000)
    assert step.log == "Simulated trigger: onEvent conditions not met"
    assert plain(step.metadata)["conditionsMet"] is False
    assert plain(step.event_trigger.data)["AnswerUpdated"]["current"] == "312345670000"
    execution = simulate(user, price("gt", "200000000000"), tasks.branch(), **settings)
    assert (execution.status, len(execution.steps)) == (SUCCESS, 2) and not execution.steps[0].HasField("metadata")
    assert execution.steps[0].log == "Simulated trigger: onEvent executed successfully"


def test_an_event_of_any_kind_has_sample_values(user, chain):
    """EE-TE14"""
    abi = [{"type": "event", "name": "Supply", "inputs": [
        {"name": "who", "type": "address", "indexed": True}, {"name": "amount", "type": "uint256"},
        {"name": "total", "type": "uint256"}]}]
    for topics in ([], [topic0("Supply(address,uint256,uint256)")]):
        answer = run(user, event(chain.address("counter"), *topics, abi=abi))
        assert plain(answer.event_trigger.data) == {
            "Supply": {"who": "0x" + "0" * 40, "amount": str(10**18), "total": str(10**18)}}
        assert len(plain(answer.metadata)["data"]) == 2 + 2 * 64


# Queries

def test_queries_are_required(user, settings):
    """EE-TE1: missing is not the same as none"""
    missing = avs.TaskTrigger(id="t0", name="t", event=avs.EventTrigger())
    for trigger, code, text in [(missing, 3006, "queries is required"), (event(), 3001, "queries must be a non-empty array")]:
        answer = run(user, trigger)
        assert (answer.success, answer.error, answer.error_code) == (False, text, code)
        with refused("INVALID_ARGUMENT", code, f"…failed to simulate trigger: {text}"):
            simulate(user, trigger, tasks.branch(), **settings)


@pytest.mark.parametrize("address, topics, text", [
    ("0x123", [TRANSFER], "0x123"), ("", [TRANSFER], "addresses"), ("0x" + "1" * 40, ["0x0x" + TRANSFER[2:]], "0x0x"),
    ("0x" + "1" * 40, [TRANSFER[2:]], TRANSFER[2:20]), ("0x" + "1" * 40, ["0xzz" + TRANSFER[4:]], "0xzz"),
    ("0x" + "1" * 40, [TRANSFER, "0x12"], "0x12"), ("0x" + "1" * 40, [TRANSFER] * 5, "topics"),
])
def test_queries_have_to_be_sound(user, address, topics, text):
    """EE-TE2: the answer names what is wrong"""
    trigger = event(address, *topics)
    if not address:
        del trigger.event.config.queries[0].addresses[:]
    answer = run(user, trigger)
    assert not answer.success and text in answer.error and answer.error_code == 3001, answer
    assert not answer.event_trigger.HasField("data")


def test_templates_are_resolved(user, wallet, chain):
    """EE-TE11: from trigger_input; a name that is not there is an error, never a wildcard"""
    trigger = event("{{token}}", TRANSFER, "{{settings.runner}}", abi=events(chain, "token"))
    answer = run(user, trigger, token=chain.address("token"), settings={"runner": wallet})
    assert answer.success and plain(answer.event_trigger.data)["fromAddress"] == wallet
    for missing, variables in [("token", {"settings": {"runner": wallet}}), ("settings.runner", {"token": chain.address("token")})]:
        answer = run(user, trigger, **variables)
        assert not answer.success and missing in answer.error and answer.error_code == 3001


def test_an_abi_is_a_list_of_objects(user, chain, wallet):
    """EE-TE12"""
    trigger = event(chain.address("token"), TRANSFER, wallet)
    trigger.event.config.queries[0].contract_abi.add().string_value = '[{"type":"event","name":"Transfer","inputs":[]}]'
    answer = run(user, trigger)
    assert not answer.success and "contractAbi[0] must be an object" in answer.error and answer.error_code == 3001


def test_the_first_query_that_can_be_simulated_is_shown(user, wallet, feed, chain):
    """EE-TE15: queries are alternatives, also where the conditions of one do not hold"""
    abi = events(chain, "priceFeed")
    dear = [("AnswerUpdated.current", "gt", "900000000000", "int256")]
    impossible = [chain.address("token"), TRANSFER]
    trigger = add_query(event(*impossible), feed, ANSWER, abi=abi)
    assert "AnswerUpdated" in plain(run(user, trigger).event_trigger.data)
    trigger = add_query(event(feed, ANSWER, abi=abi, conditions=dear), chain.address("token"), TRANSFER, wallet,
                        abi=events(chain, "token"))
    answer = run(user, trigger)
    assert answer.success and plain(answer.event_trigger.data)["eventName"] == "Transfer"
    answer = run(user, add_query(event(feed, ANSWER, abi=abi, conditions=dear), *impossible))
    assert not answer.success and "AnswerUpdated" in plain(answer.event_trigger.data)


# What a simulated transfer leaves to the nodes behind it

def token_abi(chain) -> list[dict]:
    return [entry for entry in chain.abi("token") if entry.get("name") in ("transfer", "approve", "transferFrom", "Transfer")]


def pay(chain, amount: int, identifier: str = "pay"):
    """A node that has the wallet send this much of the token to somebody."""
    return tasks.contract_write(
        chain.address("token"), token_abi(chain), ("transfer", ["0x" + "77" * 20, str(amount)]), identifier=identifier)


@pytest.mark.parametrize("has_simulations", [True, False])
def test_received_tokens_can_be_spent(user, wallet, chain, settings, has_simulations):
    """EE-TE16: by writes that are simulated behind the transfer, to the last unit; nothing changes on the chain"""
    token = chain.address("token")
    received = event(token, TRANSFER, "", wallet, abi=events(chain, "token"), name="onTransfer")

    def run(trigger, *amounts: int):
        if not has_simulations:  # as many nodes of the world: eth_call only, which knows no call before
            missing = {"code": -32601, "message": "the method eth_simulateV1 does not exist"}
            chain.rpc("dev_setFaults", [{"method": "eth_simulateV1", "count": len(amounts), "error": missing}])
        return simulate(user, trigger, *(pay(chain, amount, f"pay{n}") for n, amount in enumerate(amounts)), **settings)

    execution = run(received, 1_500_000)
    assert (execution.status, execution.error) == (SUCCESS, ""), execution
    assert plain(execution.steps[1].contract_write.data)["transfer"]["value"] == "1500000"
    execution = run(received, 1_500_001)
    assert execution.error == "1 of 2 steps failed: pay0" and "amount exceeds balance" in execution.steps[1].error
    execution = run(received, 1_000_000, 500_001)
    assert execution.steps[2].success is not has_simulations
    assert not run(tasks.manual(), 1).steps[1].success
    assert chain.contract("token").functions.balanceOf(wallet).call() == 0


def test_sent_tokens_are_gone(user, wallet, chain, settings):
    """EE-TE16: what the wallet has left after the transfer can be spent, and no more"""
    chain.contract("token").functions.mint(wallet, 2_000_000).transact({"from": chain.facts["accounts"][0]["address"]})
    sent = event(chain.address("token"), TRANSFER, wallet, abi=events(chain, "token"), name="onTransfer")
    assert simulate(user, sent, pay(chain, 500_000), **settings).status == SUCCESS
    assert "amount exceeds balance" in simulate(user, sent, pay(chain, 500_001), **settings).steps[1].error
    assert simulate(user, tasks.manual(), pay(chain, 2_000_000), **settings).status == SUCCESS


def test_a_stop_loss_is_simulated_from_the_price_to_the_mail(user, wallet, feed, chain, web, settings):
    """EE-10.18.4: the swap spends what the approval before it allows, which is on no chain"""
    chain.contract("token").functions.mint(wallet, 100).transact({"from": chain.facts["accounts"][0]["address"]})
    token, abi, prices = chain.address("token"), token_abi(chain), chain.abi("priceFeed")

    def below(price: str):
        return event(feed, ANSWER, abi=events(chain, "priceFeed"), calls=[("decimals", ["AnswerUpdated.current"])],
                     conditions=[("AnswerUpdated.current", "lt", price, "decimal")], name="priceFalls")

    approve = tasks.contract_write(token, abi, ("approve", [wallet, "100"]), identifier="approve")
    quote = tasks.contract_read(feed, prices, ("latestAnswer", []), identifier="quote")
    swap = tasks.contract_write(token, abi, ("transferFrom", [wallet, "0x" + "77" * 20, "100"]), identifier="swap")
    mail = tasks.rest(f"{web.url}/mail", "mail", method="POST", body="sold below {{priceFalls.data.AnswerUpdated.current}}")
    execution = simulate(user, below("3200"), approve, quote, swap, mail, **settings)
    assert (execution.status, execution.error) == (SUCCESS, ""), execution
    assert [step.name for step in execution.steps] == ["priceFalls", "approve", "quote", "swap", "mail"]
    assert plain(execution.steps[2].contract_read.data) == {"latestAnswer": "312345670000"}
    assert web.of("/mail")[-1]["body"] == "sold below 3123.4567"
    refused_swap = simulate(user, below("3200"), quote, swap, **settings)
    assert "insufficient allowance" in refused_swap.steps[2].error
    assert len(simulate(user, below("3000"), approve, quote, swap, mail, **settings).steps) == 1
