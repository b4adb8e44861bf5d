"""Blocks that are taken back."""

import json

from websockets.sync.client import connect


def test_a_reorganisation_puts_other_blocks_in_their_place(chain):
    counter = chain.contract("counter")
    kept = chain.mined(chain.send_call("account 0", counter.functions.increment()))
    moved = chain.send_call("account 0", counter.functions.add(10))
    before = chain.mined(moved)
    chain.mine(2)
    answer = chain.rpc("dev_reorg", 3)
    assert len(answer["dropped"]) == 3 and len(answer["mined"]) == 4
    assert chain.web3.eth.block_number == 5
    after = chain.web3.eth.get_transaction_receipt(moved)
    assert after["blockNumber"] == before["blockNumber"] == 2 and after["blockHash"] != before["blockHash"]
    assert chain.web3.eth.get_transaction_receipt(kept["transactionHash"])["blockHash"] == kept["blockHash"]
    assert counter.functions.count().call() == 11
    parents = [chain.rpc("eth_getBlockByNumber", hex(n), False) for n in range(6)]
    assert all(child["parentHash"] == parent["hash"] for parent, child in zip(parents, parents[1:]))


def test_dropped_blocks_are_found_by_hash_but_are_not_the_chain(chain):
    counter = chain.contract("counter")
    before = chain.mined(chain.send_call("account 0", counter.functions.increment()))
    chain.rpc("dev_reorg", 1, 2, {"keepTransactions": False})
    old = before["blockHash"].to_0x_hex()
    assert chain.rpc("eth_getBlockByHash", old, False)["number"] == "0x1"
    assert len(chain.rpc("eth_getLogs", {"blockHash": old})) == 1
    assert chain.rpc("eth_getLogs", {"fromBlock": "0x0"}) == []
    assert chain.error("eth_getBalance", counter.address, {"blockHash": old})["message"] == "header not found"
    assert chain.rpc("eth_getTransactionReceipt", before["transactionHash"].to_0x_hex()) is None
    assert counter.functions.count().call() == 0
    assert chain.web3.eth.get_transaction_count(chain.signer("account 0").address) == 0


def test_a_shorter_branch_leaves_transactions_waiting(chain):
    sent = chain.send("account 0")
    chain.mine(3)
    chain.rpc("dev_reorg", 3, 0)
    assert chain.web3.eth.block_number == 0 and chain.rpc("txpool_status")["pending"] == "0x1"
    assert chain.mined(sent)["blockNumber"] == 1


def test_contracts_and_storage_go_back_too(chain):
    init = "0x600a600c600039600a6000f3602a60005260206000f3"
    made = chain.mined(chain.send("account 4", to=None, data=init))["contractAddress"]
    assert chain.web3.eth.get_code(made) != b""
    chain.rpc("dev_reorg", 1, 1, {"keepTransactions": False})
    assert chain.web3.eth.get_code(made) == b""
    again = chain.mined(chain.send("account 4", to=None, data=init))
    assert again["contractAddress"] == made and chain.web3.eth.get_code(made) != b""


def test_gas_is_the_same_on_the_other_branch(chain):
    counter = chain.contract("counter")
    hashes = [chain.send_call(f"account {n}", counter.functions.increment()) for n in range(3)]
    chain.mine()
    before = [chain.web3.eth.get_transaction_receipt(h)["gasUsed"] for h in hashes]
    chain.rpc("dev_reorg", 1)
    assert [chain.web3.eth.get_transaction_receipt(h)["gasUsed"] for h in hashes] == before


def test_depth_must_be_on_the_chain(chain):
    chain.mine(2)
    for depth in (0, 3):
        assert chain.error("dev_reorg", depth)["code"] == -32602
    assert chain.web3.eth.block_number == 2


def test_subscribers_hear_of_removed_logs_before_the_new_ones(chain):
    counter = chain.contract("counter")
    with connect(chain.start["ws"]) as socket:
        def ask(method, *parameters):
            socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}))
            return json.loads(socket.recv(timeout=10))["result"]

        logs, heads = ask("eth_subscribe", "logs", {"address": counter.address}), ask("eth_subscribe", "newHeads")
        chain.send_call("account 0", counter.functions.increment())
        chain.mine(2)
        mined = chain.rpc("dev_reorg", 2, 3)["mined"]
        heard = [json.loads(socket.recv(timeout=10))["params"] for _ in range(8)]
    story = [(m["result"].get("removed"), m["result"].get("number")) for m in heard]
    assert story == [
        (None, "0x1"), (False, None), (None, "0x2"), (True, None),
        (None, "0x1"), (False, None), (None, "0x2"), (None, "0x3")]
    assert {m["subscription"] for m in heard} == {logs, heads}
    added, removed, again = (m["result"] for m in heard if m["subscription"] == logs)
    assert removed == {**added, "removed": True}
    assert again["blockHash"] == mined[0] != added["blockHash"] and again["transactionHash"] == added["transactionHash"]


def test_returning_to_a_snapshot_forgets_what_came_after(chain):
    counter = chain.contract("counter")
    chain.mined(chain.send_call("account 0", counter.functions.increment()))
    snapshot = chain.rpc("evm_snapshot")
    later = chain.rpc("evm_snapshot")
    sent = chain.send_call("account 0", counter.functions.increment())
    chain.mine(2)
    assert chain.rpc("evm_revert", snapshot) is True
    assert (chain.web3.eth.block_number, counter.functions.count().call()) == (1, 1)
    assert chain.rpc("eth_getTransactionByHash", sent) is None
    assert chain.rpc("evm_revert", snapshot) is False and chain.rpc("evm_revert", later) is False


def test_a_snapshot_of_a_dropped_block_is_of_no_use(chain):
    chain.mine()
    snapshot = chain.rpc("evm_snapshot")
    chain.rpc("dev_reorg", 1)
    assert chain.rpc("evm_revert", snapshot) is False
