"""eth_getLogs, filters, and blooms that tell the truth."""

import pytest
from eth_utils import keccak

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
COUNTED = "0x" + keccak(text="Counted(address,uint256,int256)").hex()


def topic(address: str) -> str:
    return "0x" + address[2:].lower().rjust(64, "0")


def is_in_bloom(bloom: str, item: str) -> bool:
    """The membership test of the yellow paper, written here anew."""
    filled, digest = bytes.fromhex(bloom[2:]), keccak(hexstr=item)
    bits = [int.from_bytes(digest[i:i + 2], "big") % 2048 for i in (0, 2, 4)]
    return all(filled[255 - bit // 8] >> bit % 8 & 1 for bit in bits)


@pytest.fixture
def busy(chain):
    """Three blocks: a transfer of account 0, one of account 1 with an increment, and nothing."""
    token, counter = chain.contract("token"), chain.contract("counter")
    a, b = (chain.signer(f"account {n}").address for n in (0, 1))
    chain.send_call("account 0", token.functions.transfer(b, 5))
    chain.mine()
    chain.send_call("account 1", token.functions.transfer(a, 7), maxPriorityFeePerGas=3)
    chain.send_call("account 2", counter.functions.increment(), maxPriorityFeePerGas=2)
    chain.mine(2)
    return chain, token.address, counter.address, a, b


def found(chain, **options):
    logs = chain.rpc("eth_getLogs", {"fromBlock": "0x0", **options})
    return [(int(log["blockNumber"], 16), int(log["logIndex"], 16)) for log in logs]


def test_logs_are_found_by_address_topic_and_position(busy):
    chain, token, counter, a, b = busy
    assert found(chain) == [(1, 0), (2, 0), (2, 1)]
    assert found(chain, address=token) == [(1, 0), (2, 0)]
    assert found(chain, address=[counter, token]) == [(1, 0), (2, 0), (2, 1)]
    assert found(chain, topics=[TRANSFER]) == [(1, 0), (2, 0)]
    assert found(chain, topics=[[TRANSFER, COUNTED]]) == [(1, 0), (2, 0), (2, 1)]
    assert found(chain, topics=[None, topic(b)]) == [(2, 0)]
    assert found(chain, topics=[TRANSFER, None, topic(b)]) == [(1, 0)]
    assert found(chain, topics=[TRANSFER, [topic(a), topic(b)]]) == [(1, 0), (2, 0)]
    assert found(chain, topics=[COUNTED, None, None]) == []  # it has two topics only
    assert found(chain, topics=[COUNTED, []]) == [(2, 1)]
    assert found(chain, address=counter, topics=[TRANSFER]) == []


def test_ranges_and_block_hashes(busy):
    chain = busy[0]
    second = chain.rpc("eth_getBlockByNumber", "0x2", False)["hash"]
    assert found(chain, fromBlock="0x2", toBlock="0x2") == [(2, 0), (2, 1)]
    assert found(chain, fromBlock="latest") == [] == found(chain, fromBlock="0x3", toBlock="0x99")
    assert found(chain, fromBlock=None, toBlock=None, blockHash=second) == [(2, 0), (2, 1)]
    assert chain.error("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x1"})["code"] == -32602
    assert chain.error("eth_getLogs", {"fromBlock": "0x2", "blockHash": second})["code"] == -32602
    assert chain.error("eth_getLogs", {"blockHash": "0x" + "12" * 32})["message"] == "unknown block"


def test_a_log_is_the_same_in_log_and_receipt(busy):
    chain, _, counter, _, _ = busy
    (log,) = chain.rpc("eth_getLogs", {"fromBlock": "0x0", "address": counter})
    receipt = chain.rpc("eth_getTransactionReceipt", log["transactionHash"])
    assert receipt["logs"] == [log]
    assert log["removed"] is False and log["logIndex"] == "0x1" == log["transactionIndex"]
    event = chain.contract("counter").events.Counted().process_receipt(
        chain.web3.eth.get_transaction_receipt(log["transactionHash"]))[0]
    assert event["args"]["count"] == 1 and event["args"]["change"] == 1


def test_blooms_hold_every_address_and_topic_and_little_else(busy):
    chain = busy[0]
    for number in range(4):
        block = chain.rpc("eth_getBlockByNumber", hex(number), False)
        receipts = chain.rpc("eth_getBlockReceipts", hex(number))
        union = 0
        for receipt in receipts:
            union |= int(receipt["logsBloom"], 16)
            for log in receipt["logs"]:
                for item in (log["address"], *log["topics"]):
                    assert is_in_bloom(receipt["logsBloom"], item) and is_in_bloom(block["logsBloom"], item)
        assert int(block["logsBloom"], 16) == union
        strangers = ["0x" + keccak(bytes([n])).hex() for n in range(200)]
        assert sum(is_in_bloom(block["logsBloom"], item) for item in strangers) <= 2
    assert union == 0


def test_limits_are_those_of_hosted_nodes(fresh_chain):
    chain = fresh_chain("--max-log-range", "3", "--max-logs", "2", "--no-mining")
    for n in range(3):
        chain.send_call(f"account {n}", chain.contract("counter").functions.increment())
    chain.mine(5)
    assert chain.error("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x4"})["code"] == -32005
    assert chain.error("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x3"})["code"] == -32005
    assert chain.rpc("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x4"}) == []


def test_filters_tell_what_is_new(chain):
    counter = chain.contract("counter")
    logs = chain.rpc("eth_newFilter", {"address": counter.address})
    blocks, waiting = chain.rpc("eth_newBlockFilter"), chain.rpc("eth_newPendingTransactionFilter")
    sent = chain.send_call("account 0", counter.functions.increment())
    assert chain.rpc("eth_getFilterChanges", waiting) == [sent] and chain.rpc("eth_getFilterChanges", blocks) == []
    chain.mine(2)
    assert len(chain.rpc("eth_getFilterChanges", blocks)) == 2 and chain.rpc("eth_getFilterChanges", blocks) == []
    (log,) = chain.rpc("eth_getFilterChanges", logs)
    assert log["transactionHash"] == sent and chain.rpc("eth_getFilterChanges", logs) == []
    chain.rpc("dev_reorg", 2)
    assert [log["removed"] for log in chain.rpc("eth_getFilterChanges", logs)] == [True, False]
    assert all(chain.rpc("eth_uninstallFilter", f) for f in (logs, blocks, waiting))
    assert chain.error("eth_getFilterChanges", logs)["message"] == "filter not found"
