"""The program: its start line, its end, its options, and JSON-RPC's envelope."""

import json
import signal
import socket
import subprocess
import time
import urllib.request

import pytest
from conftest import PROGRAM


def post(chain, body: str | bytes):
    data = body if isinstance(body, bytes) else body.encode()
    with urllib.request.urlopen(urllib.request.Request(chain.start["http"], data, method="POST")) as response:
        text = response.read()
    return json.loads(text) if text else None


def test_start_line_says_where_and_what(chain):
    start = chain.start
    assert start["chainId"] == 31337 and start["ws"].replace("ws:", "http:") == start["http"]
    assert start["contracts"]["entryPoint"] == "0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789"
    assert start["contracts"]["factory"] == "0xB99BC2E399e06CddCF5E725c0ea341E8f0322834"
    assert start["contracts"]["paymaster"] == "0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f"
    for account in start["accounts"]:
        assert chain.signer(account["name"]).address == account["address"]
        assert chain.web3.eth.get_balance(account["address"]) == 10_000 * 10**18


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_status_0_and_an_open_socket_does_not_hold_it(fresh_chain, number):
    chain = fresh_chain()
    port = int(chain.start["http"].rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)):
        chain.process.send_signal(number)
        assert chain.process.wait(timeout=10) == 0


def test_it_ends_when_stdin_closes(fresh_chain):
    chain = fresh_chain()
    chain.process.stdin.close()
    assert chain.process.wait(timeout=10) == 0
    chain.process.stdin = None


def test_a_taken_port_is_said_in_words(chain):
    port = chain.start["http"].rsplit(":", 1)[1]
    run = subprocess.run([PROGRAM, "--port", port], capture_output=True, text=True, timeout=20)
    assert run.returncode == 1 and port in run.stderr and "Traceback" not in run.stderr and run.stdout == ""


def test_two_starts_are_the_same_chain(fresh_chain):
    first, second = (fresh_chain("--genesis-time", "1700000000") for _ in range(2))
    assert first.rpc("eth_getBlockByNumber", "0x0")["hash"] == second.rpc("eth_getBlockByNumber", "0x0")["hash"]
    assert {k: v for k, v in first.start.items() if k not in ("http", "ws")} == \
           {k: v for k, v in second.start.items() if k not in ("http", "ws")}


def test_it_mines_each_transaction_at_once_by_default(fresh_chain):
    chain = fresh_chain()
    receipt = chain.web3.eth.get_transaction_receipt(chain.send("account 0"))
    assert receipt["blockNumber"] == 1 == chain.web3.eth.block_number


def test_it_mines_by_the_clock(fresh_chain):
    chain = fresh_chain("--block-time", "0.05")
    deadline = time.monotonic() + 30
    while chain.web3.eth.block_number < 3:
        assert time.monotonic() < deadline
    assert chain.rpc("evm_setIntervalMining", 0)
    height = chain.web3.eth.block_number
    chain.send("account 0")
    assert chain.web3.eth.block_number == height


# --- The envelope

def test_a_batch_is_answered_in_its_order_without_its_notifications(chain):
    answers = post(chain, json.dumps([
        {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "method": "eth_blockNumber"},
        {"jsonrpc": "2.0", "id": "x", "method": "net_version", "params": []},
        {"jsonrpc": "2.0", "id": None, "method": "nothing"},
    ]))
    assert [a["id"] for a in answers] == [7, "x", None]
    assert answers[0]["result"] == "0x7a69" and answers[1]["result"] == "31337"
    assert answers[2]["error"]["code"] == -32601


@pytest.mark.parametrize(("body", "code"), [
    ("{", -32700), (b"\xff\xfe", -32700), ("[" * 100_000, -32700), ("[]", -32600), ("1", -32600), ("{}", -32600),
    ('{"id":1,"method":5}', -32600), ('{"id":1,"method":"eth_chainId","params":{}}', -32602),
    ('{"id":1,"method":"eth_chainId","params":[1]}', -32602),
    ('{"id":1,"method":"eth_getBalance","params":[]}', -32602),
    ('{"id":1,"method":"eth_getBalance","params":["0x12"]}', -32602),
    ('{"id":1,"method":"eth_getBalance","params":[{"a":1}]}', -32602),
    ('{"id":1,"method":"eth_getBlockByNumber","params":["0xzz",false]}', -32602),
    ('{"id":1,"method":"eth_getBlockByNumber","params":["newest",false]}', -32602),
    ('{"id":1,"method":"eth_getLogs","params":[{"topics":["0x12"]}]}', -32602),
    ('{"id":1,"method":"eth_getLogs","params":[{"topics":[null,null,null,null,null]}]}', -32602),
    ('{"id":1,"method":"eth_call","params":[{"to":"0x1"}]}', -32602),
    ('{"id":1,"method":"eth_sendRawTransaction","params":["0x"]}', -32000),
    ('{"id":1,"method":"eth_sendRawTransaction","params":["0x02c0"]}', -32000),
    ('{"id":1,"method":"eth_sendRawTransaction","params":["0xc3010203"]}', -32000),
    ('{"id":1,"method":"eth_subscribe","params":["newHeads"]}', -32601),
])
def test_a_bad_request_gets_its_error(chain, body, code):
    assert post(chain, body)["error"]["code"] == code


def test_a_notification_gets_no_body(chain):
    assert post(chain, '{"jsonrpc":"2.0","method":"eth_chainId"}') is None
