"""Reading the state: calls, estimates, overrides, earlier blocks, simulations."""

import pytest
from conftest import BASE_FEE, GENESIS_TIME
from eth_abi import decode, encode
from eth_utils import function_signature_to_4byte_selector as selector


def data(signature: str, *values) -> str:
    kinds = signature[signature.index("(") + 1:-1]
    return "0x" + (selector(signature) + encode(kinds.split(",") if kinds else [], values)).hex()


def test_a_task_can_read_the_contracts(chain):
    token, feed = chain.contract("token").functions, chain.contract("priceFeed").functions
    assert (token.name().call(), token.symbol().call(), token.decimals().call()) == ("Development Dollar", "DEVD", 6)
    assert token.balanceOf(chain.signer("account 0").address).call() == 10**12
    assert feed.latestRoundData().call() == [1, 2_500 * 10**8, GENESIS_TIME, GENESIS_TIME, 1]
    assert (feed.decimals().call(), feed.description().call()) == (8, "ETH / USD")


def test_a_call_changes_nothing(chain):
    counter = chain.contract("counter")
    assert counter.functions.increment().call() == 1 == counter.functions.increment().call()
    assert counter.functions.count().call() == 0


def test_a_revert_says_why(chain):
    call = {"to": chain.start["contracts"]["counter"], "data": data("fail(string)", "not today")}
    for method in ("eth_call", "eth_estimateGas"):
        error = chain.error(method, call)
        assert error["code"] == 3 and error["message"] == "execution reverted: not today"
        assert decode(["string"], bytes.fromhex(error["data"][10:])) == ("not today",)


def test_other_failures_are_errors_too(chain):
    counter, poor = chain.start["contracts"]["counter"], "0x" + "13" * 20
    call = {"to": counter, "data": data("increment()")}
    assert chain.error("eth_call", {**call, "gas": "0x7530"})["message"] == "out of gas"
    assert "intrinsic gas" in chain.error("eth_call", {**call, "gas": "0x10"})["message"]
    assert "insufficient funds" in chain.error("eth_call", {"from": poor, "to": counter, "value": "0x1"})["message"]


def test_earlier_states_can_be_read(chain):
    counter = chain.contract("counter")
    blocks = [chain.web3.eth.get_block("latest")]
    for _ in range(3):
        chain.mined(chain.send_call("account 0", counter.functions.increment()))
        blocks.append(chain.web3.eth.get_block("latest"))
    for expected, block in enumerate(blocks):
        assert counter.functions.count().call(block_identifier=block["number"]) == expected
        assert chain.rpc("eth_getStorageAt", counter.address, "0x0", {"blockHash": block["hash"].to_0x_hex()}) == \
            f"0x{expected:064x}"
    sender = chain.signer("account 0").address
    assert [chain.web3.eth.get_transaction_count(sender, b["number"]) for b in blocks] == [0, 1, 2, 3]
    balances = [chain.web3.eth.get_balance(sender, b["number"]) for b in blocks]
    assert balances == sorted(balances, reverse=True) and len(set(balances)) == 4
    assert counter.functions.count().call() == 3


def test_an_estimate_is_the_least_that_works(chain):
    counter = chain.contract("counter")
    sender = chain.signer("account 0").address
    estimated = counter.functions.increment().estimate_gas({"from": sender})
    for gas, status in ((estimated, 1), (estimated - 1, 0)):
        snapshot = chain.rpc("evm_snapshot")
        assert chain.mined(chain.send_call("account 0", counter.functions.increment(), gas=gas))["status"] == status
        chain.rpc("evm_revert", snapshot)
    assert chain.web3.eth.estimate_gas({"from": sender, "to": "0x" + "66" * 20, "value": 1}) == 21_000


def test_overrides_hold_for_one_call(chain):
    counter, stranger, made = chain.start["contracts"]["counter"], "0x" + "55" * 20, "0x" + "56" * 20
    read = {"to": counter, "data": data("count()")}
    word = f"0x{77:064x}"
    assert int(chain.rpc("eth_call", read, "latest", {counter: {"stateDiff": {"0x" + "00" * 32: word}}}), 16) == 77
    assert int(chain.rpc("eth_call", read, "latest", {counter: {"state": {"0x" + "00" * 32: word}}}), 16) == 77
    assert int(chain.rpc("eth_call", read), 16) == 0
    pay = {"from": stranger, "to": counter, "data": data("pay()"), "value": "0x5"}
    assert chain.rpc("eth_call", pay, "latest", {stranger: {"balance": "0x5"}}) == "0x"
    answer = chain.rpc("eth_call", {"to": made}, "latest", {made: {"code": "0x602a5f5260205ff3"}})
    assert int(answer, 16) == 42
    assert chain.rpc("eth_getCode", made) == "0x" and chain.rpc("eth_getBalance", stranger) == "0x0"
    time = chain.rpc("eth_call", {"to": made}, "latest", {made: {"code": "0x425f5260205ff3"}}, {"time": "0x9"})
    assert int(time, 16) == 9


def test_full_state_override_clears_the_other_slots(chain):
    counter = chain.contract("counter")
    chain.mined(chain.send_call("account 0", counter.functions.increment()))
    read = {"to": counter.address, "data": data("lastCaller()")}
    assert int(chain.rpc("eth_call", read), 16) != 0
    assert int(chain.rpc("eth_call", read, "latest", {counter.address: {"state": {}}}), 16) == 0
    assert int(chain.rpc("eth_call", read, "latest", {counter.address: {"stateDiff": {}}}), 16) != 0


def test_a_contract_may_be_the_sender_of_a_call(chain):
    wallet, counter = "0x" + "57" * 20, chain.start["contracts"]["counter"]
    chain.rpc("dev_setCode", wallet, "0x602a5f5260205ff3")
    answers = chain.rpc("eth_simulateV1", {"blockStateCalls": [{"calls": [
        {"from": wallet, "to": counter, "data": data("increment()")}, {"to": counter, "data": data("lastCaller()")},
        {"from": wallet, "to": wallet}]}]})
    results = [call["returnData"] for call in answers[0]["calls"]]
    assert int(results[0], 16) == 1 and results[1][-40:] == wallet[2:] and int(results[2], 16) == 42
    assert int(chain.rpc("eth_estimateGas", {"from": wallet, "to": counter, "data": data("increment()")}), 16) > 21_000


def test_a_simulation_carries_its_state_from_call_to_call(chain):
    token = chain.contract("token")
    owner, spender = (chain.signer(f"account {n}").address for n in (0, 1))
    take = "transferFrom(address,address,uint256)"
    answers = chain.rpc("eth_simulateV1", {"blockStateCalls": [{"calls": [
        {"from": owner, "to": token.address, "data": data("approve(address,uint256)", spender, 5)},
        {"from": spender, "to": token.address, "data": data(take, owner, spender, 5)},
        {"from": spender, "to": token.address, "data": data(take, owner, spender, 1)},
    ]}]})
    calls = answers[0]["calls"]
    assert [call["status"] for call in calls] == ["0x1", "0x1", "0x0"]
    assert [len(call["logs"]) for call in calls] == [1, 1, 0]
    assert [call["logs"][0]["logIndex"] for call in calls[:2]] == ["0x0", "0x1"]
    assert calls[2]["error"]["message"] == "execution reverted: ERC20: insufficient allowance"
    assert token.functions.allowance(owner, spender).call() == 0


def test_traces_show_logs_and_changes(chain):
    token, owner = chain.contract("token"), chain.signer("account 0").address
    call = {"from": owner, "to": token.address, "data": data("transfer(address,uint256)", "0x" + "44" * 20, 9)}
    frame = chain.rpc("debug_traceCall", call, "latest", {"tracer": "callTracer", "tracerConfig": {"withLog": True}})
    assert frame["type"] == "CALL" and int(frame["output"], 16) == 1 and len(frame["logs"]) == 1
    tracer = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    change = chain.rpc("debug_traceCall", call, "latest", tracer)
    name = token.address.lower()
    assert len(change["post"][name]["storage"]) == 2 == len(change["pre"][name]["storage"])
    assert f"0x{9:064x}" in change["post"][name]["storage"].values()


@pytest.mark.parametrize(("method", "arguments", "read", "expected"), [
    ("dev_setBalance", ["0x10"], "eth_getBalance", "0x10"), ("dev_fund", [2], "eth_getBalance", hex(2 * 10**18)),
    ("dev_setNonce", ["0x7"], "eth_getTransactionCount", "0x7"), ("dev_setCode", ["0x60"], "eth_getCode", "0x60"),
])
def test_the_state_can_be_written_and_taken_back(chain, method, arguments, read, expected):
    address = "0x" + "43" * 20
    before = chain.rpc(read, address)
    snapshot = chain.rpc("evm_snapshot")
    chain.rpc(method, address, *arguments)
    assert chain.rpc(read, address) == expected
    chain.mine()
    assert chain.rpc(read, address) == expected and chain.rpc(read, address, "0x0") == before
    assert chain.rpc("evm_revert", snapshot)
    assert chain.rpc(read, address) == before and chain.web3.eth.block_number == 0


def test_gas_price_is_seen_by_the_contract(chain):
    address = "0x" + "42" * 20
    chain.rpc("dev_setCode", address, "0x3a5f5500")  # slot 0 = GASPRICE
    chain.mined(chain.send("account 0", to=address))
    assert int(chain.rpc("eth_getStorageAt", address, "0x0"), 16) == 2 * BASE_FEE
