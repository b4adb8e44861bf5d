"""Blocks, headers, tags, time."""

import rlp
from conftest import BASE_FEE, GENESIS_TIME
from eth_utils import keccak


def header_hash(block: dict) -> str:
    """The hash of a block from what the node says of it, encoded here."""
    def number(name):
        value = int(block[name], 16)
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    def data(name):
        return bytes.fromhex(block[name][2:])
    fields = [
        data("parentHash"), data("sha3Uncles"), data("miner"), data("stateRoot"), data("transactionsRoot"),
        data("receiptsRoot"), data("logsBloom"), number("difficulty"), number("number"), number("gasLimit"),
        number("gasUsed"), number("timestamp"), data("extraData"), data("mixHash"), data("nonce"),
        number("baseFeePerGas"),
    ]
    return "0x" + keccak(rlp.encode(fields)).hex()


def test_hashes_are_those_of_the_headers_and_chain_up(chain):
    chain.send_call("account 0", chain.contract("counter").functions.increment())
    chain.mine(3)
    blocks = [chain.rpc("eth_getBlockByNumber", hex(n), False) for n in range(4)]
    assert [header_hash(block) for block in blocks] == [block["hash"] for block in blocks]
    assert [block["parentHash"] for block in blocks[1:]] == [block["hash"] for block in blocks[:-1]]
    assert chain.rpc("eth_getBlockByHash", blocks[2]["hash"], False) == blocks[2]


def test_roots_of_one_transaction(chain):
    """One leaf: the root is the hash of [compact(key), value], which is easily encoded apart."""
    raw = chain.sign("account 0")
    chain.web3.eth.send_raw_transaction(raw)
    chain.mine()
    block = chain.rpc("eth_getBlockByNumber", "latest", True)
    assert block["transactionsRoot"] == "0x" + keccak(rlp.encode([b"\x20\x80", bytes(raw)])).hex()
    assert block["transactions"][0]["hash"] == "0x" + keccak(bytes(raw)).hex()
    receipt = b"\x02" + rlp.encode([b"\1", (21_000).to_bytes(2, "big"), bytes(256), []])
    assert block["receiptsRoot"] == "0x" + keccak(rlp.encode([b"\x20\x80", receipt])).hex()


def test_safe_and_finalized_stay_behind_the_head(chain):
    def heights():
        return [int(chain.rpc("eth_getBlockByNumber", tag, False)["number"], 16)
                for tag in ("earliest", "finalized", "safe", "latest", "pending")]
    assert heights() == [0, 0, 0, 0, 1]
    chain.mine(10)
    assert heights() == [0, 0, 2, 10, 11]
    chain.mine(10)
    assert heights() == [0, 4, 12, 20, 21]


def test_a_block_that_is_not_there_is_null_and_its_state_an_error(chain):
    assert chain.rpc("eth_getBlockByNumber", "0x5", False) is None
    assert chain.rpc("eth_getBlockByHash", "0x" + "11" * 32, False) is None
    assert chain.error("eth_getBalance", "0x" + "11" * 20, "0x5")["message"] == "header not found"


def test_the_pending_block_holds_what_waits(chain):
    waiting = chain.send("account 0")
    gapped = chain.send("account 1", nonce=chain.web3.eth.get_transaction_count(chain.signer("account 1").address) + 1)
    pending = chain.rpc("eth_getBlockByNumber", "pending", False)
    assert pending["transactions"] == [waiting] and gapped not in pending["transactions"]
    assert pending["hash"] is None
    assert pending["parentHash"] == chain.rpc("eth_getBlockByNumber", "latest", False)["hash"]


def test_time_goes_on_and_can_be_set(chain):
    assert chain.web3.eth.get_block(0)["timestamp"] == GENESIS_TIME
    chain.rpc("evm_setNextBlockTimestamp", GENESIS_TIME + 100)
    chain.mine()
    assert chain.web3.eth.get_block("latest")["timestamp"] == GENESIS_TIME + 100
    chain.rpc("evm_mine", GENESIS_TIME + 200)
    assert chain.web3.eth.get_block("latest")["timestamp"] == GENESIS_TIME + 200
    chain.rpc("dev_mine", 3, 12)
    assert chain.web3.eth.get_block("latest")["timestamp"] == GENESIS_TIME + 236
    assert chain.error("evm_mine", GENESIS_TIME)["code"] == -32602


def test_the_contract_sees_the_block_it_is_in(chain):
    chain.rpc("evm_setNextBlockTimestamp", GENESIS_TIME + 77)
    counter = chain.contract("counter")
    chain.mined(chain.send_call("account 0", counter.functions.increment()))
    assert counter.functions.changedAt().call() == GENESIS_TIME + 77


def test_fees_are_what_the_node_says(chain):
    chain.send("account 0", maxPriorityFeePerGas=5)
    chain.send("account 1", maxPriorityFeePerGas=9)
    chain.mine()
    history = chain.web3.eth.fee_history(2, "latest", [0, 50, 100])
    assert history["baseFeePerGas"] == [BASE_FEE] * 3 and history["oldestBlock"] == 0
    assert history["reward"] == [[0, 0, 0], [5, 5, 9]]
    assert history["gasUsedRatio"] == [0, 42_000 / 30_000_000]
    assert chain.web3.eth.gas_price == 2 * BASE_FEE and chain.web3.eth.max_priority_fee == BASE_FEE
    chain.rpc("dev_setBaseFee", 7)
    chain.mine()
    assert chain.web3.eth.get_block("latest")["baseFeePerGas"] == 7
