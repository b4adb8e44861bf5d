"""Nodes that write on the chain: tried, and for real, by user operations on a real EVM."""

import uuid

import pytest
from eth_abi import decode, encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak
from avs_testbed import tasks
from avs_testbed.processes import Aggregator, Chain
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain, set_value
from avs_testbed.users import User
from avs_testbed.waiting import until

ETHER = 10**18
OPERATION_EVENT = "UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"
CONTEXT_TRIED = {"chainId": 31337, "isSimulated": True, "provider": "tenderly"}
CONTEXT_SENT = {"chainId": 31337, "isSimulated": False, "provider": "bundler"}


def function(name: str, *inputs: tuple[str, str], outputs: list[str] = ()) -> dict:
    return {
        "type": "function", "name": name, "stateMutability": "nonpayable",
        "inputs": [{"name": title, "type": kind} for title, kind in inputs],
        "outputs": [{"name": "", "type": kind} for kind in outputs],
    }


def event(name: str, *inputs: tuple[str, str, bool]) -> dict:
    return {"type": "event", "name": name, "anonymous": False, "inputs": [
        {"name": title, "type": kind, "indexed": indexed} for title, kind, indexed in inputs]}


TRANSFER = function("transfer", ("to", "address"), ("value", "uint256"), outputs=["bool"])
APPROVE = function("approve", ("spender", "address"), ("value", "uint256"), outputs=["bool"])
TRANSFER_FROM = function(
    "transferFrom", ("from", "address"), ("to", "address"), ("value", "uint256"), outputs=["bool"])
TRANSFERRED = event("Transfer", ("from", "address", True), ("to", "address", True), ("value", "uint256", False))
APPROVED = event("Approval", ("owner", "address", True), ("spender", "address", True), ("value", "uint256", False))
TOKEN = [TRANSFER, APPROVE, TRANSFER_FROM, TRANSFERRED]


def run_node(user, node, **variables):
    request = avs.RunNodeWithInputsReq(node=node)
    for name, value in variables.items():
        set_value(request.input_variables[name], value)
    return user.call("RunNodeWithInputs", request)


def some_address() -> str:
    return "0x" + uuid.uuid4().hex + "00000000"


def token_balance(chain: Chain, address: str) -> int:
    return chain.contract("token").functions.balanceOf(chain.web3.to_checksum_address(address)).call()


def operations(chain: Chain, sender: str) -> list[dict]:
    """The user operations of a wallet that are on the chain, oldest first."""
    topic = "0x" + chain.web3.keccak(text=OPERATION_EVENT).hex().removeprefix("0x")
    return chain.rpc("eth_getLogs", {
        "address": chain.address("entryPoint"), "fromBlock": "0x0", "toBlock": "latest",
        "topics": [topic, None, "0x" + "00" * 12 + sender[2:].lower()]})


@pytest.fixture
def funded(user, wallet, chain) -> str:
    """The user's wallet with a hundred of the token and no coins."""
    sender = chain.facts["accounts"][0]["address"]
    chain.contract("token").functions.mint(wallet, 100).transact({"from": sender})
    return wallet


@pytest.fixture
def settings(funded) -> dict:
    return {"settings": {"name": "trial", "runner": funded, "chain_id": 31337}}


def same(left: str, right: str) -> bool:
    return left.lower() == right.lower()


# One node

@pytest.mark.parametrize("flag", [None, True])
def test_a_write_is_tried_unless_it_says_otherwise(user, funded, chain, settings, flag):
    """API-10.5.4, EE-NW2, EE-NW7: nothing changes on the chain"""
    recipient, fields = some_address(), {} if flag is None else {"is_simulated": flag}
    node = tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [recipient, "7"]), **fields)
    answer = run_node(user, node, **settings)
    assert (answer.success, answer.error, answer.error_code) == (True, "", 0), answer
    data = plain(answer.contract_write.data)["transfer"]
    assert same(data["from"], funded) and same(data["to"], recipient) and data["value"] == "7"
    [call] = plain(answer.metadata)
    assert (call["methodName"], call["success"], call["error"], call["value"]) == ("transfer", True, "", True)
    assert call["methodABI"]["name"] == "transfer" and call["blockNumber"] == call["receipt"]["blockNumber"]
    assert call["receipt"]["status"] == "0x1" and call["receipt"]["logs"] and len(call["receipt"]["transactionHash"]) == 66
    assert plain(answer.execution_context) == CONTEXT_TRIED
    assert token_balance(chain, recipient) == 0 and not operations(chain, funded)


def test_a_write_that_says_so_is_real(user, funded, chain, settings):
    """API-10.5.4, EE-NW14: a user operation, whose receipt is shown and whose event is the output"""
    recipient = some_address()
    node = tasks.contract_write(
        chain.address("token"), TOKEN, ("transfer", [recipient, "7"]), is_simulated=False)
    answer = run_node(user, node, **settings)
    assert (answer.success, answer.error) == (True, ""), answer
    assert plain(answer.contract_write.data)["transfer"]["value"] == "7"
    [call] = plain(answer.metadata)
    receipt = chain.rpc("eth_getTransactionReceipt", call["receipt"]["transactionHash"])
    assert receipt["status"] == call["receipt"]["status"] == "0x1"
    assert plain(answer.execution_context) == CONTEXT_SENT
    assert token_balance(chain, recipient) == 7 and len(operations(chain, funded)) == 1


def test_a_read_is_never_simulated(user, chain, settings):
    """API-10.5.4: whatever its configuration's JSON may say beside what it means"""
    node = tasks.contract_read(chain.address("token"), chain.abi("token"), ("decimals", []))
    answer = run_node(user, node, is_simulated=True, isSimulated=True, **settings)
    assert answer.success and plain(answer.execution_context)["isSimulated"] is False
    assert plain(answer.execution_context)["provider"] == "chain_rpc"


def test_a_write_of_another_ones_wallet_is_never_made(user, new_user, funded, chain):
    """6.2: also not by posing as the sender in the variables"""
    foreign = new_user().wallet().address
    node = tasks.contract_write(
        chain.address("token"), TOKEN, ("transfer", [some_address(), "1"]), is_simulated=False)
    answer = run_node(user, node, settings={"runner": foreign, "chain_id": 31337})
    assert not answer.success and answer.error_code == 8001 and not answer.HasField("metadata")
    own = user.wallet(salt="1").address
    answer = run_node(user, node, settings={"runner": own, "chain_id": 31337}, aa_sender=funded)
    assert not answer.success and "UserOp execution failed" in answer.error  # the empty one acts, not the funded
    assert not operations(chain, foreign) and not operations(chain, funded) and len(operations(chain, own)) == 1


@pytest.mark.parametrize("spelt", [31337, "31337", "0x7a69"])
def test_a_simulation_names_its_chain(user, funded, chain, spelt):
    """EE-NW7"""
    node = tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [some_address(), "1"]))
    assert run_node(user, node, settings={"runner": funded, "chain_id": spelt}).success
    answer = run_node(user, node, settings={"runner": funded})
    assert not answer.success and "settings.chain_id is required for contractWrite" in answer.error
    assert plain(answer.metadata)[0]["success"] is False


def test_the_events_of_the_abi_are_the_output(user, funded, chain, settings):
    """EE-NW3: without the event the return value is"""
    spender = chain.web3.to_checksum_address(some_address())
    call = ("approve", [spender, "1000000"])
    answer = run_node(user, tasks.contract_write(chain.address("token"), [APPROVE], call), **settings)
    assert plain(answer.contract_write.data) == {"approve": True}
    answer = run_node(user, tasks.contract_write(chain.address("token"), [APPROVE, APPROVED], call), **settings)
    assert plain(answer.contract_write.data) == {
        "approve": {"owner": funded, "spender": spender, "value": "1000000"}}


def test_methods_run_in_order_on_what_those_before_left(user, funded, chain, settings):
    """EE-NW5, EE-NW12: the second one needs the first one's state, and the next run does not see it"""
    recipient = some_address()
    allow, take = ("approve", [funded, "9"]), ("transferFrom", [funded, recipient, "9"])
    answer = run_node(user, tasks.contract_write(chain.address("token"), TOKEN, allow, take), **settings)
    assert answer.success, answer.error
    assert set(plain(answer.contract_write.data)) == {"approve", "transferFrom"}
    assert [call["methodName"] for call in plain(answer.metadata)] == ["approve", "transferFrom"]
    answer = run_node(user, tasks.contract_write(chain.address("token"), TOKEN, take), **settings)
    assert not answer.success and "ERC20: insufficient allowance" in answer.error


def test_a_revert_is_told(user, funded, chain, settings):
    """EE-NW4, EE-NW6: with the contract's reason; one failure stops no other method, and the first is reported"""
    too_much = ("transfer", [some_address(), "101"])
    answer = run_node(user, tasks.contract_write(
        chain.address("token"), TOKEN, too_much, ("transferFrom", [funded, some_address(), "1"])), **settings)
    assert not answer.success and answer.error_code == 3000
    assert answer.error == "invalid request: execution reverted: ERC20: transfer amount exceeds balance"
    calls = plain(answer.metadata)
    assert [call["receipt"]["status"] for call in calls] == ["0x0", "0x0"]
    assert answer.contract_write.HasField("data") and plain(answer.contract_write.data) == {}
    assert "insufficient allowance" in calls[1]["error"]


def test_a_node_without_simulations_is_asked_by_eth_call(user, funded, chain, settings):
    """EE-NW13, 5.3.3: the token's own logs are made up then, and gas is the standard one"""
    recipient = some_address()
    missing = {"code": -32601, "message": "the method eth_simulateV1 does not exist"}
    chain.rpc("dev_setFaults", [{"method": "eth_simulateV1", "error": missing}])
    answer = run_node(user, tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [recipient, "7"])), **settings)
    assert answer.success and plain(answer.contract_write.data)["transfer"]["value"] == "7"
    receipt = plain(answer.metadata)[0]["receipt"]
    assert (receipt["gasUsed"], receipt["effectiveGasPrice"]) == ("0x5208", "0x1dcd6500")
    chain.rpc("dev_setFaults", [{"method": "eth_simulateV1", "error": missing}])
    [_, step] = simulate(user, funded, tasks.contract_write(
        chain.address("token"), TOKEN, ("transfer", [recipient, "7"]))).steps
    assert (step.gas_used, step.gas_price, step.total_gas_cost) == ("21000", "500000000", "10500000000000")


@pytest.mark.parametrize("data, address, text", [
    ("0xa9059c", None, "call data has 3 bytes, at least 4 are needed"),
    ("0xa9059cbb", "0x" + "0" * 40, "the contract is the zero address"),
])
def test_what_cannot_be_a_call_is_refused_before(user, chain, settings, data, address, text):
    """EE-NW16"""
    for flag in (True, False):
        node = tasks.contract_write(address or chain.address("token"), [], call_data=data, is_simulated=flag)
        answer = run_node(user, node, **settings)
        assert not answer.success and text in answer.error, answer


def test_settings_are_required(user, chain):
    """EE-NW1"""
    answer = run_node(user, tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [some_address(), "1"])))
    assert (answer.error, answer.HasField("metadata")) == ("settings is required for contractWrite", False)


@pytest.mark.parametrize("amount", ["0", "1", str(10**24)])
def test_a_transfer_is_tried(user, funded, chain, amount):
    """EE-NE1, EE-NE2, EE-NE4: any amount, whatever the wallet has"""
    recipient = some_address()
    node = tasks.transfer("{{to}}", "{{amounts.first}}")
    answer = run_node(user, node, settings={"runner": funded}, to=recipient, amounts={"first": amount})
    assert answer.success, answer
    transfer = plain(answer.eth_transfer.data)["transfer"]
    assert same(transfer["from"], funded) and (transfer["to"], transfer["value"]) == (recipient, amount)
    assert len(plain(answer.metadata)["transactionHash"]) == 66
    assert plain(answer.execution_context)["chainId"] == 31337 and not operations(chain, funded)


@pytest.mark.parametrize("word", ["MAX", "max"])
def test_everything_is_the_balance(user, funded, chain, word):
    """EE-NE6"""
    node = tasks.transfer(some_address(), word)
    answer = run_node(user, node, settings={"runner": funded})
    assert not answer.success and answer.error.startswith("cannot resolve MAX amount: ")
    chain.rpc("dev_setBalance", funded, hex(12345))
    answer = run_node(user, node, settings={"runner": funded})
    assert answer.success and plain(answer.eth_transfer.data)["transfer"]["value"] == "12345"


@pytest.mark.parametrize("destination, amount, text", [
    ("", "1", "destination address is required for ETH transfer"),
    ("0x12", "1", "invalid destination address: 0x12"), ("{{to}}", "", "amount is required for ETH transfer"),
    ("{{to}}", "abc", "invalid amount: abc"), ("{{to}}", "1.5", "invalid amount: 1.5"), ("{{to}}", "-1", "invalid amount: -1"),
])
def test_what_is_no_transfer_fails_its_step(user, funded, destination, amount, text):
    """EE-NE3"""
    node, to = tasks.transfer(destination, amount), some_address()
    [_, step] = simulate(user, funded, node, to=to).steps
    assert not step.success and text in step.error, step
    alone = run_node(user, node, settings={"runner": funded}, to=to)
    assert not alone.success and text in alone.error and alone.error_code >= 3000, alone


def test_what_a_write_returns_is_its_value(user, chain, settings):
    """EE-NW11: an integer is decimal text, a bool is a bool, a struct is an object"""
    counter, before = chain.address("counter"), chain.contract("counter").functions.count().call()
    status = [entry for entry in chain.abi("counter") if entry.get("name") == "status"]
    for address, abi, call, value in [
        (counter, [function("increment", outputs=["uint256"])], ("increment", []), str(before + 1)),
        (chain.address("token"), [APPROVE], ("approve", [some_address(), "1"]), True),
    ]:
        answer = run_node(user, tasks.contract_write(address, abi, call), **settings)
        assert answer.success and plain(answer.contract_write.data) == {call[0]: value}
        assert plain(answer.metadata)[0]["value"] == value
    answer = run_node(user, tasks.contract_write(counter, status, ("status", [])), **settings)
    assert set(plain(answer.contract_write.data)["status"]) == {"count", "caller", "changedAt"}


# Tasks

def simulate(user, wallet: str, node, **variables):
    request = avs.SimulateTaskReq(
        trigger=tasks.manual(), nodes=[node], edges=[avs.TaskEdge(id="e", source="t0", target=node.id)])
    for name, value in {"settings": {"name": "s", "runner": wallet, "chain_id": 31337}, **variables}.items():
        set_value(request.input_variables[name], value)
    return user.call("SimulateTask", request)


def run_task(user, wallet: str, *nodes):
    """Creates a task that runs once, runs it and returns its execution."""
    task = user.create(tasks.task(wallet, nodes=list(nodes), limit=1))
    answer = user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True)
    return user.execution(task, answer.execution_id)


def test_a_task_writes_for_real(user, funded, chain):
    """5.1, 5.3.4: gas as decimal texts, and total = used × price"""
    chain.rpc("dev_setBalance", funded, hex(ETHER))
    recipient = some_address()
    execution = run_task(
        user, funded, tasks.transfer(recipient, "1000"),
        tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [recipient, "7"]), identifier="write1"))
    assert execution.status == avs.EXECUTION_STATUS_SUCCESS, execution
    for step in execution.steps[1:]:
        used, price, total = (int(text) for text in (step.gas_used, step.gas_price, step.total_gas_cost))
        assert used > 21_000 and price > 0 and total == used * price
    assert plain(execution.steps[1].metadata)["gasUsed"] == execution.steps[1].gas_used
    assert int(chain.rpc("eth_getBalance", recipient, "latest"), 16) == 1000 and token_balance(chain, recipient) == 7
    assert len(operations(chain, funded)) == 2


@pytest.mark.parametrize("has_event", [True, False])
def test_an_approval_looks_the_same_wherever_it_runs(user, funded, chain, settings, has_event):
    """EE-10.18.6: RunNodeWithInputs, SimulateTask and TriggerTask; only the last one is on the chain"""
    spender = chain.web3.to_checksum_address(some_address())
    node = tasks.contract_write(
        chain.address("token"), [APPROVE, APPROVED] if has_event else [APPROVE], ("approve", [spender, "5"]))
    allowance = chain.contract("token").functions.allowance(funded, spender)
    tried, [_, simulated] = run_node(user, node, **settings), simulate(user, funded, node).steps
    assert allowance.call() == 0
    [_, sent] = run_task(user, funded, node).steps
    assert allowance.call() == 5
    expected = {"approve": {"owner": funded, "spender": spender, "value": "5"} if has_event else True}
    for answer in (tried, simulated, sent):
        assert answer.success and plain(answer.contract_write.data) == expected
        [call] = plain(answer.metadata)
        assert (call["methodName"], call["success"], call["receipt"]["status"]) == ("approve", True, "0x1")


def test_a_simulated_task_writes_nothing(user, funded, chain):
    """EE-NE1, EE-NW2, EE-NW12 in SimulateTask: writes of different nodes share what they would have left"""
    request = avs.SimulateTaskReq(trigger=tasks.manual(), nodes=[
        tasks.contract_write(chain.address("token"), TOKEN, ("approve", [funded, "9"]), identifier="a"),
        tasks.contract_write(chain.address("token"), TOKEN, ("transferFrom", [funded, some_address(), "9"]), identifier="b"),
        tasks.transfer(some_address(), "5", identifier="c"),
    ], edges=[avs.TaskEdge(id=f"e{n}", source=a, target=b) for n, (a, b) in enumerate(zip(["t0", "a", "b"], "abc"))])
    set_value(request.input_variables["settings"], {"name": "s", "runner": funded, "chain_id": 31337})
    execution = user.call("SimulateTask", request)
    assert execution.status == avs.EXECUTION_STATUS_SUCCESS, execution
    assert [plain(step.execution_context)["is_simulated"] for step in execution.steps] == [True] * 4
    assert not operations(chain, funded)


def test_a_failed_call_fails_its_step(user, funded, chain):
    """EE-NW14: the operation is in a block and its inner call was reverted"""
    execution = run_task(
        user, funded, tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [some_address(), "101"])))
    assert execution.status == avs.EXECUTION_STATUS_FAILED
    step = execution.steps[1]
    assert not step.success and "UserOp execution failed" in step.error and int(step.gas_used) > 0
    assert len(operations(chain, funded)) == 1


OPERATION = "(address,uint256,bytes,bytes,uint256,uint256,uint256,uint256,uint256,bytes,bytes)"


def sent_operation(chain: Chain, log: dict) -> tuple:
    """The operation of an event, as the bundle held it."""
    data = bytes.fromhex(chain.rpc("eth_getTransactionByHash", log["transactionHash"])["input"][2:])
    [operation], _ = decode([f"{OPERATION}[]", "address"], data[4:])
    return operation


def test_an_operation_is_what_other_tools_make_of_it(user, funded, chain):
    """EE-X10, 7.4, 7.6: its hash by eth-abi; both signatures, checked with eth-account, are the controller's"""
    assert run_task(user, funded, tasks.contract_write(
        chain.address("token"), TOKEN, ("transfer", [some_address(), "1"]))).status == avs.EXECUTION_STATUS_SUCCESS
    [log] = operations(chain, funded)
    operation = sent_operation(chain, log)
    sender, nonce, init_code, call_data, *gas, paymaster_data, signature = operation
    inner = keccak(encode(
        ["address", "uint256", "bytes32", "bytes32", *["uint256"] * 5, "bytes32"],
        [sender, nonce, keccak(init_code), keccak(call_data), *gas, keccak(paymaster_data)]))
    digest = keccak(encode(["bytes32", "address", "uint256"], [inner, chain.address("entryPoint"), chain.id]))
    assert "0x" + digest.hex() == log["topics"][1]
    controller = chain.account("controller")["address"]
    assert Account.recover_message(encode_defunct(digest), signature=signature) == controller
    assert init_code[:20] == bytes.fromhex(chain.address("factory")[2:]) and len(init_code) == 88
    assert len(paymaster_data) == 149 and paymaster_data[:20] == bytes.fromhex(chain.address("paymaster")[2:])
    until = int.from_bytes(paymaster_data[20:52], "big")
    before = int(log["blockNumber"], 16) - 1
    checksummed = (chain.web3.to_checksum_address(sender), *operation[1:])
    hashed = chain.contract("paymaster").functions.getHash(checksummed, until, 0).call(block_identifier=before)
    assert Account.recover_message(encode_defunct(hashed), signature=paymaster_data[84:]) == controller
    assert gas[3] >= gas[4] + 10**9 and gas[4] >= 2 * 10**9  # 7.5: fees


def test_a_wallet_that_can_pays_the_paymaster_back(user, funded, chain):
    """EE-X13, 7.7: the paymaster's owner gets gas and fee in the same operation; a wallet that cannot is served all the
    same"""
    owner = chain.account("paymaster owner")["address"]

    def balance(address: str) -> int:
        return int(chain.rpc("eth_getBalance", address, "latest"), 16)

    write = tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [some_address(), "1"]))
    before = balance(owner)
    assert run_task(user, funded, write).status == avs.EXECUTION_STATUS_SUCCESS
    assert balance(owner) == before and sent_operation(chain, operations(chain, funded)[0])[3][:4].hex() == "b61d27f6"
    chain.rpc("dev_setBalance", funded, hex(ETHER))
    assert run_task(user, funded, write).status == avs.EXECUTION_STATUS_SUCCESS
    assert balance(owner) - before == ETHER - balance(funded) > 0
    batch = sent_operation(chain, operations(chain, funded)[1])[3]
    targets, values, calls = decode(["address[]", "uint256[]", "bytes[]"], batch[4:])
    assert batch[:4].hex() == "c3ff72fc" and [len(call) for call in calls] == [68, 0, 0]
    assert targets == (chain.address("token").lower(), owner.lower(), owner.lower())
    assert values[0] == 0 and values[1] > 10**13 and values[2] == 2 * 10**16 // 2500, "two cents at 2,500 dollars"


def test_a_refused_form_is_sent_by_the_wallet_itself(user, funded, chain):
    """EE-X12: once more, without the paymaster and with the unwrapped call"""
    chain.rpc("dev_setBalance", funded, hex(ETHER))
    chain.bundler("dev_setFaults", [{"method": "eth_sendUserOperation", "error": {"code": -32602, "message": "bad"}}])
    execution = run_task(user, funded, tasks.contract_write(
        chain.address("token"), TOKEN, ("transfer", [some_address(), "1"])))
    assert execution.status == avs.EXECUTION_STATUS_SUCCESS, execution
    operation = sent_operation(chain, operations(chain, funded)[0])
    assert operation[9] == b"" and operation[3][:4].hex() == "b61d27f6"


def run_loop(user, wallet: str, **runner):
    """The execution of a task that loops over three, side by side if it may."""
    request = tasks.task(wallet, nodes=[tasks.loop("rounds", parallel=True, **runner)], limit=1)
    set_value(request.input_variables["rounds"], ["2", "2", "3"])
    task = user.create(request)
    return user.execution(task, user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True).execution_id)


def check_loop(chain, wallet: str, execution) -> list:
    """That the loop went in sequence and says what it did; its elements."""
    assert execution.status == avs.EXECUTION_STATUS_SUCCESS, execution
    step = execution.steps[1]
    assert "sequential mode" in step.log
    elements = plain(step.loop.data)
    sent = operations(chain, wallet)
    assert [int(log["data"][2:66], 16) for log in sent] == [0, 1, 2], "nonces in the order of the elements"
    hashes = [element["metadata"]["transactionHash"] for element in elements]
    assert hashes == [log["transactionHash"] for log in sent]
    receipts = [chain.rpc("eth_getTransactionReceipt", item) for item in hashes]
    used = [int(receipt["gasUsed"], 16) for receipt in receipts]
    cost = sum(gas * int(receipt["effectiveGasPrice"], 16) for gas, receipt in zip(used, receipts))
    assert (step.gas_used, step.total_gas_cost, step.gas_price) == (str(sum(used)), str(cost), str(cost // sum(used)))
    assert [(part.node_id, part.fee.amount) for part in execution.cogs] == [(step.id, str(cost))]
    return elements


def test_a_loop_of_writes_goes_in_sequence(user, funded, chain):
    """EE-NL5, 5.9.4: even if parallel is asked for; the same call twice is two operations"""
    recipient, token = some_address(), chain.address("token")
    write = tasks.contract_write(token, TOKEN, ("transfer", [recipient, "{{value}}"]))
    elements = check_loop(chain, funded, run_loop(user, funded, contract_write=write))
    assert [element["transfer"]["value"] for element in elements] == ["2", "2", "3"]
    assert [element["metadata"]["contractAddress"].lower() for element in elements] == [token.lower()] * 3
    assert token_balance(chain, recipient) == 7


def test_a_loop_of_transfers_goes_in_sequence(user, funded, chain):
    """EE-NL5, 5.9.4"""
    chain.rpc("dev_setBalance", funded, hex(ETHER))
    recipient = some_address()
    elements = check_loop(chain, funded, run_loop(user, funded, eth_transfer=tasks.transfer(recipient, "{{value}}")))
    assert [element["transfer"] for element in elements] == [
        {"from": funded, "to": recipient, "value": amount} for amount in ("2", "2", "3")]
    assert int(chain.rpc("eth_getBalance", recipient, "latest"), 16) == 7


def test_a_run_that_is_taken_up_again_repeats_no_write(new_aggregator, chain):
    """XO-16, XO-18: killed while its operation was with the bundler; the next process finds it"""
    aggregator: Aggregator = new_aggregator()
    aggregator.start()
    recipient = some_address()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        wallet = user.wallet().address
        chain.contract("token").functions.mint(wallet, 100).transact({"from": chain.facts["accounts"][0]["address"]})
        write = tasks.contract_write(chain.address("token"), TOKEN, ("transfer", [recipient, "7"]), ("transfer", [recipient, "7"]))
        task = user.create(tasks.task(wallet, nodes=[write], limit=1))
        chain.bundler("debug_bundler_setBundlingMode", "manual")
        try:
            chain.bundler("dev_setFaults", [{"method": "debug_bundler_sendBundleNow", "count": 1000, "error": {}}])
            run = user.trigger(task, avs.TRIGGER_TYPE_MANUAL).execution_id
            until(lambda: chain.bundler("debug_bundler_dumpMempool", chain.address("entryPoint")), what="a user operation")
            aggregator.kill()
        finally:
            chain.bundler("dev_setFaults", [])
            chain.bundler("debug_bundler_setBundlingMode", "auto")
        chain.bundler("debug_bundler_sendBundleNow")
    assert token_balance(chain, recipient) == 7
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()
        execution = until(lambda: ended(user, task, run), what="the end of the run")
    assert execution.status == avs.EXECUTION_STATUS_SUCCESS, execution
    assert token_balance(chain, recipient) == 14 and len(operations(chain, wallet)) == 2


def ended(user, task: str, run: str):
    execution = user.execution(task, run)
    return execution if execution.status not in (avs.EXECUTION_STATUS_PENDING, 0) else None
