"""Misbehaviour on request, and none without."""

import json
import random
import time
import urllib.error
import urllib.request

import pytest
from test_subscriptions import Socket
from websockets.exceptions import ConnectionClosed


def ask(chain, method: str, *parameters):
    body = json.dumps({"id": 1, "method": method, "params": parameters}).encode()
    request = urllib.request.Request(chain.start["http"], body, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


@pytest.fixture(autouse=True)
def no_faults_left(chain):
    yield
    chain.rpc("dev_setFaults", [])


def test_errors_hit_their_method_as_often_as_asked(chain):
    error = {"code": -32005, "message": "slow down"}
    chain.rpc("dev_setFaults", [{"method": "eth_blockNumber", "count": 2, "error": error}])
    assert json.loads(ask(chain, "eth_chainId"))["result"] == "0x7a69"
    for _ in range(2):
        assert json.loads(ask(chain, "eth_blockNumber"))["error"] == error
    assert json.loads(ask(chain, "eth_blockNumber"))["result"] == "0x0"


def test_each_kind(chain):
    chain.rpc("dev_setFaults", [
        {"status": 429}, {"body": "<html>"}, {"result": "0x1"}, {"delay": 100}, {"close": True}])
    with pytest.raises(urllib.error.HTTPError, match="429"):
        ask(chain, "eth_chainId")
    assert ask(chain, "eth_chainId") == b"<html>"
    assert json.loads(ask(chain, "eth_chainId"))["result"] == "0x1"
    started = time.monotonic()
    assert json.loads(ask(chain, "eth_chainId"))["result"] == "0x7a69" and time.monotonic() - started >= 0.1
    with pytest.raises(ConnectionError):
        ask(chain, "eth_chainId")
    assert json.loads(ask(chain, "eth_chainId"))["result"] == "0x7a69"


def test_sockets_are_hit_too(chain):
    with Socket(chain) as socket:
        chain.rpc("dev_setFaults", [{"result": "0x5"}, {"method": "eth_subscribe", "error": {}}, {"close": True}])
        assert socket.ask("eth_blockNumber") == "0x5"
        assert socket.ask("eth_subscribe", "newHeads")["message"] == "injected fault"
        with pytest.raises(ConnectionClosed):
            socket.ask("eth_blockNumber")


@pytest.mark.parametrize("fault", [
    {}, {"delay": 0}, {"status": 99}, {"error": 1}, {"result": 1, "close": True}, {"speed": 1}, 5, {"delay": 10**9}])
def test_bad_faults_are_refused(chain, fault):
    assert chain.error("dev_setFaults", [fault])["code"] == -32602


@pytest.mark.parametrize("seed", range(3))
def test_no_parameters_make_the_node_fail(fresh_chain, seed):
    """Calls every method with parameters of every shape: none may be our own mistake, and the chain lives on."""
    chain, dice = fresh_chain("--no-mining"), random.Random(seed)
    counter, account = chain.start["contracts"]["counter"], chain.start["accounts"][0]["address"]
    huge = "0x" + "ff" * 32
    values = [
        None, True, 0, -1, 1.5, "", "0x", "0x0", "0x1", "0x7", "latest", "pending", "finalized", counter,
        account, [], {},
        huge, "0x" + "ff" * 33, 2**64, 2**300, [None], [[]], {"a": 1}, {"to": counter}, "ö" * 9,
        {"from": account, "to": counter, "value": huge}, {"to": counter, "gas": huge},
        {"from": account, "to": counter, "gasPrice": huge}, {"from": counter, "to": account, "value": 1},
        {"data": "0xfe", "nonce": huge, "from": account}, {"address": [counter] * 3, "topics": [[]] * 3},
        {counter: {"balance": huge, "nonce": huge}},
        {counter: {"code": "0xfe", "state": {"0x1": "0x2"}}},
        {"number": huge, "time": huge, "gasLimit": huge, "baseFeePerGas": huge},
        {"blockHash": huge}, {"fromBlock": huge}, {"timestamp": huge},
        {"blockStateCalls": [{"calls": [{"to": counter}], "blockOverrides": {"gasLimit": huge}}]},
        {"blockStateCalls": [1]}, {"blockStateCalls": {"calls": 1}}, {"tracer": "callTracer"}, "newHeads", "counter",
        {"to": counter, "accessList": [{"address": counter, "storageKeys": ["0x" + "00" * 32]}]}, {"accessList": [1]},
    ]
    for method in chain.rpc("dev_methods"):
        if method in ("dev_setFaults",):
            continue
        for _ in range(15):
            parameters = [dice.choice(values) for _ in range(dice.randrange(5))]
            answer = json.loads(ask(chain, method, *parameters))
            assert answer.get("error", {}).get("code") != -32603, (method, parameters, answer)
    assert chain.process.poll() is None and chain.rpc("dev_info")["chainId"] == 31337
